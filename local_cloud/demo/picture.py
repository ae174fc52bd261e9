"""The topics as a poster: a panel a topic with its words, its share, and where it occurs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from local_cloud.demo.topics import Topic

COLUMNS: Final = 5
SHOWN_WORDS: Final = 8
_PANEL_INCHES: Final = (3.1, 2.3)
_BAR: Final = "#4477aa"
_INK: Final = "#1a1a1a"
_QUIET: Final = "#5c5c5c"
_DOTS_A_INCH: Final = 110
_LABEL_CHARS: Final = 36


def draw(topics: Sequence[Topic], file: Path, *, title: str) -> None:
    """Draw the topics, largest first, into a PNG."""
    rows = math.ceil(len(topics) / COLUMNS)
    figure, axes = plt.subplots(
        rows, COLUMNS, figsize=(COLUMNS * _PANEL_INCHES[0], rows * _PANEL_INCHES[1] + 0.8), squeeze=False
    )
    figure.suptitle(title, x=0.012, y=0.995, ha="left", va="top", fontsize=15, color=_INK)
    panels = list(axes.flat)
    for panel, topic in zip(panels, sorted(topics, key=lambda topic: -topic.share), strict=False):
        words, weights = topic.words[:SHOWN_WORDS], topic.weights[:SHOWN_WORDS]
        panel.barh(range(len(words)), weights, color=_BAR, height=0.72)
        panel.set_yticks(range(len(words)), words, fontsize=8.5, color=_INK)
        panel.invert_yaxis()
        panel.set_xticks([])
        panel.tick_params(length=0)
        for side in ("top", "right", "bottom"):
            panel.spines[side].set_visible(False)
        panel.set_title(f"{topic.id}   {topic.share:.1%} of the text", fontsize=9, loc="left", color=_INK)
        panel.set_xlabel(_fitting(topic.labels), fontsize=8, color=_QUIET, loc="left")
    for panel in panels[len(topics) :]:
        panel.axis("off")
    figure.tight_layout(rect=(0, 0, 1, 0.985))
    figure.savefig(file, dpi=_DOTS_A_INCH)
    plt.close(figure)


def _fitting(labels: Sequence[str]) -> str:
    """Return as many labels as fit under a panel, at least the first."""
    text = labels[0] if labels else ""
    for label in labels[1:]:
        if len(text) + len(label) + 2 > _LABEL_CHARS:
            break
        text = f"{text}, {label}"
    return text
