"""The clock that rollouts wait by: it goes with real time, faster where the settings say so, and can be put forward."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Clock:
    """Seconds that rollouts count in.

    Args:
        rate: how many of its seconds pass in one.
        monotonic: real time, in seconds.
    """

    def __init__(self, rate: float = 1.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._started = monotonic()
        self._ahead = 0.0
        self._moved = threading.Condition()

    def now(self) -> float:
        """Return seconds since it was made."""
        return (self._monotonic() - self._started) * self._rate + self._ahead

    def advance(self, seconds: float) -> None:
        """Put it forward, and wake whoever waits."""
        with self._moved:
            self._ahead += seconds
            self._moved.notify_all()

    def wait_until(self, moment: float, *, poll_s: float) -> bool:
        """Wait until `moment` by this clock, but at most `poll_s` of real time; tell whether it has come."""
        with self._moved:
            left = (moment - self.now()) / self._rate
            if left > 0:
                self._moved.wait(min(left, poll_s))
            return self.now() >= moment
