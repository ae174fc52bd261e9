from __future__ import annotations

import math

import pytest

from training_scripts.ntm.learning.early_stop import EarlyStop


def stops_after(losses: list[float], *, patience: int, tolerance: float) -> int | None:
    """The number of epochs after which training stops; None if it never does."""
    stop = EarlyStop(patience, tolerance)
    for epochs, loss in enumerate(losses, start=1):
        stop.add(loss)
        if stop.should_stop:
            return epochs
    return None


@pytest.mark.parametrize(
    ("losses", "patience", "tolerance", "epochs"),
    [
        ([100, 90, 80, 70, 60], 2, 0.01, None),
        ([100, 90, 89.5, 89.4, 10], 2, 0.01, 4),
        ([100, 90, 89.5, 88, 87], 2, 0.01, None),
        ([100, 50, 70, 60, 55], 3, 0.001, 5),
        ([100, 50, 70, 60, 49], 3, 0.001, None),
        ([100, 100, 100], 3, 0.001, None),
        ([100, 100, 100, 100], 3, 0.001, 4),
        ([-100, -110, -120, -120], 1, 0.01, 4),
        ([100, math.nan, math.nan], 2, 0.001, 3),
    ],
)
def test_training_stops_when_the_best_of_the_last_epochs_is_hardly_better_than_the_best_before(
    losses: list[float], patience: int, tolerance: float, epochs: int | None
) -> None:
    assert stops_after(losses, patience=patience, tolerance=tolerance) == epochs


def test_the_best_epoch_is_the_first_of_the_lowest_loss() -> None:
    stop = EarlyStop(3, 0.001)
    for loss in (5.0, 3.0, math.nan, 3.0, 4.0):
        stop.add(loss)

    assert stop.best_epoch == 1
