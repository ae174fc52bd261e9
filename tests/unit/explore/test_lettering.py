"""No text of a figure lies over another or outside it, whatever the number of topics and the length of labels."""

from __future__ import annotations

import dataclasses
import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.text import Text

from explore import figures, lettering, palette
from explore.confusion import confusion_of
from explore.study import Study
from tests.unit.explore.conftest import study_of

LONG = "a label of words that go on and on until there are so many letters " * 3


def shown_texts(figure: Figure) -> list[Text]:
    axes = [(one, axis) for one in figure.axes for axis in (one.xaxis, one.yaxis)]
    # Ticks beyond the axes' ends are there, and not drawn; nor are those of axes that are turned off.
    beyond = {tick.label1 for _, axis in axes for tick in axis.get_major_ticks()}
    beyond -= {tick.label1 for one, axis in axes if one.axison for tick in axis._update_ticks()}  # type: ignore[union-attr]  # XAxis and YAxis have it
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [text for text in texts if text not in beyond]


def faults(figure: Figure) -> list[str]:
    figure.canvas.draw()
    boxes = {text: text.get_window_extent() for text in shown_texts(figure)}
    width, height = figure.bbox.size
    outside = [
        f"{text.get_text()!r} is outside"
        for text, box in boxes.items()
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1
    ]
    # Two texts of a table may touch; what lies over another shares more than a pixel.
    over = [
        f"{one.get_text()!r} is over {other.get_text()!r}"
        for one, other in itertools.combinations(boxes, 2)
        if min(boxes[one].x1, boxes[other].x1) - max(boxes[one].x0, boxes[other].x0) > 1
        and min(boxes[one].y1, boxes[other].y1) - max(boxes[one].y0, boxes[other].y0) > 1
    ]
    return outside + over


def lengthened(study: Study) -> Study:
    """The study with labels of 160 letters and words of 40."""
    longer = {label: f"{label} {LONG}"[:160] for label in study.labels}
    vectors = dataclasses.replace(study.vectors, labels=[longer[label] for label in study.vectors.labels])
    topics = [
        dataclasses.replace(topic, words=[f"{word}{'m' * 40}"[:40] for word in topic.words]) for topic in study.topics
    ]
    return dataclasses.replace(
        study,
        vectors=vectors,
        topics=topics,
        labels=[longer[label] for label in study.labels],
        label_marks=palette.marks(np.random.default_rng(0).random((20, 2)), [1] * 20),
        confusion=confusion_of(vectors, study.tree.order),
    )


@pytest.mark.parametrize("topics", [2, 5, 30, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["_map_by_topic", "_map_by_label", "_topics", "_labels", "_groups"])
def test_nothing_overlaps(topics: int, name: str) -> None:
    study = lengthened(study_of(300, topics))
    with figures.lettered(study):
        figure = getattr(figures, name)(study)
        figure.text(0.008, 4 / 72 / figure.get_size_inches()[1], figures._provenance(study), fontsize=7)
        found = faults(figure)
    plt.close(figure)

    assert found == []


def test_a_text_is_shortened_to_cells_of_which_wide_characters_take_two() -> None:
    assert lettering.shortened("short", 10) == "short"
    assert lettering.shortened("a long\nlabel of\twords", 10) == "a long la…"
    assert lettering.shortened("天気予報と音楽会", 9) == "天気予報…"


def test_a_glyph_that_no_font_has_is_told_once_with_the_package_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = [font for font in font_manager.fontManager.ttflist if "matplotlib" in font.fname]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", shipped)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    made = lengthened(study_of(60, 2))
    topics = [dataclasses.replace(topic, words=["天气", "हिन्दी", "$x", *topic.words[3:]]) for topic in made.topics]
    study = dataclasses.replace(made, topics=topics)
    sentence = figures.missing_glyphs(study)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures.write(study, tmp_path)

    assert sentence is not None
    assert sentence.startswith("no installed font has ")
    assert "install fonts-noto-cjk and fonts-noto-core" in sentence


def test_a_font_that_has_the_glyphs_is_taken_even_if_it_was_installed_since(monkeypatch: pytest.MonkeyPatch) -> None:
    fonts = [font for font in font_manager.fontManager.ttflist if font.name == lettering._FIRST]
    added: list[str] = []
    monkeypatch.setattr(font_manager.fontManager, "ttflist", list(fonts))
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: ["/fonts/new.ttf"])
    have = {"/fonts/new.ttf": {"天"}}
    monkeypatch.setattr(lettering, "_glyphs", lambda file: have.get(file, set()))

    def add(file: str) -> None:
        added.append(file)
        font_manager.fontManager.ttflist.append(font_manager.FontEntry(fname=file, name="New"))

    monkeypatch.setattr(font_manager.fontManager, "addfont", add)

    assert lettering.families_for(["天气"]) == ([lettering._FIRST, "New"], {"气"})
    assert added == ["/fonts/new.ttf"]
