"""Metrics of invocations: counted as they happen, published to CloudWatch each second, and read by autoscaling."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from local_cloud.shared import emulated_metrics
from local_cloud.shared.emulator import Scope

NAMESPACE = "AWS/SageMaker"
PUBLISH_S = 1.0
KEPT_S = 3_600.0
BUCKET_S = 0.1
CLIENT_ERROR = 400
SERVER_ERROR = 500


@dataclass
class _Interval:
    """What one variant answered since the last publication."""

    invocations: int = 0
    client_errors: int = 0
    server_errors: int = 0
    per_instance: float = 0.0
    model_latency_us: Counter[float] = field(default_factory=Counter)
    overhead_latency_us: Counter[float] = field(default_factory=Counter)


@dataclass(frozen=True)
class VariantKey:
    """Which variant of which endpoint."""

    scope: Scope
    endpoint: str
    variant: str


class InvocationMetrics:
    """Counts of every variant. `clock` gives epoch seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._current: dict[VariantKey, _Interval] = {}
        # [time, invocations per instance] in short buckets, for autoscaling.
        self._history: dict[VariantKey, deque[list[float]]] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Publish each second from now on."""
        threading.Thread(target=self._publish_forever, name="invocation-metrics", daemon=True).start()

    def record(self, key: VariantKey, *, status: int, instances: int, model_s: float, overhead_s: float) -> None:
        """Count one invocation, answered with `status` by a variant of so many instances."""
        with self._lock:
            interval = self._current.setdefault(key, _Interval())
            interval.invocations += 1
            interval.per_instance += 1 / max(1, instances)
            self._remember(key, 1 / max(1, instances))
            interval.client_errors += CLIENT_ERROR <= status < SERVER_ERROR
            interval.server_errors += status >= SERVER_ERROR
            interval.model_latency_us[round(model_s * 1e6)] += 1
            interval.overhead_latency_us[round(overhead_s * 1e6)] += 1

    def invocations_per_instance(self, key: VariantKey, start: float, end: float) -> float:
        """Return how many invocations an instance had from `start` to `end`, in epoch seconds."""
        with self._lock:
            history = self._history.get(key, deque())
            return sum(count for at, count in history if start <= at < end)

    def publish(self) -> None:
        """Publish what was counted since the last time, and let CloudWatch look at its alarms."""
        now = self._clock()
        with self._lock:
            intervals, self._current = self._current, {}
        for key, interval in intervals.items():
            _put(key, interval, now)
        for scope in emulated_metrics.scopes_with_alarms():
            emulated_metrics.evaluate_alarms(scope)

    def _remember(self, key: VariantKey, count: float) -> None:
        now = self._clock()
        history = self._history.setdefault(key, deque())
        if history and now - history[-1][0] < BUCKET_S:
            history[-1][1] += count
            return
        history.append([now, count])
        while history[0][0] < now - KEPT_S:
            history.popleft()

    def _publish_forever(self) -> None:
        while True:
            time.sleep(PUBLISH_S)
            self.publish()


def _put(key: VariantKey, interval: _Interval, now: float) -> None:
    dimensions = {"EndpointName": key.endpoint, "VariantName": key.variant}
    counted: dict[str, dict[float, int]] = {
        "Invocations": {1.0: interval.invocations},
        "InvocationsPerInstance": {interval.per_instance / interval.invocations: interval.invocations},
        "Invocation4XXErrors": _ones(interval.client_errors, interval.invocations),
        "Invocation5XXErrors": _ones(interval.server_errors, interval.invocations),
    }
    for name, values in counted.items():
        emulated_metrics.put_metric(key.scope, NAMESPACE, name, dimensions, unit="None", values=values, at=now)
    latencies = {"ModelLatency": interval.model_latency_us, "OverheadLatency": interval.overhead_latency_us}
    for name, latency in latencies.items():
        emulated_metrics.put_metric(key.scope, NAMESPACE, name, dimensions, unit="Microseconds", values=latency, at=now)


def _ones(errors: int, invocations: int) -> dict[float, int]:
    # One datum an invocation, 1 or 0, so that the average is the error rate.
    return {value: count for value, count in ((1.0, errors), (0.0, invocations - errors)) if count}
