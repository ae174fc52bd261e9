from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local_cloud.autoscaling.schedules import ScheduledAction
from local_cloud.autoscaling.targets import ScalableTarget, TargetKey
from local_cloud.shared.emulator import Scope
from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.wire import MutableJson, Node

FRIDAY_EVENING = datetime(2026, 7, 3, 16, 59, 30, tzinfo=UTC).timestamp()
"""A minute before 19 o'clock in Berlin, by half."""


def asked(schedule: str = "cron(0 19 ? * MON-FRI *)", zone: str = "Europe/Berlin", **bounds: int) -> Node:
    made: MutableJson = {"ScheduledActionName": "down", "Schedule": schedule, "Timezone": zone}
    return Node({**made, "ScalableTargetAction": dict(bounds)})


def action(looked: float, **bounds: int) -> ScheduledAction:
    made = ScheduledAction.of(Node({**asked().values, "ScalableTargetAction": dict(bounds)}), "arn")
    made.looked = looked
    return made


def target() -> ScalableTarget:
    key = TargetKey(Scope("123456789012", "us-east-1"), "endpoint/e/variant/v")
    return ScalableTarget(key, "arn", minimum=2, maximum=4, role_arn="", suspended={})


def test_an_action_is_due_once_at_its_moment_in_its_time_zone() -> None:
    made = action(FRIDAY_EVENING, MinCapacity=1)

    assert [made.due(FRIDAY_EVENING + seconds) for seconds in (10, 31, 40, 3600)] == [False, True, False, False]


def test_an_action_that_is_due_sets_the_bounds_that_it_names() -> None:
    scaled = target()
    scaled.scheduled["down"] = action(FRIDAY_EVENING, MinCapacity=1)

    assert scaled.look_at_schedule(FRIDAY_EVENING + 60) == "down"
    assert (scaled.minimum, scaled.maximum) == (1, 4)


def test_a_suspended_schedule_sets_nothing() -> None:
    scaled = target()
    scaled.suspended = {"ScheduledScalingSuspended": True}
    scaled.scheduled["down"] = action(FRIDAY_EVENING, MinCapacity=1)

    assert scaled.look_at_schedule(FRIDAY_EVENING + 60) == ""
    assert scaled.minimum == 2


def test_actions_outlive_the_local_clouds_process() -> None:
    scaled = target()
    scaled.scheduled["down"] = action(FRIDAY_EVENING, MinCapacity=1, MaxCapacity=1)

    again = ScalableTarget.restored(Node(scaled.record()), lambda _: pytest.fail("it has no policy"))
    assert [each.describe() for each in again.scheduled.values()] == [
        each.describe() for each in scaled.scheduled.values()
    ]


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (asked("at(2026-07-03T19:00:00)", MinCapacity=1), "is no cron expression"),
        (asked("cron(99 19 ? * * *)", MinCapacity=1), "is no cron expression"),
        (asked(zone="Europe/Atlantis", MinCapacity=1), "Timezone Europe/Atlantis is not supported"),
        (asked(), "MinCapacity, MaxCapacity, or both"),
    ],
)
def test_what_is_no_scheduled_action_is_refused(request_: Node, says: str) -> None:
    with pytest.raises(ServiceError) as refused:
        ScheduledAction.of(request_, "arn")

    assert says in refused.value.message
