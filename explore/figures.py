"""The page's figures as PNG: the map, the topics, topics against labels, and the tree of topics."""

from __future__ import annotations

import math
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import matplotlib as mpl

mpl.use("Agg")

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from scipy.cluster.hierarchy import dendrogram

from explore import lettering, map_names, palette
from explore.files import written_whole
from explore.palette import Mark
from explore.study import Study

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.figure import Figure

_INK: Final = "#1b1e24"
_QUIET: Final = "#596170"
_BAR: Final = "#1f5fbf"
_MARKERS: Final = ("o", "s", "^", "D", "P")
"""In the order of palette.SHAPES."""
_DOTS_AN_INCH: Final = 120
_COLUMNS: Final = 6
_SHOWN_WORDS: Final = 8
_LEGEND_LABELS: Final = 30
_LEGEND_ROWS: Final = 50
_LEGEND_CELLS, _WRITTEN_CELLS, _WORD_CELLS, _TICK_CELLS, _LEAF_CELLS, _PANEL_CELLS = 44, 26, 15, 24, 56, 34
"""How long text may be in each place, in characters of a Latin alphabet."""
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
        with lettered(study):
            figure = draw(study)
            path = folder / f"{name}.png"
            height = figure.get_size_inches()[1]
            figure.text(0.008, 4 / 72 / height, _provenance(study), fontsize=7, color=_QUIET)
            with written_whole(path) as partial:
                figure.savefig(partial, dpi=_DOTS_AN_INCH, format="png")
            plt.close(figure)
        written.append(path)
    return written


def missing_glyphs(study: Study) -> str | None:
    """Return a sentence on characters that no installed font has, and which package brings them."""
    return lettering.sentence_on(_fonts(study)[1])


@contextmanager
def lettered(study: Study) -> Iterator[None]:
    """Draw with fonts that have the glyphs, and take text for what it is: `$` begins no formula."""
    with mpl.rc_context({"font.family": _fonts(study)[0], "text.parse_math": False}), warnings.catch_warnings():
        # Told once, by `missing_glyphs`.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def _fonts(study: Study) -> tuple[list[str], set[str]]:
    words = {word for topic in study.topics for word in topic.words[:_SHOWN_WORDS]}
    labels = study.confusion.labels if study.confusion is not None else []
    named = [topic.label for topic in study.topics]
    return lettering.families_for([*words, *named, *study.labels, *labels])


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
    written = {label: lettering.shortened(name, _WRITTEN_CELLS) for label, name in names.items()}
    title = "Documents by label"
    if len(study.labels) > _LEGEND_LABELS:
        title += f" (the {_LEGEND_LABELS} commonest of {len(study.labels)} are named)"
    return _map(study, study.label_numbers, study.label_marks, names, title, written=written)


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
    columns = math.ceil(len(names) / _LEGEND_ROWS)
    legend = figure.legend(
        handles,
        [lettering.shortened(name, _LEGEND_CELLS // columns) for name in names.values()],
        loc="center right",
        fontsize=8.5 if columns == 1 else 7,
        frameon=False,
        ncols=columns,
        columnspacing=0.8,
    )
    axes.set_aspect("equal")
    axes.axis("off")
    lettering.lay_out(figure, title, 14, aside=legend.get_window_extent().width / figure.bbox.width)
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
    figure, axes = plt.subplots(rows, _COLUMNS, figsize=(_COLUMNS * 2.9, rows * 2.35 + 0.8), squeeze=False)
    panels = list(axes.flat)
    for panel, topic in zip(panels, sorted(study.topics, key=lambda topic: -topic.share), strict=False):
        words = topic.words[:_SHOWN_WORDS]
        panel.barh(range(len(words)), topic.word_probabilities[:_SHOWN_WORDS], color=_BAR, height=0.72)
        shown = [lettering.shortened(word, _WORD_CELLS) for word in words]
        panel.set_yticks(range(len(words)), shown, fontsize=8.5, color=_INK)
        panel.invert_yaxis()
        panel.set_xticks([])
        panel.tick_params(length=0)
        for side in ("top", "right", "bottom"):
            panel.spines[side].set_visible(False)
        label = lettering.shortened(f"{topic.id}  {topic.label}", _PANEL_CELLS)
        panel.set_title(
            f"{label}\n{topic.share:.1%}   coherence {topic.coherence:.2f}", fontsize=8, loc="right", color=_INK
        )
    for panel in panels[len(study.topics) :]:
        panel.axis("off")
    lettering.lay_out(figure, "Topics, the largest first", 14)
    return figure


def _labels(study: Study) -> Figure:
    confusion = study.confusion
    assert confusion is not None  # noqa: S101 -- left out where there is none
    labels, topics = confusion.weights.shape
    figure, axes = plt.subplots(figsize=(4.6 + topics * 0.36, 4.6 + labels * 0.27))
    most = float(confusion.weights.max())
    axes.imshow(confusion.weights, cmap="Blues", vmin=0, vmax=most, aspect="auto")
    for row, column in np.argwhere(confusion.weights >= _WRITTEN_FROM):
        weight = confusion.weights[row, column]
        light = weight / most > _LIGHT_ON_DARK_FROM
        axes.text(
            column, row, f"{100 * weight:.0f}", ha="center", va="center", fontsize=7, color="white" if light else _INK
        )
    names = [lettering.shortened(f"{topic} {study.topics[topic].label}", _TICK_CELLS) for topic in study.tree.order]
    axes.set_xticks(range(topics), names, rotation=90, fontsize=8)
    axes.set_yticks(range(labels), [lettering.shortened(name, _TICK_CELLS) for name in confusion.labels], fontsize=8)
    axes.tick_params(length=0)
    title = (
        f"Topics of each label's documents, in percent. Purity {confusion.purity:.0%}, mutual information "
        f"{confusion.agreement:.2f}"
    )
    lettering.lay_out(figure, title, 11)
    return figure


def _groups(study: Study) -> Figure:
    figure, axes = plt.subplots(figsize=(11, 1.6 + 0.27 * len(study.topics)))
    names = [lettering.shortened(f"{topic.id}  {topic.label}", _LEAF_CELLS) for topic in study.topics]
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
    lettering.lay_out(figure, f"How topics group. Advised to be merged: {advised or 'none'}", 12)
    return figure
