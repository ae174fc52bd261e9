from __future__ import annotations

from local_cloud.sagemaker.hosting.metrics import InvocationMetrics, VariantKey
from local_cloud.shared.emulator import Scope

KEY = VariantKey(Scope("000000000000", "us-east-1"), "endpoint", "variant")


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_invocations_are_counted_by_instance_in_the_time_asked_for() -> None:
    clock = Clock()
    metrics = InvocationMetrics(clock)
    for second in range(10):
        clock.now = 1_000.0 + second
        for _ in range(4):
            metrics.record(KEY, status=200, instances=2, model_s=0.01, overhead_s=0.001)

    assert metrics.invocations_per_instance(KEY, 1_000, 1_010) == 20
    assert metrics.invocations_per_instance(KEY, 1_003, 1_005) == 4
    assert metrics.invocations_per_instance(KEY, 1_010, 1_020) == 0


def test_what_is_older_than_an_hour_is_forgotten() -> None:
    clock = Clock()
    metrics = InvocationMetrics(clock)
    metrics.record(KEY, status=200, instances=1, model_s=0.01, overhead_s=0.001)
    clock.now += 3_601
    metrics.record(KEY, status=200, instances=1, model_s=0.01, overhead_s=0.001)

    assert metrics.invocations_per_instance(KEY, 0, clock.now + 1) == 1


def test_a_variant_without_invocations_has_none() -> None:
    assert InvocationMetrics(Clock()).invocations_per_instance(KEY, 0, 1e9) == 0
