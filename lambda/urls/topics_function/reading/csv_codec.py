"""CSV rows of word counts, checked and made records for the endpoint. Pure: no AWS, no NumPy."""

from __future__ import annotations

from itertools import accumulate
from math import inf
from typing import Final

from topics_function.reading import records
from topics_function.reading.batch import check_number_of_rows
from url_functions.limits import LARGEST_ZERO, MAX_COUNT
from url_functions.problems import Code, Problem

_MARK: Final = b"x"
_MARK_AND_ONE: Final = b"x0"
_NONZERO_AS_MARK: Final = bytes(_MARK[0] if byte in b"123456789" else byte for byte in range(256))
# Digits as 0, all else as itself: a number too large to be a plain count then is a run of zeros.
_DIGITS_AS_ZEROS: Final = bytes(ord("0") if byte in b"123456789" else byte for byte in range(256))
_DIGITS_AND_COMMA: Final = b"0123456789,"
_LONG_NUMBER: Final = b"0" * len(str(MAX_COUNT))


def rows_of(body: bytes, *, feature_dim: int, max_rows: int) -> list[bytes | Problem]:
    """Return the record of each document, or what is wrong with its row, in order.

    Args:
        body: rows of `feature_dim` non-negative numbers separated by commas; spaces around numbers, CRLF, CR and one
            final newline are allowed, and so is a byte order mark.
        feature_dim: size of the vocabulary the model was trained on.
        max_rows: most rows taken.

    The problems of single rows are `wrong_width`, `cell_too_long`, `not_a_number`, `negative_count`, `not_finite`,
    `count_too_large` and `no_known_words` (a row of zeros), each at the row's first fault.

    Raises:
        Problem: `not_utf8`, `empty_body`, `too_many_rows`, or `header_row` where no cell of the first row is a number.
    """
    digits = _digits_of(body, feature_dim)
    if digits is not None:
        check_number_of_rows(len(digits) // feature_dim, max_rows)
        return _records_of(digits, feature_dim)
    lines = _lines_of(body, max_rows)
    rows = [_row(line, number, feature_dim) for number, line in enumerate(lines, start=1)]
    if isinstance(rows[0], Problem):
        _refuse_header(lines[0], feature_dim)
    return rows


def _lines_of(body: bytes, max_rows: int) -> list[bytes]:
    from topics_function.reading import bodies  # noqa: PLC0415 - rows of one-digit counts need none of it

    body = bodies.plain_body(body)
    if not body.isascii():
        bodies.text_of(body)
    if b" " in body:
        body = body.replace(b", ", b",").replace(b" ,", b",")
    if not body.strip():
        raise Problem(Code.EMPTY_BODY, "the body has no row", allowed="at least one row of counts")
    check_number_of_rows(body.count(b"\n", 0, -1) + 1, max_rows)
    lines = body.split(b"\n")
    if not lines[-1].strip():
        del lines[-1]
    return lines


def _digits_of(body: bytes, feature_dim: int) -> bytes | None:
    """Return the digits of a body of nothing but one-digit counts, as nearly all are; None for any other body.

    It shows by its shape: every second byte is a digit, and what is left are the separators of whole rows. A few passes
    in C over the whole body, where making a cell of each count would take twenty times as long.
    """
    if body[-1:] != b"\n":
        body += b"\n"
    rows, rest = divmod(len(body), 2 * feature_dim)
    if rest or body[1::2] != (b"," * (feature_dim - 1) + b"\n") * rows:
        return None
    digits = body[::2]
    return digits if digits.isdigit() else None


def _records_of(digits: bytes, feature_dim: int) -> list[bytes | Problem]:
    """Return the record of each row of `feature_dim` digits, or that it is all zeros."""
    rows: list[bytes | Problem] = []
    marked = digits.translate(_NONZERO_AS_MARK)
    floats = records.floats_of(digits.translate(None, b"0"))
    begin = 0
    for start in range(0, len(marked), feature_dim):
        # Each count becomes a mark and one byte more. Split at the marks, the first piece is as long as the first key,
        # and each other as long as the way from one key to the next: summed up in C, they are the keys.
        pieces = marked[start : start + feature_dim].replace(_MARK, _MARK_AND_ONE).split(_MARK)
        del pieces[-1]
        if not pieces:
            rows.append(_no_known_words(len(rows) + 1))
            continue
        end = begin + records.FLOAT_BYTES * len(pieces)
        rows.append(records.of_floats(accumulate(map(len, pieces)), floats[begin:end], feature_dim))
        begin = end
    return rows


def _is_plain(line: bytes) -> bool:
    """Tell whether the line is whole numbers and single commas alone."""
    return (
        not line.translate(None, _DIGITS_AND_COMMA)
        and b",," not in line
        and line[:1] != b","
        and line[-1:] not in (b",", b"")
        and _LONG_NUMBER not in line.translate(_DIGITS_AS_ZEROS)
    )


def _refuse_header(line: bytes, feature_dim: int) -> None:
    from topics_function.reading import csv_cells  # noqa: PLC0415 - rows of whole numbers need none of it

    # No more cells than a row has: a line may hold many million.
    cells = [cell.strip() for cell in line.split(b",", feature_dim)[:feature_dim]]
    if all(
        cell and not csv_cells.NUMBER.fullmatch(cell) and not csv_cells.NOT_FINITE.fullmatch(cell) for cell in cells
    ):
        raise Problem(
            Code.HEADER_ROW,
            f"the first row holds no number, its first cell is {csv_cells.shown(cells[0])}",
            row=1,
            column=1,
            allowed="rows of counts from the first line on, in the order of the vocabulary",
        )


def _row(line: bytes, number: int, feature_dim: int) -> bytes | Problem:
    digits = _digits_of(line, feature_dim) if line else None
    if digits is not None:
        # Of a row among others that are not so simple.
        [record] = _records_of(digits, feature_dim)
        return record if isinstance(record, bytes) else _no_known_words(number)
    width = line.count(b",") + 1
    if width != feature_dim or not line:
        return Problem(
            Code.WRONG_WIDTH,
            f"row {number} has {width if line.strip() else 0} columns, where the vocabulary has {feature_dim} words",
            row=number,
            allowed=f"{feature_dim} counts a row",
        )
    if _is_plain(line):
        counts: dict[int, float] = {key: int(cell) for key, cell in enumerate(line.split(b",")) if cell != b"0"}
    else:
        cells = [cell.strip() for cell in line.split(b",")]
        # Few distinct counts occur in a row, so only those are looked at.
        values = {cell: _count_of(cell) if _fault_of(cell) is None else None for cell in set(cells)}
        if None in values.values():
            return _first_fault(cells, number)
        counts = {key: value for key, cell in enumerate(cells) if (value := values[cell])}
    if not any(counts.values()):
        return _no_known_words(number)
    return records.of_counts(counts, counts.values(), feature_dim)


def _count_of(cell: bytes) -> float:
    count = float(cell)
    return count if count > LARGEST_ZERO else 0.0


def _fault_of(cell: bytes) -> tuple[Code, str] | None:
    from topics_function.reading import csv_cells  # noqa: PLC0415 - rows of whole numbers need none of it

    if len(cell) > csv_cells.MOST_CHARACTERS:
        return Code.CELL_TOO_LONG, f"begins a cell of {len(cell)} characters"
    if not csv_cells.NUMBER.fullmatch(cell) and not csv_cells.NOT_FINITE.fullmatch(cell):
        return Code.NOT_A_NUMBER, "is not a number"
    count = float(cell)
    if not -inf < count < inf:
        return Code.NOT_FINITE, "is not a finite number"
    if count < 0:
        return Code.NEGATIVE_COUNT, "is negative"
    return (Code.COUNT_TOO_LARGE, f"is above {MAX_COUNT}") if count > MAX_COUNT else None


def _first_fault(cells: list[bytes], number: int) -> Problem:
    from topics_function.reading import csv_cells  # noqa: PLC0415 - rows of whole numbers need none of it

    column, cell, fault = next(
        (column, cell, fault) for column, cell in enumerate(cells, start=1) if (fault := _fault_of(cell)) is not None
    )
    code, what = fault
    allowed = f"a finite count from 0 to {MAX_COUNT}, in at most {csv_cells.MOST_CHARACTERS} characters"
    return Problem(code, f"{csv_cells.shown(cell)} {what}", row=number, column=column, allowed=allowed)


def _no_known_words(number: int) -> Problem:
    return Problem(
        Code.NO_KNOWN_WORDS,
        f"row {number} counts no word, so the model would only guess",
        row=number,
        allowed="rows with at least one count above 0",
    )
