from __future__ import annotations

import threading

import pytest

from local_cloud.sagemaker.shared.clock import Clock


class RealTime:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_it_goes_as_fast_as_its_rate() -> None:
    real = RealTime()
    clock = Clock(60.0, real)
    real.seconds += 2

    assert clock.now() == pytest.approx(120)


def test_who_waits_is_woken_when_it_is_put_forward() -> None:
    clock, came = Clock(1.0, RealTime()), list[bool]()
    waiting = threading.Thread(target=lambda: came.append(clock.wait_until(600, poll_s=30)))
    waiting.start()
    while waiting.is_alive():
        clock.advance(600)
        waiting.join(0.01)

    assert came == [True]


def test_a_wait_is_not_longer_than_its_poll() -> None:
    assert Clock(1.0, RealTime()).wait_until(600, poll_s=0.001) is False
