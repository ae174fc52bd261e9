"""Objects of a batch transform cut into records, records put together into requests. Pure and streaming."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import TypeVar

RECORDIO_MAGIC = 0xCED7230A
_HEADER = struct.Struct("<II")
_LENGTH_MASK = (1 << 29) - 1
_WHOLE, _END = 0, 3
Record = TypeVar("Record", bound=Sized)


class SplitError(ValueError):
    """An object that cannot be cut as asked, or a record larger than a request may be."""


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield every line with its newline; the last one may have none. Empty lines are left out."""
    rest = b""
    for chunk in chunks:
        whole, newline, rest = (rest + chunk).rpartition(b"\n")
        if newline:
            for line in whole.split(b"\n"):
                if line.strip():
                    yield line + b"\n"
    if rest.strip():
        yield rest


def recordio(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield every RecordIO record with its frame; the parts of one that is in several stay together.

    Raises:
        SplitError: a frame does not begin with RecordIO's magic number, or the object ends within one.
    """
    buffer, parts = bytearray(), b""
    for chunk in chunks:
        buffer += chunk
        while (frame := _frame(buffer)) is not None:
            part, flag = frame
            parts += part
            if flag in {_WHOLE, _END}:
                yield parts
                parts = b""
    if buffer or parts:
        raise SplitError("the object ends within a RecordIO record")


def whole(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the object as one record."""
    yield b"".join(chunks)


SPLITTERS: Mapping[str, Callable[[Iterable[bytes]], Iterator[bytes]]] = {
    "None": whole,
    "Line": lines,
    "RecordIO": recordio,
}


def batches(records: Iterable[Record], *, max_bytes: int, many: bool) -> Iterator[list[Record]]:
    """Yield the records of each request: one, or with `many` as many as fit into `max_bytes`.

    Raises:
        SplitError: one record alone is larger.
    """
    batch: list[Record] = []
    size = 0
    for record in records:
        if len(record) > max_bytes:
            raise SplitError(f"a record of {len(record)} bytes is larger than the payload limit of {max_bytes} bytes")
        if batch and (not many or size + len(record) > max_bytes):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record)
    if batch:
        yield batch


def _frame(buffer: bytearray) -> tuple[bytes, int] | None:
    """Take one complete frame off the front; None when there is none yet."""
    if len(buffer) < _HEADER.size:
        return None
    magic, word = _HEADER.unpack_from(buffer)
    if magic != RECORDIO_MAGIC:
        raise SplitError(f"a RecordIO record begins with {magic:#x}, where {RECORDIO_MAGIC:#x} belongs")
    length = word & _LENGTH_MASK
    size = _HEADER.size + length + (-length) % 4
    if len(buffer) < size:
        return None
    frame = bytes(buffer[:size])
    del buffer[:size]
    return frame, word >> 29
