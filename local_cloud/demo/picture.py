"""The topics as a poster: a card a topic with its words, its share of the text, and the labels it is typical of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import matplotlib as mpl

mpl.use("Agg")

from collections.abc import Sequence
from pathlib import Path

from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle

from local_cloud.demo.topics import Topic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS: Final = 6
WORD_SIZES: Final = (15.0, 13.0, 11.5, 10.5, 10.0, 9.5, 9.0, 9.0)
"""Points, by rank: the first word is what a reader takes the topic for."""
_CARD_INCHES: Final = (2.35, 2.35)
_TITLE_INCHES: Final = 0.7
_BAR: Final = "#4477aa"
_CARD: Final = "#f4f5f7"
_INK: Final = "#1a1a1a"
_QUIET: Final = "#5c5c5c"
_LABEL_CHARS: Final = 32
_DOTS_A_INCH: Final = 110


def draw(topics: Sequence[Topic], file: Path, *, title: str) -> None:
    """Draw the topics, largest first, into a PNG."""
    rows = math.ceil(len(topics) / COLUMNS)
    height = rows * _CARD_INCHES[1] + _TITLE_INCHES
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(COLUMNS * _CARD_INCHES[0], height), squeeze=False)
    figure.suptitle(title, x=0.012, y=1 - 0.18 / height, ha="left", va="top", fontsize=16, color=_INK)
    largest = max(topic.share for topic in topics)
    panels = list(axes.flat)
    for panel in panels:
        panel.axis("off")
        panel.set_xlim(0, 1)
        panel.set_ylim(0, 1)
    for panel, topic in zip(panels, sorted(topics, key=lambda topic: -topic.share), strict=False):
        _card(panel, topic, largest)
    figure.subplots_adjust(
        left=0.008, right=0.992, bottom=0.008, top=1 - _TITLE_INCHES / height, wspace=0.05, hspace=0.06
    )
    figure.savefig(file, dpi=_DOTS_A_INCH)
    plt.close(figure)


def _card(panel: Axes, topic: Topic, largest: float) -> None:
    panel.add_patch(Rectangle((0, 0), 1, 1, color=_CARD, zorder=0))
    panel.add_patch(Rectangle((0, 0.982), topic.share / largest, 0.018, color=_BAR, zorder=1))
    panel.text(0.05, 0.955, f"{topic.share:.1%}", fontsize=8.5, color=_QUIET, va="top")
    panel.text(0.95, 0.955, f"topic {topic.id}", fontsize=8.5, color=_QUIET, va="top", ha="right")
    height = 0.86
    for word, size in zip(topic.words, WORD_SIZES, strict=False):
        panel.text(0.05, height, word, fontsize=size, color=_INK, va="top")
        height -= size * 0.0083
    panel.text(0.05, 0.045, _fitting(topic.labels), fontsize=8.5, color=_BAR, va="bottom")


def _fitting(labels: Sequence[str]) -> str:
    """Return as many labels as fit on a card, at least the first."""
    text = labels[0] if labels else ""
    for label in labels[1:]:
        if len(text) + len(label) + 2 > _LABEL_CHARS:
            break
        text = f"{text}, {label}"
    return text
