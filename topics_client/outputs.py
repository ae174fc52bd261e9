"""How the command shows predictions: a table, JSON Lines or CSV, each as they come in; and progress on stderr."""

from __future__ import annotations

import io
import json
import shutil
import sys
import time
from typing import TYPE_CHECKING, Final, Protocol, TextIO

from topics_client.reading.text_records import csv_writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics_client.results import Prediction, TopicList
    from topics_client.similar import SimilarDocuments


def printable(text: str) -> str:
    """Return the text with what a terminal obeys or hides (controls, text direction, no character) as escapes."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def _json(value: object) -> str:
    """Return the JSON of a value on one line, in which the same characters are JSON's own escapes."""
    written = json.dumps(value, ensure_ascii=False)
    if not written.isprintable():
        written = "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in written)
    return written + "\n"


TABLE, JSON, CSV = "table", "json", "csv"
FORMATS: Final = (TABLE, JSON, CSV)
PROGRESS_AFTER_S: Final = 1.0
PROGRESS_EVERY_S: Final = 0.2
BAR_WIDTH: Final = 30
_NARROWEST: Final = 60


class Writer(Protocol):
    """Shows one prediction after the other."""

    def write(self, name: str, prediction: Prediction) -> None:
        """Show the prediction of the document of that name."""
        ...

    def end(self) -> None:
        """Show what was held back: there is no other document."""
        ...


class TableWriter:
    """A line a document: its strongest topics, or what is wrong with it; cut to its width on a terminal alone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._width = max(_NARROWEST, shutil.get_terminal_size().columns) if stream.isatty() else None

    def write(self, name: str, prediction: Prediction) -> None:
        """Show one line."""
        is_cut = self._width is not None and len(name) > 30  # noqa: PLR2004 - a third of a narrow terminal
        line = printable(f"{'…' + name[-29:] if is_cut else name:<30}  {_told(prediction)}")
        if self._width is not None and len(line) > self._width:
            line = line[: self._width - 1] + "…"
        self._stream.write(line + "\n")

    def end(self) -> None:
        """Nothing was held back."""


def _told(prediction: Prediction) -> str:
    if prediction.error is not None:
        return f"{prediction.error.code}: {prediction.error.detail}"
    mark = " (the corpus's mean)" if prediction.estimated else ""
    if prediction.topics is not None:
        return "   ".join(f"{topic.weight:4.0%} {topic.label}" for topic in prediction.topics) + mark
    return " ".join(f"{weight:.3f}" for weight in prediction.weights or ()) + mark


class JsonWriter:
    """A JSON object a document and line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, name: str, prediction: Prediction) -> None:
        """Write one line."""
        record: dict[str, object] = {"document": name, "model": prediction.versions.model}
        if prediction.error is not None:
            record["error"] = {"code": prediction.error.code, "detail": prediction.error.detail}
        elif prediction.topics is not None:
            record["topics"] = [
                {"id": topic.id, "label": topic.label, "weight": topic.weight, "words": topic.words}
                for topic in prediction.topics
            ]
        else:
            record["topic_weights"] = prediction.weights
        if prediction.unknown_word_share is not None:
            record["unknown_word_share"] = prediction.unknown_word_share
        if prediction.estimated:
            record["estimated"] = True
        self._stream.write(_json(record))

    def end(self) -> None:
        """Nothing was held back."""


class CsvWriter:
    """A row a document: its name and error, then id, label and weight of each of its topics, or all weights.

    The header names the columns of the first document that has any; those refused before it are held back until then.
    """

    def __init__(self, stream: TextIO) -> None:
        self._held: list[list[object]] | None = []
        self._writer = csv_writer(stream)

    def write(self, name: str, prediction: Prediction) -> None:
        """Write one row."""
        row: list[object] = [name, prediction.error.code if prediction.error is not None else ""]
        columns = [f"weight_{topic}" for topic in range(len(prediction.weights or ()))]
        for place, topic in enumerate(prediction.topics or (), start=1):
            row += [topic.id, topic.label, topic.weight]
            columns += [f"topic_{place}", f"label_{place}", f"weight_{place}"]
        row += prediction.weights or ()
        if self._held is None:
            self._writer.writerow(row)
            return
        self._held.append(row)
        if columns:
            self._begin(columns)

    def end(self) -> None:
        """Write the header, and what was refused, where nothing else came."""
        self._begin([])

    def _begin(self, columns: list[str]) -> None:
        if self._held is not None:
            self._writer.writerow(["document", "error", *columns])
            for row in self._held:
                self._writer.writerow(row)
            self._held = None


