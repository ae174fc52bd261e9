"""Names of groups written on a map, each where its group is densest and none over another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from matplotlib.patheffects import withStroke

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

_CELLS: Final = 16
_STEPS: Final = 1000
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
    cells_in_use, of_point, sizes = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    x, y = members[of_point.ravel() == int(np.argmax(sizes[: len(cells_in_use)]))].mean(axis=0)
    return float(x), float(y)


def _part(figure: Figure, axes: Axes, texts: list[Text]) -> None:
    """Move each text to the free place above or below it that is nearest, and into the axes from beside them."""
    # Where the axes are as wide as they are high, only now.
    axes.apply_aspect()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]  # Agg's canvas has one
    boxes = [text.get_window_extent(renderer) for text in texts]
    back, room = axes.transData.inverted(), axes.bbox
    placed: list[Bbox] = []
    for place in sorted(range(len(texts)), key=lambda place: (boxes[place].y0, place)):
        text, box = texts[place], boxes[place]
        aside = max(0.0, room.x0 - box.x0) + min(0.0, room.x1 - box.x1)
        moved = (box.translated(aside, up) for up in _offsets(box.height))
        free = next(
            (
                one
                for one in moved
                if one.y0 >= room.y0 and one.y1 <= room.y1 and not any(one.overlaps(other) for other in placed)
            ),
            box,
        )
        placed.append(free.padded(_GAP / 2))
        x, y = axes.transData.transform(text.get_position())
        text.set_position(tuple(back.transform((x + free.x0 - box.x0, y + free.y0 - box.y0))))


def _offsets(height: float) -> Iterator[float]:
    """Yield how far up a text may be moved, the nearest first, in a quarter of its height."""
    for step in range(_STEPS):
        yield (step + 1) // 2 * (height / 4) * (1 if step % 2 else -1)
