"""CloudWatch alarms looked at as CloudWatch does: their own dimensions, period by period, M out of N.

MiniStack takes every datum of the metric's name together, whatever its dimensions, over all periods at once, and leaves
an alarm as it is where there is no data.
"""

from __future__ import annotations

import math
import operator
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from local_cloud.shared import emulated_metrics
from local_cloud.shared.emulated_metrics import MetricAlarm

OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"
Datum = TypeVar("Datum")
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True)
class Rule(Generic[Datum]):
    """What an alarm of one metric asks.

    Attributes:
        periods: how many of them are looked at.
        to_alarm: how many of those must breach.
        missing: what a period without data counts as: missing, ignore, breaching or notBreaching.
        value: the statistic of the data of a period; None where they have none.
    """

    period_s: int
    periods: int
    to_alarm: int
    comparison: str
    threshold: float
    missing: str
    value: Callable[[Sequence[Datum]], float | None]

    def state(self, data: Sequence[tuple[float, Datum]], now: float) -> str | None:
        """Return the alarm's state; None to leave it as it is.

        Args:
            data: of the metric with the alarm's dimensions, each with its epoch seconds.
            now: epoch seconds.
        """
        by_period: dict[int, list[Datum]] = {}
        for at, datum in data:
            by_period.setdefault(math.floor(at / self.period_s), []).append(datum)
        # The newest period is still going on: it counts as soon as it has data.
        newest = math.floor(now / self.period_s)
        last = newest if newest in by_period else newest - 1
        looked_at = [self._breaches(by_period.get(number)) for number in range(last - self.periods + 1, last + 1)]
        if all(item is None for item in looked_at):
            return {"notBreaching": OK, "breaching": ALARM, "ignore": None}.get(self.missing, INSUFFICIENT)
        treated = {"breaching": True, "notBreaching": False}.get(self.missing)
        counted = [treated if item is None else item for item in looked_at]
        if counted.count(True) >= self.to_alarm:
            return ALARM
        return None if self.missing == "ignore" and None in counted else OK

    def _breaches(self, data: Sequence[Datum] | None) -> bool | None:
        value = self.value(data) if data else None
        return None if value is None else _COMPARISONS[self.comparison](value, self.threshold)


def install() -> None:
    """Take the place of MiniStack's look at one alarm."""
    emulated_metrics.replace_alarm_evaluation(evaluate)


def evaluate(alarm: MetricAlarm) -> bool:
    """Look at one alarm and enter its state; False for one that does not compare a metric with a fixed threshold."""
    if alarm.comparison not in _COMPARISONS:
        return False
    rule = Rule(
        period_s=alarm.period_s,
        periods=alarm.periods,
        to_alarm=alarm.to_alarm,
        comparison=alarm.comparison,
        threshold=alarm.threshold,
        missing=alarm.missing,
        value=alarm.value,
    )
    now = time.time()
    # The period that is going on, and those looked at.
    state = rule.state(alarm.data(now - rule.period_s * (rule.periods + 1)), now)
    if state is not None and state != alarm.state:
        alarm.enter(state, f"Threshold Crossed: {alarm.statistic} {rule.comparison} {rule.threshold}")
    return True
