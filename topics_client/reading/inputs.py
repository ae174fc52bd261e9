"""What the command reads: documents from files or standard input, and where each came from."""

from __future__ import annotations

import csv
import io
import json
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from topics_client.reading.plain_text import NotUtf8Error, PlainTextError, decoded, lines_of, opened
from topics_client.reading.text_records import DELIMITERS, TAB, RecordsError, json_records, table_rows
from topics_client.reading.unique_members import DuplicateMemberError, unique_members

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

STANDARD_INPUT: Final = "-"
WHOLE, LINES, JSONL, CSV, CSV_COUNTS = "whole", "lines", "jsonl", "csv", "counts"
FORMS: Final = (WHOLE, LINES, JSONL, CSV, CSV_COUNTS)
_FORM_BY_SUFFIX: Final = {".json": JSONL, ".jsonl": JSONL, ".ndjson": JSONL, ".csv": CSV, ".tsv": CSV}
_PACKED: Final = (".gz", ".bz2")

Read = str | dict[int, float] | list[float]


class InputError(ValueError):
    """A file that cannot be read as documents. The message is one sentence."""


@dataclass(frozen=True, slots=True)
class Named:
    """A document and its name: file and line, or its own id.

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
        field: the member of a JSON object, or the column of a table with a header, that holds the text.
        encoding: of the files; None is UTF-8, or what a byte order mark says.
        id_field: the member or column that names a document; None names it by file and line.
    """

    name: str | None = None
    field: str = "text"
    encoding: str | None = None
    id_field: str | None = None


def documents_in(paths: Sequence[str], form: Form) -> Iterator[Named]:
    """Yield the documents of files, in order; `-` is standard input, which is read as files are.

    Raises:
        InputError: names the file, the line and what is wrong.
    """
    total, before = _size_of(paths), 0
    for path in paths:
        name, kind = (path, form.name or _form_of(path)) if path != STANDARD_INPUT else ("stdin", form.name or LINES)
        try:
            with _bytes_of(path) as content:
                for named in _read(opened(content, form.encoding), name, form, kind):
                    yield (
                        named
                        if total is None
                        else Named(named.name, named.document, (before + content.tell()) / total if total else None)
                    )
                before += 0 if total is None else content.tell()
        except OSError as error:
            raise InputError(f"{name} cannot be read: {error.strerror or error}") from None
        except NotUtf8Error as error:
            advice = "name its encoding with --encoding, for example --encoding windows-1252"
            raise InputError(f"{name} {error}; {advice}") from None
        except PlainTextError as error:
            raise InputError(f"{name} {error}") from None
        except RecordsError as error:
            advice = "" if error.place else ". Name a column with --field"
            raise InputError(f"{name}{error.place} {error}{advice}") from None


def _bytes_of(path: str) -> AbstractContextManager[BinaryIO]:
    if path != STANDARD_INPUT:
        return Path(path).open("rb")
    # The stream is None in a process that was started without one, whatever its type says.
    stream = sys.stdin
    if stream is None or stream.closed:
        raise InputError("standard input is closed: name a file")
    # In a notebook it may hold text alone.
    buffer: BinaryIO | None = getattr(stream, "buffer", None)
    return nullcontext(buffer or io.BytesIO(stream.read().encode()))


def _size_of(paths: Sequence[str]) -> int | None:
    """Return how many bytes there are to read; None where that shows at the end alone."""
    files = [Path(path) for path in paths]
    if STANDARD_INPUT in paths or not all(file.is_file() for file in files):
        return None
    return sum(file.stat().st_size for file in files)


def _suffix_of(path: str) -> str:
    """Return the suffix in lower case, without that of a compression."""
    file = Path(path.lower())
    return (file.with_suffix("") if file.suffix in _PACKED else file).suffix


def _form_of(path: str) -> str:
    return _FORM_BY_SUFFIX.get(_suffix_of(path), WHOLE)


def _read(blocks: Iterator[bytes], name: str, form: Form, kind: str) -> Iterator[Named]:
    if form.id_field is not None and kind not in {JSONL, CSV}:
        raise InputError(f"{name} has no ids: --id-field is for JSON records and tables with a header")
    if kind == WHOLE:
        return iter([Named(name, decoded(b"".join(blocks)))])
    lines = lines_of(blocks)
    if kind == JSONL:
        return _records(lines, name, form)
    # A map goes on after a line that is no text, where a generator would end.
    texts = map(decoded, lines, count(1))
    if kind == CSV_COUNTS:
        return _rows_of_counts(texts, name)
    return _column(texts, name, form) if kind == CSV else _lines(texts, name)


def _lines(lines: Iterable[str], name: str) -> Iterator[Named]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield Named(f"{name}:{number}", line.rstrip("\r\n"))


def _records(lines: Iterable[bytes], name: str, form: Form) -> Iterator[Named]:
    for number, record in json_records(lines):
        yield _of_json(decoded(record, number), f"{name}:{number}", form)


def _rows_of_counts(lines: Iterable[str], name: str) -> Iterator[Named]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield Named(f"{name}:{number}", _counts(line, f"{name}:{number}"))


def _column(lines: Iterable[str], name: str, form: Form) -> Iterator[Named]:
    delimiters = sorted(DELIMITERS, key=TAB.__ne__) if _suffix_of(name) == ".tsv" else DELIMITERS
    fields = [form.field, *filter(None, [form.id_field])]
    for number, row in table_rows(lines, fields, delimiters=delimiters):
        if isinstance(row, PlainTextError):
            raise row
        place = f"{name}:{number}"
        if not isinstance(row, dict):
            raise InputError(f"{place} {row}")
        yield Named(_name_of(row, place, form), row[form.field])


def _of_json(text: str, place: str, form: Form) -> Named:
    try:
        content = json.loads(text, object_pairs_hook=unique_members)
    except DuplicateMemberError as error:
        raise InputError(f"{place}: {error}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{place} is no JSON") from None
    record = content if isinstance(content, dict) else {}
    document = content if isinstance(content, str) else record.get(form.field)
    if isinstance(document, str):
        return Named(_name_of(record, place, form), document)
    raise InputError(f"{place} is neither a string nor an object with the text in {form.field!r}. Name it with --field")


def _name_of(record: Mapping[str, object], place: str, form: Form) -> str:
    if form.id_field is None:
        return place
    name = record.get(form.id_field)
    if isinstance(name, str | int) and not isinstance(name, bool) and name != "":
        return str(name)
    raise InputError(f"{place} has no id in {form.id_field!r}: a text or a whole number is needed")


def _counts(line: str, place: str) -> list[float]:
    try:
        [row] = csv.reader([line], strict=True)
        return [float(cell) for cell in row]
    except (ValueError, csv.Error):
        raise InputError(f"{place} is no row of counts") from None
