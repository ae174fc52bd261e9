"""Names of groups written on a map, each where its group is densest and none over another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from matplotlib.patheffects import withStroke

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

_CELLS: Final = 16
_ROUNDS: Final = 200
_GAP: Final = 2.0
_SIZE: Final = 8.5


def write(
    figure: Figure,
    axes: Axes,
    positions: npt.NDArray[np.floating],
    groups: npt.NDArray[np.integer],
    names: Mapping[int, str],
    *,
    ink: str,
) -> list[Text]:
    """Write each group's name on the map, and return the texts.

    Args:
        figure: laid out, so that the axes are where they stay.
        axes: the map's.
        positions: of the points, shape (points, 2).
        groups: the group of each point.
        names: of the groups to write; a group without points is left out.
        ink: colour of the text.
    """
    texts = []
    for group, name in names.items():
        members = positions[groups == group]
        if members.size == 0:
            continue
        x, y = densest(members, span=float(np.ptp(positions, axis=0).max()))
        texts.append(
            axes.text(
                x,
                y,
                name,
                fontsize=_SIZE,
                color=ink,
                ha="center",
                va="center",
                path_effects=[withStroke(linewidth=2.5, foreground="white", alpha=0.85)],
            )
        )
    _part(figure, axes, texts)
    return texts


def densest(members: npt.NDArray[np.floating], *, span: float) -> tuple[float, float]:
    """Return the mean of the points in the fullest cell of a grid, `span` wide in all."""
    cells = np.floor(members / (span / _CELLS or 1.0)).astype(np.int64)
    found, of_point, sizes = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    x, y = members[of_point.ravel() == int(np.argmax(sizes[: len(found)]))].mean(axis=0)
    return float(x), float(y)


def _part(figure: Figure, axes: Axes, texts: list[Text]) -> None:
    """Move texts up and down until none lies over another."""
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]  # Agg's canvas has one
    boxes = np.array([text.get_window_extent(renderer).extents for text in texts])
    moved = np.zeros(len(texts))
    for _ in range(_ROUNDS):
        still = True
        for one in range(len(texts)):
            for other in range(one):
                a, b = boxes[one], boxes[other]
                if min(a[2], b[2]) <= max(a[0], b[0]):
                    continue
                low, high = a[1] + moved[one], b[1] + moved[other]
                overlap = min(low + a[3] - a[1], high + b[3] - b[1]) - max(low, high) + _GAP
                if overlap <= 0:
                    continue
                still = False
                step = overlap / 2 if low >= high else -overlap / 2
                moved[one] += step
                moved[other] -= step
        if still:
            break
    back = axes.transData.inverted()
    for text, up in zip(texts, moved, strict=True):
        x, y = axes.transData.transform(text.get_position())
        text.set_position(tuple(back.transform((x, y + up))))
