"""What the mean of several instances lacks in steps: blockwise model-update filtering (Chen and Huo 2016).

Each of n instances takes its share of the epoch's steps, and the mean of what they learned moves the parameters as far
as one of them alone would: an epoch of n instances is worth an nth of an epoch of one. Momentum over the epochs of
1 - 1/n adds up to n times the move (https://doi.org/10.1109/ICASSP.2016.7472805, equations 3 and 4, block learning rate
1). It grows over the first epochs: these move far, in directions that the next do not repeat, and carried on they leave
topics unused. What the epochs are worth less for it, and what a move carried on is worth less than a new one, the later
ones are worth more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from training_scripts.ntm.learning.architecture import HostTree

RAMP_EPOCHS: Final = 10
"""Epochs until the momentum is whole."""
SURPLUS: Final = 0.25
"""By how much an epoch after the ramp is worth more than one of one instance, of two instances or more."""


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

    An epoch is worth 1/n of one instance's, and the share times what the epoch before was worth: at a share of
    1 - 1/(n (1 + x)) that comes to 1 + x. It is 1 - 1/n that the ramp grows to; x is `SURPLUS`, and less where the
    shards are so uneven that they count for less than two.
    """
    if epoch < RAMP_EPOCHS:
        return (1 - 1 / instances) * epoch / RAMP_EPOCHS
    return 1 - 1 / (instances * (1 + SURPLUS * min(instances - 1, 1)))


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
