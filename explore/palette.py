"""Colours and shapes of topics and labels, which the colour-blind too can tell apart.

Six colours for each ground, found by search: in CIE Lab every two are at least 35 apart, to normal eyes and to those
without one kind of cone (the matrices of Machado, Oliveira and Fernandes 2009, which the tests hold them to), and each
has a contrast of 3 to 1 to its ground. Beyond six, shapes tell apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

LIGHT_GROUND: Final = "#ffffff"
DARK_GROUND: Final = "#14171c"
ON_LIGHT: Final = ("#0099dd", "#ee5511", "#3322aa", "#cc7788", "#770000", "#552255")
ON_DARK: Final = ("#00eeff", "#ffcc22", "#9966dd", "#bb6622", "#cceebb", "#448877")
SHAPES: Final = ("circle", "square", "triangle", "diamond", "plus")
"""Filled first; then, with `HOLLOW` added to the number, hollow."""
HOLLOW: Final = len(SHAPES)


class Mark(NamedTuple):
    """How a topic or a label is drawn: numbers of its colour and its shape."""

    colour: int
    shape: int


def marks(centres: npt.NDArray[np.floating], sizes: Sequence[int]) -> list[Mark]:
    """Return a mark for each of some groups on a map; up to 60 groups have marks of their own.

    The largest first, each takes the colour whose other groups are farthest, so that neighbours differ by colour.

    Args:
        centres: where each lies, shape (groups, 2).
        sizes: documents of each.
    """
    groups, colours = len(sizes), len(ON_LIGHT)
    most = -(-groups // colours)
    used: Counter[int] = Counter()
    chosen: dict[int, Mark] = {}
    for group in sorted(range(groups), key=lambda group: (-sizes[group], group)):
        gaps = [
            min(
                (
                    float(np.hypot(*(centres[group] - centres[other])))
                    for other, mark in chosen.items()
                    if mark.colour == colour
                ),
                default=np.inf,
            )
            if used[colour] < most
            else -1.0
            for colour in range(colours)
        ]
        best = int(np.argmax(gaps))
        chosen[group] = Mark(best, used[best] % (2 * len(SHAPES)))
        used[best] += 1
    return [chosen[group] for group in range(groups)]


def centres_of(
    positions: npt.NDArray[np.floating], groups: npt.NDArray[np.integer], number: int
) -> npt.NDArray[np.float64]:
    """Return where each of `number` groups lies, the medians of its members; an empty group at the centre."""
    centres = np.zeros((number, 2))
    for group in range(number):
        members = positions[groups == group]
        if members.size:
            centres[group] = np.median(members, axis=0)
    return centres
