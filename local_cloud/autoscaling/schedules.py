"""Scheduled actions of a target: when one is due, and the bounds that it sets."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from local_cloud.shared import emulator
from local_cloud.shared.service_errors import validation_error

if TYPE_CHECKING:
    from local_cloud.shared.wire import JsonObject, MutableJson, Node


@dataclass
class ScheduledAction:
    """One scheduled action. Times are epoch seconds."""

    name: str
    arn: str
    schedule: str
    time_zone: str
    bounds: JsonObject
    """MinCapacity, MaxCapacity, or both."""
    created: float = field(default_factory=time.time)
    looked: float = field(default_factory=time.time)
    """When it was last asked whether it is due."""

    @classmethod
    def of(cls, request: Node, arn: str) -> ScheduledAction:
        """Read the members of PutScheduledAction.

        Raises:
            ServiceError: the schedule, the time zone or the bounds are none.
        """
        made = cls(
            request.text("ScheduledActionName"),
            arn,
            request.text("Schedule"),
            request.text("Timezone", "UTC"),
            request.node("ScalableTargetAction").values,
        )
        if not made.bounds:
            raise validation_error("ScalableTargetAction must name MinCapacity, MaxCapacity, or both.")
        made.due(made.looked)
        return made

    def due(self, now: float) -> bool:
        """Tell whether its moment has come since this was last asked."""
        try:
            zone = ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise validation_error(f"Timezone {self.time_zone} is not supported.") from None
        try:
            fires = emulator.next_fire(self.schedule, datetime.fromtimestamp(self.looked, UTC).astimezone(zone))
        except ValueError:
            raise validation_error(f"Schedule {self.schedule} is no cron expression; no other is emulated.") from None
        self.looked = now
        return fires is not None and fires.timestamp() <= now

    def describe(self) -> MutableJson:
        """Return it as DescribeScheduledActions does, without its target."""
        return {
            "ScheduledActionName": self.name,
            "ScheduledActionARN": self.arn,
            "Schedule": self.schedule,
            "Timezone": self.time_zone,
            "ScalableTargetAction": self.bounds,
            "CreationTime": self.created,
        }

    @classmethod
    def restored(cls, record: Node) -> ScheduledAction:
        """Return what `describe` was kept of; what came due in between is passed over."""
        made = cls.of(record, record.text("ScheduledActionARN"))
        made.created = record.number("CreationTime")
        return made
