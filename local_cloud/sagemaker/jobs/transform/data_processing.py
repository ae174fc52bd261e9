"""What DataProcessing of a transform job does: a part of each record sent, and answers joined to their records."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import orjson

from local_cloud.sagemaker.jobs.transform.json_path import JsonPath, JsonPathError
from local_cloud.shared.wire import JsonValue, Node
from training_scripts.unique_members import refuse_duplicates

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
JOINED_INPUT, JOINED_OUTPUT = "SageMakerInput", "SageMakerOutput"
EVERYTHING = "$"


class ProcessingError(ValueError):
    """A record or an answer that cannot be filtered or joined as asked."""


class Format(Protocol):
    """How items are written: rows of CSV, lines of JSON, or one JSON document."""

    def read(self, data: bytes) -> list[JsonValue]:
        """Return the items.

        Raises:
            ValueError: the bytes are no such thing.
        """

    def write(self, items: Iterable[JsonValue]) -> bytes:
        """Return the bytes of items."""

    def join(self, sent: JsonValue, answered: JsonValue) -> JsonValue:
        """Return an item with the answer to it."""


class CsvFormat:
    """Rows: each an array of fields, which stay texts."""

    @staticmethod
    def read(data: bytes) -> list[JsonValue]:
        """Return an array of texts a row; empty lines are no rows."""
        return [row for row in csv.reader(io.StringIO(data.decode(), newline=""), strict=True) if row]

    @staticmethod
    def write(items: Iterable[JsonValue]) -> bytes:
        """Return a line a row; what is no array is a row of one field."""
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(_row(item) for item in items)
        return text.getvalue().encode()

    @staticmethod
    def join(sent: JsonValue, answered: JsonValue) -> JsonValue:
        """Append the answer's columns to the row."""
        return [*_row(sent), *_row(answered)]


class JsonLinesFormat:
    """Documents, one a line."""

    @staticmethod
    def read(data: bytes) -> list[JsonValue]:
        """Return a document a line; empty lines are none."""
        return [_json(line) for line in data.splitlines() if line.strip()]

    @staticmethod
    def write(items: Iterable[JsonValue]) -> bytes:
        """Return a line a document."""
        return b"".join(orjson.dumps(item) + b"\n" for item in items)

    @staticmethod
    def join(sent: JsonValue, answered: JsonValue) -> JsonValue:
        """Add the answer to an object, or make an object of what is none and its answer."""
        if isinstance(sent, Mapping):
            return {**sent, JOINED_OUTPUT: answered}
        return {JOINED_INPUT: sent, JOINED_OUTPUT: answered}


class JsonFormat(JsonLinesFormat):
    """One document, in however many lines; or several, one a line, where the objects were split by line."""

    @staticmethod
    def read(data: bytes) -> list[JsonValue]:
        """Return the one document, or a document a line."""
        try:
            return [_json(data)]
        except orjson.JSONDecodeError:
            return JsonLinesFormat.read(data)


def _json(text: bytes) -> JsonValue:
    parsed: JsonValue = orjson.loads(text)
    refuse_duplicates(text, parsed)
    return parsed


FORMATS: Mapping[str, Format] = {
    CSV: CsvFormat(),
    JSON: JsonFormat(),
    JSON_LINES: JsonLinesFormat(),
    "application/x-jsonlines": JsonLinesFormat(),
}


@dataclass(frozen=True)
class Record:
    """One record of an object: the bytes that are sent, and the items that its answers are joined to."""

    sent: bytes
    items: Sequence[JsonValue] = ()

    def __len__(self) -> int:
        return len(self.sent)


class Processing:
    """The DataProcessing of one job.

    Args:
        request: of CreateTransformJob.

    Raises:
        ProcessingError: it cannot be done, as it is worded for the caller.
    """

    def __init__(self, request: Node) -> None:
        asked = request.node("DataProcessing")
        try:
            self._input_filter = JsonPath(asked.text("InputFilter", EVERYTHING))
            self._output_filter = JsonPath(asked.text("OutputFilter", EVERYTHING))
        except JsonPathError as error:
            raise ProcessingError(f"DataProcessing: {error}") from None
        self._joins = asked.text("JoinSource", "None") == "Input"
        self._reads = self._joins or not self._input_filter.is_root
        self._writes = self._joins or not self._output_filter.is_root
        source, output = request.node("TransformInput").text("ContentType"), request.node("TransformOutput")
        self._input = _format("TransformInput.ContentType", source) if self._reads else FORMATS[JSON]
        self._output = _format("TransformOutput.Accept", output.text("Accept")) if self._writes else FORMATS[JSON]
        if self._joins and isinstance(self._input, CsvFormat) != isinstance(self._output, CsvFormat):
            raise ProcessingError(
                f"DataProcessing.JoinSource: an input of {source} cannot be joined with an output of "
                f"{output.text('Accept')}: both must be CSV, or both JSON."
            )

    def prepare(self, records: Iterable[bytes]) -> Iterator[Record]:
        """Yield what is sent of each record.

        Raises:
            ProcessingError: a record is not of its content type, or lacks what the input filter names.
        """
        if not self._reads:
            yield from map(Record, records)
            return
        for number, raw in enumerate(records, start=1):
            try:
                items = self._input.read(raw)
                sent = raw if self._input_filter.is_root else self._input.write(map(self._input_filter.select, items))
            except JsonPathError as error:
                raise ProcessingError(
                    f"InputFilter {self._input_filter.expression}, record {number}: {error}"
                ) from None
            except (ValueError, csv.Error) as error:
                raise ProcessingError(f"record {number} cannot be read: {error}") from None
            yield Record(sent, items if self._joins else ())

    def finish(self, records: Sequence[Record], answer: bytes) -> bytes:
        """Return what is stored of the answer to some records.

        Raises:
            ProcessingError: the answer has another number of items than the records, or lacks what is named.
        """
        if not self._writes:
            return answer
        try:
            items = self._output.read(answer)
        except (ValueError, csv.Error) as error:
            raise ProcessingError(f"the answer cannot be read: {error}") from None
        if self._joins:
            sent = [item for record in records for item in record.items]
            if len(sent) != len(items):
                raise ProcessingError(f"{len(sent)} records were answered with {len(items)}: they cannot be joined")
            items = [self._output.join(*pair) for pair in zip(sent, items, strict=True)]
        try:
            return self._output.write(map(self._output_filter.select, items))
        except JsonPathError as error:
            raise ProcessingError(f"OutputFilter {self._output_filter.expression}: {error}") from None


def _format(member: str, content_type: str) -> Format:
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in FORMATS:
        raise ProcessingError(
            f"DataProcessing needs {member} to be one of {', '.join(FORMATS)}; it is {content_type or 'not given'}."
        )
    return FORMATS[kind]


def _row(item: JsonValue) -> list[JsonValue]:
    return list(item) if isinstance(item, Sequence) and not isinstance(item, str) else [item]
