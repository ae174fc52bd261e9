"""When training stops, and which epoch's model is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass
class EarlyStop:
    """Stops once the loss has improved by less than `tolerance`, relative, within the last `patience` epochs.

    The documented rule of the built-in (num_patience_epochs, tolerance). The best loss so far is what counts, so that
    one lucky epoch is not followed by an apparent rise.
    """

    patience: int
    tolerance: float
    history: list[float] = field(default_factory=list)

    def add(self, loss: float) -> None:
        """Note an epoch's loss."""
        self.history.append(loss)

    @property
    def best_epoch(self) -> int:
        """The epoch of the lowest loss, from 0; the earliest of equals. -1 before the first."""
        if not self.history:
            return -1
        return min(range(len(self.history)), key=lambda epoch: (_comparable(self.history[epoch]), epoch))

    @property
    def should_stop(self) -> bool:
        """Whether training has stopped getting better."""
        if len(self.history) <= self.patience:
            return False
        before = min(map(_comparable, self.history[: -self.patience]))
        within = min(map(_comparable, self.history[-self.patience :]))
        if math.isinf(before):
            return math.isinf(within)
        return before - within < self.tolerance * abs(before)


def _comparable(loss: float) -> float:
    return math.inf if math.isnan(loss) else loss
