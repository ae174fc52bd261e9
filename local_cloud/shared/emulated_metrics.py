"""Typed wrappers over MiniStack's private API: logs, metrics and alarms of CloudWatch."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local_cloud.shared import private_names
from local_cloud.shared.emulator import Scope, within


def put_log_lines(scope: Scope, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
    """Append (epoch milliseconds, message) to a stream; group and stream are made where they are missing."""
    with within(scope):
        # Either answers "already exists" from the second time on.
        private_names.LOGS_CREATE_GROUP.get()({"logGroupName": group})
        private_names.LOGS_CREATE_STREAM.get()({"logGroupName": group, "logStreamName": stream})
        private_names.LOGS_PUT.get()(
            {
                "logGroupName": group,
                "logStreamName": stream,
                "logEvents": [{"timestamp": stamp, "message": message} for stamp, message in events],
            }
        )


def put_metric(
    scope: Scope,
    namespace: str,
    name: str,
    dimensions: Mapping[str, str],
    *,
    unit: str,
    values: Mapping[float, int],
    at: float,
) -> None:
    """Publish a metric datum: how often each value was seen, at epoch seconds `at`."""
    with within(scope):
        private_names.METRICS_STORE.get()(
            namespace, name, dict(dimensions), at, unit, None, list(values), [float(n) for n in values.values()], None
        )


def evaluate_alarms(scope: Scope) -> None:
    """Let CloudWatch look at its alarms, as it does after each PutMetricData."""
    with within(scope):
        private_names.ALARMS_EVALUATE.get()()


def scopes_with_alarms() -> set[Scope]:
    """Return where there are alarms."""
    return {Scope(account, region) for account, region, _ in list(private_names.ALARMS.get()._data)}  # noqa: SLF001


def alarm_state(scope: Scope, name: str) -> str | None:
    """Return an alarm's state, of a metric's or a composite one; None where there is none of this name."""
    with within(scope):
        alarm = private_names.ALARMS.get().get(name) or private_names.COMPOSITE_ALARMS.get().get(name)
    return str(alarm["StateValue"]) if alarm else None


class MetricAlarm:
    """One alarm of a metric, in the scope that is current."""

    def __init__(self, record: dict[str, Any]) -> None:
        self._record = record
        self.period_s = int(record.get("Period") or 60)
        self.periods = int(record.get("EvaluationPeriods") or 1)
        self.to_alarm = int(record.get("DatapointsToAlarm") or self.periods)
        self.comparison = str(record.get("ComparisonOperator") or "") if record.get("MetricName") else ""
        self.threshold = float(record.get("Threshold") or 0)
        self.missing = str(record.get("TreatMissingData") or "missing")
        self.statistic = str(record.get("ExtendedStatistic") or record.get("Statistic") or "Average")

    @property
    def state(self) -> str:
        """Its state."""
        return str(self._record["StateValue"])

    def data(self, since: float) -> list[tuple[float, object]]:
        """Return the data of its metric and dimensions since then, in epoch seconds, the newest first."""
        dimensions = {item["Name"]: item["Value"] for item in self._record.get("Dimensions") or []}
        key = (self._record["Namespace"], self._record["MetricName"], private_names.METRIC_DIMENSIONS.get()(dimensions))
        recent = itertools.takewhile(
            lambda item: item["Timestamp"] >= since, reversed(private_names.METRICS.get().get(key) or [])
        )
        return [(float(item["Timestamp"]), item) for item in recent]

    def value(self, data: Sequence[object]) -> float | None:
        """Return its statistic of some data."""
        value = private_names.METRIC_STATISTIC.get()(private_names.METRIC_STATISTICS.get()(data), self.statistic, data)
        return None if value is None else float(value)

    def enter(self, state: str, reason: str) -> None:
        """Change its state, with all that follows from that."""
        old, self._record["StateValue"] = self.state, state
        self._record |= {"StateReason": reason, "StateUpdatedTimestamp": int(time.time())}
        private_names.ALARM_HISTORY.get()(self._record["AlarmName"], old, state, reason)
        private_names.ALARM_ACTIONS.get()(self._record, old, state, reason)
        private_names.ALARM_PARENTS.get()(self._record)


def replace_alarm_evaluation(evaluate: Callable[[MetricAlarm], bool]) -> None:
    """Look at each alarm by `evaluate`, and by MiniStack's own way where that answers False."""

    def wrapper(original: Callable[..., Any]) -> Callable[..., Any]:
        def evaluated(record: dict[str, Any]) -> None:
            if not evaluate(MetricAlarm(record)):
                original(record)

        return evaluated

    private_names.ALARM_EVALUATE.wrap(wrapper)
