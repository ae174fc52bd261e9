"""CSV rows of word counts, parsed strictly and at the speed of NumPy: a cell costs some nanoseconds, not a microsecond.

Nearly all cells of a bag of words are one digit, and where all of a body are, its shape says so. Else the separators
are found in one sweep over the bytes; one-digit cells become numbers in one step, plain decimals (`12`, `0.5`) in one
step a character, and only what is left (signs, exponents, nonsense) is looked at cell by cell.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, vstack

from training_scripts.ntm.reading.counts import CountsError
from training_scripts.ntm.reading.csv_cells import MOST_CHARACTERS, NOT_FINITE, NUMBER, shown
from training_scripts.plain_text import PlainTextError, opened, plain, with_line_feeds

if TYPE_CHECKING:
    from collections.abc import Iterator

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

_COMMA, _NEWLINE, _DOT, _ZERO, _SPACE, _TAB = 44, 10, 46, 48, 32, 9
_NINE: Final = 9
_LONGEST_DECIMAL: Final = 16
"""Up to here a mantissa and its power of ten are exact doubles, so that their quotient is the nearest double."""
_MOST_PADDING: Final = 8
_LARGEST: Final = float(np.finfo(np.float32).max)
_BLOCK_BYTES: Final = 1 << 20


def parse(body: bytes, *, feature_dim: int, first_row: int = 1) -> csr_matrix:
    """Return one document a row, float32, shape (rows, feature_dim).

    Args:
        body: rows of `feature_dim` non-negative numbers separated by commas; LF, CRLF or CR; blanks around a number,
            newlines at the end and a byte order mark are allowed.
        feature_dim: columns that each row must have.
        first_row: number of the first row, for the place of a fault.

    Raises:
        CountsError: `not_utf8`, `empty_body`, or at the first fault `wrong_width`, `cell_too_long`, `not_a_number` or
            `negative_count`.
    """
    text = plain_body(body).rstrip(b"\n")
    if not text.strip():
        raise CountsError("empty_body", first_row, None, "send at least one row of counts")
    digits = _digits(text, feature_dim)
    if digits is not None:
        return _sparse(digits)
    if len(text) > _BLOCK_BYTES and b"\n" in text:
        # Looking for separators takes a hundred bytes a cell.
        return vstack(list(iter_blocks(BytesIO(text), feature_dim=feature_dim, first_row=first_row)), format="csr")
    return _parsed(text, feature_dim, first_row)


def plain_body(body: bytes) -> bytes:
    """Return a body of text without its byte order mark, its lines ended by LF; CountsError `not_utf8` for others."""
    try:
        return plain(body)
    except PlainTextError as error:
        raise CountsError("not_utf8", None, None, f"the body {error}") from None


def _parsed(text: bytes, feature_dim: int, first_row: int) -> csr_matrix:
    buffer = np.frombuffer(text, dtype=np.uint8)
    separators = np.flatnonzero((buffer == _COMMA) | (buffer == _NEWLINE))
    ends = np.append(separators, buffer.size)
    rows_end = np.append(np.flatnonzero(buffer[separators] == _NEWLINE), separators.size)
    widths = np.diff(rows_end, prepend=-1)
    wrong = np.flatnonzero(widths != feature_dim)
    if wrong.size:
        row = int(wrong[0])
        if row:
            # An earlier row may hold an earlier fault.
            parse(text[: ends[rows_end[row - 1]]], feature_dim=feature_dim, first_row=first_row)
        raise CountsError("wrong_width", first_row + row, None, _width_fault(int(widths[row]), feature_dim))
    starts = np.empty_like(ends)
    starts[0] = 0
    starts[1:] = separators + 1
    values = _values(text, buffer, starts, ends, feature_dim=feature_dim, first_row=first_row)
    return csr_matrix(values.reshape(-1, feature_dim))


def _digits(text: bytes, feature_dim: int) -> Bytes | None:
    """Return the counts of rows of nothing but one-digit counts, shape (rows, feature_dim); None for any other rows.

    It shows by their shape: every second byte is a digit, and what is left are the separators of whole rows.
    """
    if (len(text) + 1) % (2 * feature_dim):
        return None
    cells = np.frombuffer(text + b"\n", dtype=np.uint8).reshape(-1, feature_dim, 2)
    separators = np.full(feature_dim, _COMMA, dtype=np.uint8)
    separators[-1] = _NEWLINE
    digits = cells[:, :, 0] - np.uint8(_ZERO)
    return digits if (digits <= _NINE).all() and (cells[:, :, 1] == separators).all() else None


def _sparse(digits: Bytes) -> csr_matrix:
    filled = np.flatnonzero(digits)
    ends = np.zeros(digits.shape[0] + 1, dtype=np.int64)
    np.cumsum(np.count_nonzero(digits, axis=1), out=ends[1:])
    return csr_matrix((digits.ravel()[filled].astype(np.float32), filled % digits.shape[1], ends), shape=digits.shape)


def _width_fault(width: int, feature_dim: int) -> str:
    return f"it has {width} columns, where the vocabulary has {feature_dim} words"


def iter_blocks(stream: BinaryIO, *, feature_dim: int, first_row: int = 1) -> Iterator[csr_matrix]:
    """Read a stream block by block, in bounded memory, also out of gzip, bzip2 and UTF-16.

    Raises:
        CountsError: as of `parse`, but an empty stream yields nothing.
        PlainTextError: it is damaged, or no text.
    """
    rest = bytearray()
    row = first_row
    for piece in with_line_feeds(opened(stream, block_bytes=_BLOCK_BYTES)):
        head, newline, tail = piece.rpartition(b"\n")
        if not newline:
            # A row longer than a block: what is held of it is not looked through again.
            rest += piece
            continue
        held = bytes(rest) + head
        rest = bytearray(tail)
        if held.strip():
            block = _block(held, feature_dim, row)
            yield block
            row += block.shape[0]
    if rest.strip():
        yield _block(bytes(rest), feature_dim, row)


def _block(held: bytes, feature_dim: int, first_row: int) -> csr_matrix:
    text = held.rstrip(b"\n")
    digits = _digits(text, feature_dim)
    return _sparse(digits) if digits is not None else _parsed(text, feature_dim, first_row)


def _values(
    text: bytes, buffer: Bytes, starts: Ints, ends: Ints, *, feature_dim: int, first_row: int
) -> npt.NDArray[np.float32]:
    if b" " in text or b"\t" in text:
        starts, ends = _trimmed(buffer, starts, ends)
    lengths = ends - starts
    digits = buffer[np.minimum(starts, buffer.size - 1)] - np.uint8(_ZERO)
    simple = (lengths == 1) & (digits <= _NINE)
    values = np.where(simple, digits, np.uint8(0)).astype(np.float32)
    others = np.flatnonzero(~simple)
    if others.size:
        decimals, plain = _decimals(buffer, starts[others], lengths[others])
        values[others[plain]] = decimals[plain]
        for cell in others[~plain].tolist():
            try:
                values[cell] = _number(text[starts[cell] : ends[cell]])
            except CountsError as fault:
                row, column = divmod(cell, feature_dim)
                raise CountsError(fault.code, first_row + row, column + 1, fault.detail) from None
    return values


def _trimmed(buffer: Bytes, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    blank = (buffer == _SPACE) | (buffer == _TAB)
    last = buffer.size - 1
    for _ in range(_MOST_PADDING):
        leading = blank[np.minimum(starts, last)] & (starts < ends)
        if not leading.any():
            break
        starts = starts + leading
    for _ in range(_MOST_PADDING):
        trailing = blank[np.maximum(ends - 1, 0)] & (starts < ends)
        if not trailing.any():
            break
        ends = ends - trailing
    return starts, ends


def _decimals(buffer: Bytes, starts: Ints, lengths: Ints) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The cells' numbers, and which of them are plain decimals: digits with at most one point among or after them."""
    mantissas = np.zeros(starts.size, dtype=np.int64)
    places = np.zeros(starts.size, dtype=np.int64)
    dotted = np.zeros(starts.size, dtype=bool)
    plain = (lengths > 0) & (lengths <= _LONGEST_DECIMAL)
    for position in range(int(lengths[plain].max(initial=0))):
        inside = plain & (position < lengths)
        characters = buffer[np.where(inside, starts + position, 0)]
        digits = characters - np.uint8(_ZERO)
        is_digit = inside & (digits <= _NINE)
        is_dot = inside & (characters == _DOT) & ~dotted & (position > 0)
        mantissas = np.where(is_digit, mantissas * 10 + digits, mantissas)
        places += is_digit & dotted
        dotted |= is_dot
        plain &= ~inside | is_digit | is_dot
    return mantissas / np.power(10.0, places), plain


def _number(cell: bytes) -> float:
    cell = cell.strip(b" \t")
    if len(cell) > MOST_CHARACTERS:
        detail = f"{shown(cell)} begins a cell of {len(cell)} characters, where {MOST_CHARACTERS} are the most"
        raise CountsError("cell_too_long", None, None, detail)
    if NOT_FINITE.fullmatch(cell):
        raise CountsError("negative_count", None, None, f"{shown(cell)} is not a finite count of 0 or more")
    if not NUMBER.fullmatch(cell):
        raise CountsError("not_a_number", None, None, f"{shown(cell)} is not a count")
    value = float(cell)
    if not 0 <= value <= _LARGEST:
        raise CountsError("negative_count", None, None, f"{shown(cell)} is not a finite count of 0 or more")
    return value
