"""Records in text: tables with a header, and JSON a line or in an array, read strictly; and CSV as it is written.

One file for preparation and for the client, which has it by a link.
"""

from __future__ import annotations

import csv
import json
import sys
from itertools import chain
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

# By its place, since the client has both files under its own name.
from .plain_text import PlainTextError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

DELIMITERS: Final = (",", ";", "\t")
TAB: Final = "\t"
_JSON_SPACE: Final = " \t\r\n"


class RecordsError(ValueError):
    """Text that holds no such records. The message goes on where the name of the file, and `place`, end."""

    def __init__(self, detail: str, line: int | None = None) -> None:
        super().__init__(detail)
        self.place = "" if line is None else f", line {line}"


class RowError(ValueError):
    """A row that is none of its table. The message goes on where the name of the row ends; `row` is what it was."""

    def __init__(self, detail: str, row: str = "") -> None:
        super().__init__(detail)
        self.row = row


Row: TypeAlias = dict[str, str] | RowError | PlainTextError
"""The cells of a row by column, or what is wrong with it."""


class Rows(Protocol):
    """Takes a row of cells at a time."""

    def writerow(self, row: Iterable[object], /) -> object:
        """Write one row."""


class Text(Protocol):
    """Where text is written."""

    def write(self, text: str, /) -> object:
        """Write it."""


def csv_writer(stream: Text) -> Rows:
    """Return a writer of CSV whose rows end in LF, and which quotes every cell that holds a CR or LF.

    Python 3.11's own, told to end rows in LF, leaves a CR bare, which no strict reader takes.
    """
    return csv.writer(_LineFeeds(stream), lineterminator="\r\n")


class _LineFeeds:
    def __init__(self, stream: Text) -> None:
        self._stream = stream

    def write(self, row: str, /) -> object:
        return self._stream.write(row.removesuffix("\r\n") + "\n")


def table_rows(
    lines: Iterable[str], fields: Sequence[str], *, delimiters: Sequence[str] = DELIMITERS
) -> Iterator[tuple[int, Row]]:
    """Yield the rows of a table with a header, each with the number of its first line; empty lines are passed over.

    A row that is not of the header's width, or quotes wrongly, is yielded as what is wrong with it: others follow.

    Args:
        lines: with their ends; the PlainTextError that reading one raises is yielded in the place of its row.
        fields: columns that there must be, each once. The first delimiter by which there are is the table's.
        delimiters: those that it may have, the likeliest first.

    Raises:
        RecordsError: the header has no such column, or has one twice.
    """
    # A document may be longer than the module's default limit for a cell, which is one for the whole process.
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    rest = iter(lines)
    seen: list[str] = []
    for delimiter in delimiters:
        header, used = _header(seen, rest, delimiter)
        if all(header.count(name) == 1 for name in fields):
            break
    else:
        delimiter = delimiters[0]
        header, used = _header(seen, rest, delimiter)
        name = next(name for name in fields if header.count(name) != 1)
        what = "no column" if name not in header else "more than one column"
        raise RecordsError(f"has {what} {name!r}: its columns are {', '.join(map(repr, header)) or 'none'}")
    rows = csv.reader(chain(seen[used:], rest), delimiter=delimiter, strict=True)
    while True:
        number = used + rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, RowError(f"is not CSV: {error}")
            continue
        except PlainTextError as error:
            yield number, error
            continue
        if not row:
            continue
        if len(row) == len(header):
            yield number, dict(zip(header, row, strict=True))
        else:
            detail = f"has {len(row)} columns, where the header has {len(header)}"
            detail += f": a cell with the delimiter {delimiter!r} in it needs quotes"
            yield number, RowError(detail, delimiter.join(row))


def _header(seen: list[str], rest: Iterator[str], delimiter: str) -> tuple[list[str], int]:
    """Return the header's cells and its number of lines; what is taken of `rest` is put into `seen`."""

    def taken() -> Iterator[str]:
        yield from list(seen)
        for line in rest:
            seen.append(line)
            yield line

    rows = csv.reader(taken(), delimiter=delimiter, strict=True)
    try:
        return next(filter(None, rows), []), rows.line_num
    except csv.Error:
        return [], rows.line_num


def json_records(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the text of JSON records, each with the number of its first line: one a line, or those of an array.

    Text that begins with `[`, or with a line that is `{` alone, is read as a whole: one array, or objects that are laid
    out over several lines. Empty lines are passed over. Records of one line each are not looked at here.

    Raises:
        RecordsError: the array, or an object of several lines, is no JSON.
    """
    rest = iter(lines)
    number, first = _first_filled(rest, 0)
    beginning = first.strip()
    if beginning.startswith(b"[") or beginning == b"{":
        skipped, second = _first_filled(rest, number)
        if not (second and _is_json(beginning)):
            blank = b"\n" * max(skipped - number - 1, 0)
            content = b"".join(chain((first, blank, second), rest)).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            # A byte that is no UTF-8 is refused with its record.
            yield from _laid_out(content.decode("utf-8", "surrogateescape"), number)
            return
        # A list on a line of its own, before other lines, is one record that is none.
        yield number, first
        number, first = skipped, second
    for place, line in enumerate(chain((first,), rest), start=number):
        if line.strip():
            yield place, line


def _first_filled(lines: Iterator[bytes], number: int) -> tuple[int, bytes]:
    """Return the next line that is not empty, with its number where `number` lines came before; or else nothing."""
    return next(((place, line) for place, line in enumerate(lines, start=number + 1) if line.strip()), (number, b""))


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


def _laid_out(text: str, number: int) -> Iterator[tuple[int, bytes]]:
    decoder = json.JSONDecoder()
    in_array = text.lstrip(_JSON_SPACE).startswith("[")
    place = _after_space(text, 0) + in_array
    counted = 0
    ended = False
    while (place := _after_space(text, place)) < len(text):
        if in_array and text[place] == "]":
            ended = True
            break
        number += text.count("\n", counted, place)
        counted = place
        try:
            end = decoder.raw_decode(text, place)[1]
        except json.JSONDecodeError as error:
            raise RecordsError(f"is not JSON: {error.msg}", number + text.count("\n", place, error.pos)) from None
        except (ValueError, RecursionError):
            raise RecordsError(
                "is not JSON: it is nested too deeply, or has a number that is too long", number
            ) from None
        yield number, text[place:end].encode("utf-8", "surrogateescape")
        place = _after_space(text, end)
        if in_array and text[place : place + 1] == ",":
            place += 1
            if text.startswith("]", _after_space(text, place)):
                break
        elif in_array and text[place : place + 1] != "]":
            break
    if in_array and (not ended or text[place + 1 :].strip(_JSON_SPACE)):
        raise RecordsError("is not JSON: the array does not end after the record that begins here", number)


def _after_space(text: str, place: int) -> int:
    while text[place : place + 1] in tuple(_JSON_SPACE):
        place += 1
    return place
