"""Rows of one request, in as few calls of the endpoint as they fit in. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from url_functions.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def check_number_of_rows(rows: int, max_rows: int) -> None:
    """Refuse a request of too many documents, before any of them is looked at.

    Raises:
        Problem: `too_many_rows`.
    """
    if rows > max_rows:
        raise Problem(
            Code.TOO_MANY_ROWS,
            f"the request has {rows} documents",
            allowed=f"{max_rows} documents a request; send them in several requests",
        )


def calls_of(rows: Sequence[bytes], *, max_bytes: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the runs of rows that together take at most `max_bytes`, in order.

    A row that is too large alone gets a run of its own: the caller refuses such rows before.
    """
    start = size = 0
    for index, row in enumerate(rows):
        if index > start and size + len(row) > max_bytes:
            yield start, index
            start, size = index, 0
        size += len(row)
    if start < len(rows):
        yield start, len(rows)
