"""What the mean of several instances lacks in steps: blockwise model-update filtering (Chen and Huo 2016).

Each of n instances takes its share of the epoch's steps, and the mean of what they learned moves the parameters as far
as one of them alone would: an epoch of n instances is worth an nth of an epoch of one. Momentum over the epochs of
1 - 1/n adds up to n times the move (https://doi.org/10.1109/ICASSP.2016.7472805, equations 3 and 4, block learning rate
1). It grows over the first epochs: these move far, in directions that the next do not repeat, and carried on they leave
topics unused. What the epochs are worth less for it, later ones are worth more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from training_scripts.ntm.model import HostTree

RAMP_EPOCHS: Final = 10
"""Epochs until the momentum is whole."""
MOST_CATCH_UP: Final = 0.25
"""Epochs of one instance that an epoch is worth beyond its own, at most, while there is something to catch up with."""


class Pushed(NamedTuple):
    """The parameters after an epoch, and what carries them on in the next."""

    params: HostTree
    velocity: HostTree
    """By how much the epoch has moved them."""


def even_instances(documents: float, squares: float) -> float:
    """Return of how many even shards the mean moves as far: the square of all instances' documents over their squares.

    The mean is weighted by documents: one large shard beside a small one moves it nearly as far as it would alone.

    Args:
        documents: sum over the instances of the documents that each has trained on.
        squares: sum of the squares of the same.
    """
    return documents**2 / squares


def momentum(instances: float, epoch: int) -> float:
    """Return the share of the last epoch's move that is added to that of `epoch`, the first being 0.

    An epoch is worth 1/n of one instance's, and the share times what the epoch before was worth. At a share of
    1 - 1/(n (1 + x)) that comes to 1 + x. After the ramp x is what all epochs so far, added up, are worth too little,
    but no more than `MOST_CATCH_UP`: in the end n instances are as far as one.
    """
    worth = behind = share = 0.0
    for number in range(epoch + 1):
        if number < RAMP_EPOCHS:
            share = (1 - 1 / instances) * number / RAMP_EPOCHS
        else:
            share = max(0.0, 1 - 1 / (instances * (1 + min(behind, MOST_CATCH_UP))))
        worth = 1 / instances + share * worth
        behind += 1 - worth
    return share


def pushed(before: HostTree, mean: HostTree, velocity: HostTree, share: float) -> Pushed:
    """Return where the parameters go in an epoch.

    Args:
        before: the parameters that all instances started with.
        mean: of the instances' parameters at its end.
        velocity: as returned for the epoch before; empty for the first.
        share: what `momentum` returns.
    """
    params = {name: value + share * velocity[name] if velocity else value for name, value in mean.items()}
    return Pushed(params, {name: value - before[name] for name, value in params.items()})
