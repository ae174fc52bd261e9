"""The time a request has left, told by Lambda."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from url_functions.ports import LambdaContext

MARGIN_S = 1.0
"""Kept back, so that a refusal still reaches the caller before Lambda ends the request with no answer of ours."""

_WITHOUT_CONTEXT_S = 70.0


class Deadline:
    """A moment that everything a request waits for must end before."""

    def __init__(self, remaining_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends = clock() + remaining_s

    @classmethod
    def of(cls, context: LambdaContext | None) -> Deadline:
        """Return the deadline of an invocation, with a margin to answer in."""
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        return cls(remaining() / 1000 - MARGIN_S if remaining is not None else _WITHOUT_CONTEXT_S)

    def remaining_s(self) -> float:
        """Return the seconds left; below 0 once it has passed."""
        return self._ends - self._clock()
