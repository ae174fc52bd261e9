"""The scores of a sweep as PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt

from explore.files import written_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from explore.sweep_scores import Score

_INK, _QUIET, _LINE, _CHOSEN = "#1b1e24", "#596170", "#1f5fbf", "#ee5511"
_MANY: Final = 8
"""Points from which their names are written upright."""


def draw(found: Sequence[Score], chosen: Score, file: Path, *, corpus: str) -> None:
    """Draw each measure over the points, and mark the chosen one.

    Raises:
        ExploreError: the file cannot be written.
    """
    panels: list[tuple[str, list[float]]] = [
        ("validation loss (lower is better)", [score.loss for score in found]),
        ("coherence, NPMI", [score.coherence for score in found]),
        ("uniqueness, TU", [score.uniqueness for score in found]),
        ("quality", [score.quality for score in found]),
    ]
    stable = [score.stability for score in found if score.stability is not None]
    if len(stable) == len(found):
        panels.insert(3, ("stability over seeds", stable))
    figure, axes = plt.subplots(1, len(panels), figsize=(3.3 * len(panels), 3.6))
    values = [", ".join(value for _, value in score.point) for score in found]
    at = list(found).index(chosen)
    for panel, (title, heights) in zip(axes, panels, strict=True):
        panel.plot(range(len(found)), heights, color=_LINE, marker="o", markersize=5, linewidth=1.6)
        panel.plot([at], [heights[at]], color=_CHOSEN, marker="D", markersize=9, linestyle="")
        panel.set_title(title, fontsize=10, loc="left", color=_INK)
        panel.set_xticks(range(len(found)), values, fontsize=8, rotation=90 if len(found) > _MANY else 0)
        panel.tick_params(axis="y", labelsize=8)
        panel.grid(axis="y", color="#e3e6ea")
        for side in ("top", "right"):
            panel.spines[side].set_visible(False)
    names = ", ".join(name for name, _ in chosen.point)
    figure.suptitle(f"Sweep over {names}; taken: {chosen.name}", x=0.01, ha="left", fontsize=12, color=_INK)
    figure.text(0.008, 0.01, f"corpus {corpus[:12]}", fontsize=7, color=_QUIET)
    figure.tight_layout(rect=(0, 0.03, 1, 0.97))
    with written_whole(file) as partial:
        figure.savefig(partial, dpi=120, format="png")
    plt.close(figure)
