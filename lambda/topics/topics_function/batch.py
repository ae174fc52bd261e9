"""Documents on their way to the endpoint: checked rows, and how they are written in one request body. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from topics_function.media_types import APPLICATION_JSON, TEXT_CSV
from topics_function.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Wire:
    """How rows become a body: what stands before, between and after them."""

    content_type: str
    opening: bytes
    separator: bytes
    closing: bytes

    def body(self, rows: Sequence[bytes]) -> bytes:
        """Return one request body of `rows`."""
        return self.opening + self.separator.join(rows) + self.closing

    def overhead(self, rows: int) -> int:
        """Return the bytes that `rows` rows cost beside their own."""
        return len(self.opening) + len(self.closing) + len(self.separator) * max(0, rows - 1)


CSV_ROWS: Final = Wire(TEXT_CSV, b"", b"\n", b"")
JSON_INSTANCES: Final = Wire(APPLICATION_JSON, b'{"instances":[', b",", b"]}")


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


def calls_of(rows: Sequence[bytes], wire: Wire, *, max_bytes: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the runs of rows that fit in one call of at most `max_bytes`, in order.

    A row that is too large alone gets a run of its own: the caller refuses such rows before.
    """
    fixed = len(wire.opening) + len(wire.closing)
    start, size = 0, fixed
    for index, row in enumerate(rows):
        cost = len(row) + (len(wire.separator) if index > start else 0)
        if index > start and size + cost > max_bytes:
            yield start, index
            start, size, cost = index, fixed, len(row)
        size += cost
    if start < len(rows):
        yield start, len(rows)