def writer_of(name: str, stream: TextIO) -> Writer:
    """Return the writer of a format of `FORMATS`."""
    makers: dict[str, Callable[[TextIO], Writer]] = {TABLE: TableWriter, JSON: JsonWriter, CSV: CsvWriter}
    return makers[name](stream)


def write_topics(topics: TopicList, format_name: str, stream: TextIO) -> None:
    """Show the topics of a model."""
    if format_name == CSV:
        most = max((len(topic.words) for topic in topics.topics), default=0)
        csv_writer(stream).writerow(["id", "label", "share", *(f"word_{place}" for place in range(1, most + 1))])
    for topic in topics.topics:
        if format_name == JSON:
            told = {"id": topic.id, "label": topic.label, "share": topic.share, "words": topic.words}
            stream.write(_json(told))
        elif format_name == CSV:
            csv_writer(stream).writerow([topic.id, topic.label, topic.share, *topic.words])
        else:
            share = "" if topic.share is None else f"{topic.share:4.0%}"
            label, words = printable(topic.label), printable(", ".join(topic.words))
            stream.write(f"{topic.id:>4}  {share:>4}  {label:<40}  {words}\n")


def write_similar(found: SimilarDocuments, format_name: str, stream: TextIO) -> None:
    """Show the nearest documents."""
    if format_name == CSV:
        csv_writer(stream).writerow(["id", "label", "distance"])
    for one in found.documents:
        if format_name == JSON:
            told = {"id": one.id, "label": one.label, "distance": one.distance, "model": found.versions.model}
            stream.write(_json(told))
        elif format_name == CSV:
            csv_writer(stream).writerow([one.id, one.label, one.distance])
        else:
            stream.write(f"{one.distance:.4f}  {printable(one.id)}  {printable(one.label)}\n")


class Progress:
    """A line on stderr that says how far the work is, once it takes longer than a moment.

    On a terminal the line is written over, with a bar where it is known how much there is; elsewhere a new one comes
    seldom.
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        # A process may be started without standard error; there is nobody to tell then.
        self._stream = stream or sys.stderr or io.StringIO()
        self._clock = clock
        self._began = self._shown = clock()
        self._documents = 0
        self._is_shown = False

    def step(self, share: float | None = None) -> None:
        """Count one document; `share` of the whole work, 0 to 1, is done with it, where that is known."""
        self._documents += 1
        now = self._clock()
        every = PROGRESS_EVERY_S if self._stream.isatty() else 10 * PROGRESS_AFTER_S
        if now - self._began < PROGRESS_AFTER_S or now - self._shown < every:
            return
        self._shown, self._is_shown = now, True
        rate = self._documents / (now - self._began)
        line = f"{self._documents:,} documents, {rate:,.0f} a second"
        if share:
            line += f", {(now - self._began) * (1 - share) / share:,.0f} s left"
        if self._stream.isatty():
            self._stream.write(f"\rtopics: {_bar(share)}{line}\x1b[K")
        else:
            self._stream.write(f"topics: {'' if share is None else f'{share:.0%}, '}{line}\n")
        self._stream.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._is_shown and self._stream.isatty():
            self._stream.write("\n")


def _bar(share: float | None) -> str:
    if share is None:
        return ""
    done = round(share * BAR_WIDTH)
    return f"[{'#' * done}{'-' * (BAR_WIDTH - done)}] {share:4.0%}  "
