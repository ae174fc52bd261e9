from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.autoscaling.decision import HIGH_MINUTES, LOW_MINUTES, Decision, Situation, TargetTracking, decide

POLICY = TargetTracking(target=100)


def capacity(minutes: list[float], policy: TargetTracking = POLICY, **more: Any) -> int | None:
    situation = Situation(**{"capacity": 2, "minimum": 1, "maximum": 8, "per_minute": minutes, **more})
    decision = decide(policy, situation)
    return decision.capacity if decision else None


def test_three_minutes_above_the_target_add_capacity_in_proportion() -> None:
    assert capacity([250, 250, 250]) == 5


@pytest.mark.parametrize("minutes", [[500, 500], [500, 100, 500], [100, 100, 100]])
def test_a_shorter_or_a_smaller_load_adds_nothing(minutes: list[float]) -> None:
    assert capacity(minutes) is None


def test_no_more_than_the_maximum_is_added() -> None:
    assert capacity([10_000] * 3) == 8
    assert capacity([10_000] * 3, capacity=8) is None


def test_fifteen_minutes_below_the_target_take_capacity_away_down_to_the_minimum() -> None:
    assert capacity([0] * 15, capacity=6) == 1
    assert capacity([40] * 15, capacity=6) == 3
    assert capacity([0] * 14, capacity=6) is None


def test_what_is_left_can_carry_the_busiest_of_those_minutes() -> None:
    assert capacity([*[10] * 14, 80], capacity=5) == 4


def test_a_load_just_below_the_target_takes_nothing_away() -> None:
    assert capacity([95] * 15) is None


def test_scale_in_can_be_disabled() -> None:
    assert capacity([0] * 15, TargetTracking(target=100, disable_scale_in=True)) is None


@pytest.mark.parametrize(
    ("minutes", "since", "expected"),
    [
        ([500] * 3, {"minutes_since_out": 4.9}, None),
        ([500] * 3, {"minutes_since_out": 5.0}, 8),
        ([500] * 3, {"minutes_since_in": 0.0}, 8),
        ([0] * 15, {"minutes_since_in": 4.9}, None),
        ([0] * 15, {"minutes_since_out": 4.9}, None),
        ([0] * 15, {"minutes_since_in": 5.0}, 1),
    ],
)
def test_a_cooldown_holds_back_the_next_change(
    minutes: list[float], since: dict[str, Any], expected: int | None
) -> None:
    assert capacity(minutes, **since) == expected


def test_capacity_outside_of_its_bounds_is_brought_back_whatever_the_load() -> None:
    assert capacity([], minimum=3) == 3
    assert capacity([], maximum=1) == 1


@given(
    st.lists(st.floats(0, 1e6), max_size=20), st.integers(1, 10), st.integers(1, 10), st.integers(0, 10),
)  # fmt: skip
def test_a_decision_is_within_bounds_and_changes_something(
    minutes: list[float], now: int, minimum: int, spread: int
) -> None:
    situation = Situation(capacity=now, minimum=minimum, maximum=minimum + spread, per_minute=minutes)
    decision = decide(POLICY, situation)

    assert decision is None or isinstance(decision, Decision)
    if decision is not None:
        assert minimum <= decision.capacity <= minimum + spread
        assert decision.capacity != now
    if len(minutes) < min(HIGH_MINUTES, LOW_MINUTES) and minimum <= now <= minimum + spread:
        assert decision is None
