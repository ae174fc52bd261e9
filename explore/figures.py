"""The page's figures as PNG: the map, the topics, topics against labels, and the tree of topics."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from scipy.cluster.hierarchy import dendrogram

from explore import map_names, palette
from explore.files import written_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt
    from matplotlib.figure import Figure

    from explore.palette import Mark
    from explore.study import Study

_INK: Final = "#1b1e24"
_QUIET: Final = "#596170"
_BAR: Final = "#1f5fbf"
_MARKERS: Final = ("o", "s", "^", "D", "P")
"""In the order of palette.SHAPES."""
_DOTS_AN_INCH: Final = 120
_COLUMNS: Final = 6
_SHOWN_WORDS: Final = 8
_LEGEND_LABELS: Final = 30
_WRITTEN_FROM: Final = 0.05
_LIGHT_ON_DARK_FROM: Final = 0.55


def write(study: Study, folder: Path) -> list[Path]:
    """Write the figures into `folder`, and return their paths.

    Raises:
        ExploreError: one cannot be written.
    """
    figures: dict[str, Callable[[Study], Figure]] = {
        "map-topics": _map_by_topic,
        "map-labels": _map_by_label,
        "topics": _topics,
        "labels": _labels,
        "groups": _groups,
    }
    if study.confusion is None:
        del figures["map-labels"], figures["labels"]
    written = []
    for name, draw in figures.items():
        figure = draw(study)
        path = folder / f"{name}.png"
        figure.text(0.008, 0.006, _provenance(study), fontsize=7, color=_QUIET)
        with written_whole(path) as partial:
            figure.savefig(partial, dpi=_DOTS_AN_INCH, format="png")
        plt.close(figure)
        written.append(path)
    return written


def _provenance(study: Study) -> str:
    vectors = study.vectors
    return f"model {vectors.model} · corpus {vectors.corpus[:12]} · {len(vectors.ids):,} documents"


def _map_by_topic(study: Study) -> Figure:
    order = sorted(study.topics, key=lambda topic: -topic.share)
    names = {topic.id: f"{topic.id}  {topic.label}" for topic in order}
    written = {topic.id: str(topic.id) for topic in order}
    return _map(study, study.dominant, study.topic_marks, names, "Documents by their strongest topic", written=written)


def _map_by_label(study: Study) -> Figure:
    names = dict(enumerate(study.labels[:_LEGEND_LABELS]))
    title = "Documents by label"
    if len(study.labels) > _LEGEND_LABELS:
        title += f" (the {_LEGEND_LABELS} commonest of {len(study.labels)} are named)"
    return _map(study, study.label_numbers, study.label_marks, names, title, written=names)


def _map(
    study: Study,
    groups: npt.NDArray[np.int64],
    marks: list[Mark],
    names: dict[int, str],
    title: str,
    *,
    written: dict[int, str],
) -> Figure:
    figure, axes = plt.subplots(figsize=(13, 9.2))
    size = float(np.clip(60_000 / len(study.rows), 3, 40))
    for group, mark in enumerate(marks):
        members = study.positions[groups == group]
        colour, hollow = palette.ON_LIGHT[mark.colour], mark.shape >= palette.HOLLOW
        axes.scatter(
            members[:, 0],
            members[:, 1],
            s=size,
            marker=_MARKERS[mark.shape % palette.HOLLOW],
            facecolors="none" if hollow else colour,
            edgecolors=colour if hollow else "none",
            alpha=0.65,
            linewidths=0.6 if hollow else 0,
            rasterized=True,
        )
    handles = [_legend_handle(marks[group]) for group in names]
    axes.legend(
        handles, list(names.values()), loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8.5, frameon=False
    )
    axes.set_title(title, loc="left", fontsize=14, color=_INK)
    axes.set_aspect("equal")
    axes.axis("off")
    figure.tight_layout()
    # Among thousands of points shapes are hard to see: the name on the spot says it to everybody.
    map_names.write(figure, axes, study.positions, groups, written, ink=_INK)
    return figure


def _legend_handle(mark: Mark) -> mpl.lines.Line2D:
    colour, hollow = palette.ON_LIGHT[mark.colour], mark.shape >= palette.HOLLOW
    return mpl.lines.Line2D(
        [], [], linestyle="", marker=_MARKERS[mark.shape % palette.HOLLOW], color=colour,
        markerfacecolor="none" if hollow else colour, markersize=7,
    )  # fmt: skip


def _topics(study: Study) -> Figure:
    rows = math.ceil(len(study.topics) / _COLUMNS)
    figure, axes = plt.subplots(rows, _COLUMNS, figsize=(_COLUMNS * 2.9, rows * 2.2 + 0.8), squeeze=False)
    figure.suptitle("Topics, the largest first", x=0.012, y=0.995, ha="left", va="top", fontsize=14, color=_INK)
    panels = list(axes.flat)
    for panel, topic in zip(panels, sorted(study.topics, key=lambda topic: -topic.share), strict=False):
        words = topic.words[:_SHOWN_WORDS]
        panel.barh(range(len(words)), topic.word_probabilities[:_SHOWN_WORDS], color=_BAR, height=0.72)
        panel.set_yticks(range(len(words)), words, fontsize=8.5, color=_INK)
        panel.invert_yaxis()
        panel.set_xticks([])
        panel.tick_params(length=0)
        for side in ("top", "right", "bottom"):
            panel.spines[side].set_visible(False)
        panel.set_title(
            f"{topic.id}   {topic.share:.1%}   coherence {topic.coherence:.2f}", fontsize=9, loc="left", color=_INK
        )
    for panel in panels[len(study.topics) :]:
        panel.axis("off")
    figure.tight_layout(rect=(0, 0.012, 1, 0.985))
    return figure


def _labels(study: Study) -> Figure:
    confusion = study.confusion
    assert confusion is not None  # noqa: S101 -- left out where there is none
    labels, topics = confusion.weights.shape
    figure, axes = plt.subplots(figsize=(3.6 + topics * 0.36, 3.0 + labels * 0.27))
    most = float(confusion.weights.max())
    axes.imshow(confusion.weights, cmap="Blues", vmin=0, vmax=most, aspect="auto")
    for row, column in np.argwhere(confusion.weights >= _WRITTEN_FROM):
        weight = confusion.weights[row, column]
        light = weight / most > _LIGHT_ON_DARK_FROM
        axes.text(
            column, row, f"{100 * weight:.0f}", ha="center", va="center", fontsize=7, color="white" if light else _INK
        )
    names = [f"{topic} {' '.join(study.topics[topic].words[:2])}" for topic in study.tree.order]
    axes.set_xticks(range(topics), names, rotation=90, fontsize=8)
    axes.set_yticks(range(labels), confusion.labels, fontsize=8)
    axes.tick_params(length=0)
    axes.set_title(
        f"Topics of each label's documents, in percent. Purity {confusion.purity:.0%}, mutual information "
        f"{confusion.agreement:.2f}",
        loc="left", fontsize=11, color=_INK,
    )  # fmt: skip
    figure.tight_layout(rect=(0, 0.015, 1, 1))
    return figure


def _groups(study: Study) -> Figure:
    figure, axes = plt.subplots(figsize=(11, 1.6 + 0.27 * len(study.topics)))
    names = [f"{topic.id}  {topic.label}" for topic in study.topics]
    merged = {frozenset(advice.topics) for advice in study.advice}
    topics = len(study.topics)

    def colour(link: int) -> str:
        joined = frozenset(study.tree.steps[link - topics, :2].astype(int).tolist())
        return _BAR if joined in merged else "#9aa3b0"

    dendrogram(study.tree.steps, orientation="left", labels=names, ax=axes, leaf_font_size=9, link_color_func=colour)
    axes.invert_yaxis()
    lowest, highest = study.tree.steps[:, 2].min(), study.tree.steps[:, 2].max()
    axes.set_xlim(highest + 0.01, lowest - 0.04 * (highest - lowest) - 0.005)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.set_xlabel("Hellinger distance at which topics join", fontsize=9, color=_QUIET)
    advised = "; ".join(f"{one} and {other}" for one, other in (advice.topics for advice in study.advice))
    axes.set_title(f"How topics group. Advised to be merged: {advised or 'none'}", loc="left", fontsize=12, color=_INK)
    figure.tight_layout(rect=(0, 0.015, 1, 1))
    return figure
