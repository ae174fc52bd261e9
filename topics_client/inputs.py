"""What the command reads: documents from files or standard input, and where each came from."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from topics_client.batching import URL_MAX_BYTES
from topics_client.unique_members import DuplicateMemberError, unique_members

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STANDARD_INPUT: Final = "-"
WHOLE, LINES, JSONL, CSV_COUNTS, CSV_COLUMN = "whole", "lines", "jsonl", "counts", "column"
FORMS: Final = (WHOLE, LINES, JSONL, CSV_COUNTS)

Read = str | dict[int, float] | list[float]


class InputError(ValueError):
    """A file that cannot be read as documents. The message is one sentence."""


@dataclass(frozen=True, slots=True)
class Named:
    """A document and its name: file and line.

    `share` is how much of all input had been read with it, 0 to 1; None where nobody knows how much there is.
    """

    name: str
    document: Read
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """How files hold documents.

    Attributes:
        name: one of `FORMS`; None goes by the file's suffix.
        field: the member of a JSON Lines object, or the column of a CSV table with a header, that holds the text.
    """

    name: str | None = None
    field: str = "text"


def documents_in(paths: Sequence[str], form: Form) -> Iterator[Named]:
    """Yield the documents of files, in order; `-` is standard input.

    Raises:
        InputError: names the file, the line and what is wrong.
    """
    # The csv module's own limit is 128 KB, far less than the URL takes, and one for the whole process.
    csv.field_size_limit(URL_MAX_BYTES)
    total, before = _size_of(paths), 0
    for path in paths:
        try:
            if path == STANDARD_INPUT:
                yield from _read(_standard_input(), "stdin", form, form.name or LINES)
                continue
            # A byte order mark, which some editors write, is no part of the first document.
            with Path(path).open("rb") as content, TextIOWrapper(content, "utf-8-sig", newline="") as stream:
                for named in _read(stream, path, form, form.name or _form_of(path)):
                    share = (before + content.tell()) / total if total else None
                    yield Named(named.name, named.document, share)
                before += content.tell()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else f"byte {error.start + 1} is not UTF-8"
            raise InputError(f"{path} cannot be read: {reason}") from None
        except csv.Error as error:
            raise InputError(f"{path} is no CSV: {error}") from None


def _standard_input() -> TextIO:
    # The stream is None in a process that was started without one, whatever its type says.
    stream: TextIO | None = sys.stdin
    if stream is None or stream.closed:
        raise InputError("standard input is closed: name a file")
    return stream


def _size_of(paths: Sequence[str]) -> int | None:
    """Return how many bytes there are to read; None where that shows at the end alone."""
    files = [Path(path) for path in paths]
    if STANDARD_INPUT in paths or not all(file.is_file() for file in files):
        return None
    return sum(file.stat().st_size for file in files)


def _form_of(path: str) -> str:
    suffix = Path(path).suffix.lower()
    return {".jsonl": JSONL, ".ndjson": JSONL, ".csv": CSV_COLUMN}.get(suffix, WHOLE)


def _read(stream: TextIO, name: str, form: Form, kind: str) -> Iterator[Named]:
    if kind == WHOLE:
        return iter([Named(name, stream.read())])
    if kind == CSV_COUNTS:
        return _rows_of_counts(stream, name)
    return _column(stream, name, form.field) if kind == CSV_COLUMN else _lines(stream, name, form, kind)


def _lines(stream: TextIO, name: str, form: Form, kind: str) -> Iterator[Named]:
    for number, line in enumerate(stream, start=1):
        place = f"{name}:{number}"
        if line.strip():
            yield Named(place, _of_json(line, place, form.field) if kind == JSONL else line.rstrip("\r\n"))


def _rows_of_counts(stream: TextIO, name: str) -> Iterator[Named]:
    for number, row in enumerate(csv.reader(stream), start=1):
        yield Named(f"{name}:{number}", _counts(row, f"{name}:{number}"))


def _column(stream: TextIO, name: str, field: str) -> Iterator[Named]:
    table = csv.DictReader(stream)
    if field not in (table.fieldnames or ()):
        columns = ", ".join(table.fieldnames or ()) or "none"
        raise InputError(f"{name} has no column {field!r}; its columns are: {columns}. Name one with --field")
    for row in table:
        yield Named(f"{name}:{table.line_num}", row[field] or "")


def _of_json(line: str, place: str, field: str) -> Read:
    try:
        content = json.loads(line, object_pairs_hook=unique_members)
    except DuplicateMemberError as error:
        raise InputError(f"{place}: {error}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{place} is no JSON") from None
    if isinstance(content, str):
        return content
    if isinstance(content, dict) and isinstance(content.get(field), str):
        text: str = content[field]
        return text
    raise InputError(f"{place} is neither a string nor an object with the text in {field!r}. Name it with --field")


def _counts(row: list[str], place: str) -> list[float]:
    try:
        return [float(cell) for cell in row]
    except ValueError:
        raise InputError(f"{place} is no row of counts") from None
