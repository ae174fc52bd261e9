"""CSV rows of word counts, checked and normalised for the endpoint. Pure: no AWS, no NumPy."""

from __future__ import annotations

import re
from typing import Final

from topics_function.batch import check_number_of_rows
from topics_function.limits import MAX_COUNT
from topics_function.problems import Code, Problem

_NUMBER: Final = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NOT_FINITE: Final = frozenset({b"nan", b"inf", b"infinity"})
_BOM: Final = b"\xef\xbb\xbf"

# Every byte as the class it belongs to, so that a whole body of plain counts is checked by a few searches in C:
# 0 for a digit, comma and line feed as themselves, x for all else.
_CLASSES: Final = bytes(
    ord("0") if byte in b"0123456789" else byte if byte in b",\n" else ord("x") for byte in range(256)
)
_EIGHT_DIGITS: Final = b"0" * len(str(MAX_COUNT))
_SHOWN: Final = 40


def rows_of(body: bytes, *, feature_dim: int, max_rows: int) -> list[bytes | Problem]:
    """Return one clean CSV row a document, or what is wrong with it, in order.

    Args:
        body: rows of `feature_dim` non-negative numbers separated by commas; spaces around numbers, CRLF and one
            final newline are allowed, and so is a byte order mark.
        feature_dim: size of the vocabulary the model was trained on.
        max_rows: most rows taken.

    The problems of single rows are `wrong_width`, `not_a_number`, `negative_count`, `not_finite`,
    `count_too_large` and `no_known_words` (a row of zeros), each at the row's first fault.

    Raises:
        Problem: `empty_body`, `too_many_rows`, or `header_row` where no cell of the first row is a number.
    """
    lines = _lines_of(body, max_rows)
    plain = _all_plain_counts(b"\n".join(lines))
    if not plain:
        _refuse_header(lines[0])
    return [_row(line, number, feature_dim, plain) for number, line in enumerate(lines, start=1)]


def _lines_of(body: bytes, max_rows: int) -> list[bytes]:
    body = body.removeprefix(_BOM)
    if b"\r" in body:
        body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b" " in body:
        body = body.replace(b", ", b",").replace(b" ,", b",")
    if not body.strip():
        raise Problem(Code.EMPTY_BODY, "the body has no row", allowed="at least one row of counts")
    check_number_of_rows(body.count(b"\n", 0, -1) + 1, max_rows)
    lines = body.split(b"\n")
    if not lines[-1].strip():
        del lines[-1]
    return lines


def _all_plain_counts(body: bytes) -> bool:
    """Tell whether the body is digits and single commas alone, none of the numbers long enough to be too large."""
    classes = body.translate(_CLASSES)
    return not (
        b"x" in classes
        or b",," in classes
        or b"\n," in classes
        or b",\n" in classes
        or _EIGHT_DIGITS in classes
        or classes[:1] == b","
        or classes[-1:] == b","
    )


def _refuse_header(line: bytes) -> None:
    cells = [cell.strip() for cell in line.split(b",")]
    if all(cell and not _NUMBER.fullmatch(cell) and cell.lstrip(b"+-").lower() not in _NOT_FINITE for cell in cells):
        raise Problem(
            Code.HEADER_ROW,
            f"the first row holds no number, its first cell is {_shown(cells[0])}",
            row=1,
            column=1,
            allowed="rows of counts from the first line on, in the order of the vocabulary",
        )


def _row(line: bytes, number: int, feature_dim: int, plain: bool) -> bytes | Problem:
    width = line.count(b",") + 1
    if width != feature_dim or not line:
        return Problem(
            Code.WRONG_WIDTH,
            f"row {number} has {width if line.strip() else 0} columns, where the vocabulary has {feature_dim} words",
            row=number,
            allowed=f"{feature_dim} counts a row",
        )
    if plain:
        # What is left after the zeros and commas at both ends is empty for a row of zeros alone.
        return line if line.strip(b"0,") else _no_known_words(number)
    cells = [cell.strip() for cell in line.split(b",")]
    # Few distinct counts occur in a row, so only those are looked at.
    if any(_fault_of(cell) is not None for cell in set(cells)):
        return _first_fault(cells, number)
    if not any(float(cell) for cell in set(cells)):
        return _no_known_words(number)
    return b",".join(cells)


def _fault_of(cell: bytes) -> tuple[Code, str] | None:
    if not _NUMBER.fullmatch(cell):
        if cell.lstrip(b"+-").lower() in _NOT_FINITE:
            return Code.NOT_FINITE, "is not a finite number"
        return Code.NOT_A_NUMBER, "is not a number"
    count = float(cell)
    if count < 0:
        return Code.NEGATIVE_COUNT, "is negative"
    if count == float("inf"):
        return Code.NOT_FINITE, "is not a finite number"
    if count > MAX_COUNT:
        return Code.COUNT_TOO_LARGE, f"is above {MAX_COUNT}"
    return None


def _first_fault(cells: list[bytes], number: int) -> Problem:
    column, cell, fault = next(
        (column, cell, fault) for column, cell in enumerate(cells, start=1) if (fault := _fault_of(cell)) is not None
    )
    code, what = fault
    return Problem(
        code, f"{_shown(cell)} {what}", row=number, column=column, allowed=f"a finite count from 0 to {MAX_COUNT}"
    )


def _no_known_words(number: int) -> Problem:
    return Problem(
        Code.NO_KNOWN_WORDS,
        f"row {number} counts no word, so the model would only guess",
        row=number,
        allowed="rows with at least one count above 0",
    )


def _shown(cell: bytes) -> str:
    return repr(cell[:_SHOWN].decode("utf-8", "replace"))
