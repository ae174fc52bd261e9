from __future__ import annotations

import pytest

from local_cloud.patches.alarms import Rule

NOW = 6_030.0
"""Half a minute into a period."""


def rule(periods: int = 1, to_alarm: int = 1, missing: str = "missing") -> Rule[float]:
    return Rule(
        period_s=60, periods=periods, to_alarm=to_alarm, comparison="GreaterThanOrEqualToThreshold", threshold=5,
        missing=missing, value=sum,
    )  # fmt: skip


def at(*minutes_ago_and_value: tuple[int, float]) -> list[tuple[float, float]]:
    return [(NOW - 60 * ago, value) for ago, value in minutes_ago_and_value]


def test_data_of_one_period_are_taken_together() -> None:
    assert rule().state(at((0, 2), (0, 3)), NOW) == "ALARM"


def test_data_of_two_periods_are_not() -> None:
    assert rule(periods=2, to_alarm=2).state(at((0, 2), (1, 3)), NOW) == "OK"


def test_two_of_three_periods_ring() -> None:
    assert rule(periods=3, to_alarm=2).state(at((0, 9), (1, 0), (2, 9)), NOW) == "ALARM"


def test_one_of_three_periods_does_not() -> None:
    assert rule(periods=3, to_alarm=2, missing="notBreaching").state(at((0, 9)), NOW) == "OK"


def test_a_period_that_is_over_is_forgotten_when_the_next_has_data() -> None:
    assert rule().state(at((1, 9), (0, 0)), NOW) == "OK"


def test_the_last_full_period_counts_while_the_newest_has_no_data() -> None:
    assert rule().state(at((1, 9)), NOW) == "ALARM"


@pytest.mark.parametrize(
    ("missing", "state"),
    [("missing", "INSUFFICIENT_DATA"), ("notBreaching", "OK"), ("breaching", "ALARM"), ("ignore", None)],
)
def test_no_data_is_what_the_alarm_says_it_is(missing: str, state: str | None) -> None:
    assert rule(missing=missing).state([], NOW) == state
