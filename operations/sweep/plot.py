"""The scores of a sweep as PNG."""

from __future__ import annotations

from typing import Final

import matplotlib as mpl

mpl.use("Agg")

from collections.abc import Sequence
from pathlib import Path

from matplotlib import pyplot as plt

from explore.files import written_whole
from operations.sweep.scores import Score
from training_scripts.corpus.manifest import CorpusManifest

_INK, _QUIET, _LINE, _CHOSEN = "#1b1e24", "#596170", "#1f5fbf", "#b23a00"
_MANY: Final = 8
"""Points from which their names are written upright."""
_HASH_CHARS: Final = 12


def draw(found: Sequence[Score], chosen: Score, file: Path, *, corpus: CorpusManifest, by: str) -> None:
    """Draw each measure over the points, and mark the chosen one.

    Args:
        found: the points' scores.
        chosen: one of them.
        file: to write.
        corpus: what the models were trained on.
        by: what trained them.

    Raises:
        OperationError: the file cannot be written.
    """
    panels: list[tuple[str, str, list[float]]] = [
        ("validation loss", "lower is better", [score.loss for score in found]),
        ("coherence, NPMI", "higher is better", [score.coherence for score in found]),
        ("uniqueness, TU", "higher is better", [score.uniqueness for score in found]),
        ("quality", "product of those before, without loss", [score.quality for score in found]),
    ]
    stable = [score.stability for score in found if score.stability is not None]
    if len(stable) == len(found):
        panels.insert(3, ("stability over repeats", "higher is better", stable))
    figure, axes = plt.subplots(1, len(panels), figsize=(3.3 * len(panels), 4.1))
    values = [", ".join(value for _, value in score.point) for score in found]
    names = ", ".join(name for name, _ in chosen.point)
    at = list(found).index(chosen)
    for panel, (title, hint, heights) in zip(axes, panels, strict=True):
        panel.plot(range(len(found)), heights, color=_LINE, marker="o", markersize=5, linewidth=1.6)
        panel.plot([at], [heights[at]], color=_CHOSEN, marker="D", markersize=9, linestyle="")
        panel.set_title(title, fontsize=11, loc="left", color=_INK, pad=18)
        panel.text(0, 1.02, hint, transform=panel.transAxes, fontsize=8, color=_QUIET, va="bottom")
        panel.set_xticks(range(len(found)), values, fontsize=8, rotation=90 if len(found) > _MANY else 0)
        panel.set_xlabel(names, fontsize=8, color=_QUIET)
        panel.tick_params(axis="y", labelsize=8)
        panel.margins(x=0.06, y=0.12)
        panel.grid(axis="y", color="#e3e6ea")
        for side in ("top", "right"):
            panel.spines[side].set_visible(False)
    figure.suptitle(f"Sweep over {names}; taken: {chosen.name}", x=0.008, ha="left", fontsize=13, color=_INK)
    figure.text(0.008, 0.012, _made_of(found, chosen, corpus, by), fontsize=7.5, color=_QUIET, va="bottom")
    figure.tight_layout(rect=(0, 0.09, 1, 0.97))
    with written_whole(file) as partial:
        figure.savefig(partial, dpi=120, format="png")
    plt.close(figure)


def _made_of(found: Sequence[Score], chosen: Score, corpus: CorpusManifest, by: str) -> str:
    """Say which models and which corpus the picture is of."""
    models = sum(len(score.models) for score in found)
    source = f"{corpus.source.name} {corpus.source.version}"
    return (
        f"corpus {corpus.corpus_hash[:_HASH_CHARS]}, {source}, {corpus.documents.train:,} training documents\n"
        f"{models} models of the NTM, trained by {by}; of the point taken: {', '.join(chosen.models)}"
    )
