"""SageMaker's RecordIO-protobuf format, encoded and decoded by hand with NumPy and SciPy.

A file is a sequence of RecordIO frames (Apache MXNet's `dmlc/recordio.h`): the magic number, a length, the payload,
and padding to four bytes. Each payload is one `record_message`. The bytes written are those of the `sagemaker` SDK's
own writer.

No protobuf package: the inference server imports this module, and must start fast on NumPy and SciPy alone.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

import numpy as np
from scipy.sparse import csr_matrix, vstack

from training_scripts import record_message
from training_scripts.protobuf_wire import WireError
from training_scripts.record_message import MessageError, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    Read: TypeAlias = Callable[[int], memoryview]
    """Gives up to that many of the next bytes; fewer only at the end of the input."""

MAGIC = 0xCED7230A
MAX_PAYLOAD_BYTES = (1 << 29) - 1
"""The frame's length field has 29 bits; the upper three mark the parts of a split record."""

_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)
_HEADER = struct.Struct("<II")
_MAGIC_BYTES = struct.pack("<I", MAGIC)
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")
_READ_PIECE_BYTES = 1 << 20
_VALUES_AT_ONCE = 1 << 18


class RecordError(ValueError):
    """Bytes that are no records of the width asked for.

    `record` counts from 1. `code` is stable: `bad_frame`, `truncated`, `bad_message`, `missing_values`, `not_a_tensor`,
    `bad_shape`, `no_width`, `wrong_width`, `key_out_of_range`, `duplicate_key`, `key_count` or `not_finite`.
    `detail` is the sentence without the record's number.
    """

    def __init__(self, code: str, record: int, detail: str) -> None:
        super().__init__(f"record {record}: {detail}")
        self.code = code
        self.record = record
        self.detail = detail


def write_sparse(stream: BinaryIO, rows: csr_matrix) -> None:
    """Append one sparse record a row: float32 values, their columns as keys, the width as shape.

    Args:
        stream: where the records go.
        rows: shape (documents, feature_dim), finite values.

    Raises:
        ValueError: a value is not finite, or there are no columns, or a row is too long for a frame.
    """
    stream.writelines(_frame(message) for message in record_message.encode_sparse(rows))


def write_dense(stream: BinaryIO, rows: npt.NDArray[np.floating] | npt.NDArray[np.integer]) -> None:
    """Append one dense float32 record a row of `rows`, shape (documents, feature_dim); raises as `write_sparse`."""
    stream.writelines(_frame(message) for message in record_message.encode_dense(rows))


def write_labels(stream: BinaryIO, name: str, rows: npt.NDArray[np.floating]) -> None:
    """Append one record a row of `rows`, (records, width): no feature, and a dense float32 label called `name`.

    So do the built-in algorithms answer: https://docs.aws.amazon.com/sagemaker/latest/dg/ntm-in-formats.html.

    Raises:
        ValueError: a value is not finite, or there are no columns.
    """
    stream.writelines(_frame(message) for message in record_message.encode_labels(name, rows))


def _frame(payload: bytes) -> bytes:
    # Never split at an embedded magic number, as dmlc's writer would: the SDK neither writes nor reads split records,
    # and a reader that follows the lengths needs no splitting.
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"a record takes {len(payload)} bytes, where a frame holds at most {MAX_PAYLOAD_BYTES}")
    return _HEADER.pack(MAGIC, len(payload)) + payload + _PADDING[len(payload) & 3]


def read_records(data: bytes | memoryview, *, feature_dim: int | None = None) -> csr_matrix:
    """Return all records of `data` as a float32 matrix of shape (records, feature_dim), columns sorted in each row.

    Args:
        data: dense or sparse records, also mixed; float32, float64 or int32 tensors; whole or multi-part.
        feature_dim: the width each record must have; None takes it from the first record. No record at all is an
            empty matrix of that width.

    Raises:
        RecordError: at a record that is damaged or of another width.
    """
    remaining = memoryview(data).cast("B")
    position = 0

    def read(size: int) -> memoryview:
        nonlocal position
        piece = remaining[position : position + size]
        position += len(piece)
        return piece

    batches = list(_batches(read, feature_dim, _VALUES_AT_ONCE))
    if not batches and feature_dim is None:
        raise RecordError("no_width", 1, "there is no record, so the width of a row is unknown")
    if len(batches) == 1:
        return batches[0]
    return vstack(batches, format="csr") if batches else csr_matrix((0, feature_dim), dtype=np.float32)


def iter_batches(stream: BinaryIO, *, feature_dim: int, max_nonzeros: int) -> Iterator[csr_matrix]:
    """Read a stream (a file or a pipe) batch by batch, in bounded memory.

    Args:
        stream: what is read, to its end.
        feature_dim: the width each record must have.
        max_nonzeros: the most values, and the most rows, of one batch. One record alone may hold more values: it then
            is a batch of its own.

    Yields:
        Matrices as `read_records` returns, in the order of the stream; none for an empty stream.

    Raises:
        RecordError: at a record that is damaged or of another width; earlier batches have been yielded.
    """
    if max_nonzeros < 1:
        raise ValueError(f"max_nonzeros is {max_nonzeros}, where at least 1 is needed")
    yield from _batches(lambda size: _read_up_to(stream, size), feature_dim, max_nonzeros)


def _batches(read: Read, feature_dim: int | None, max_values: int) -> Iterator[csr_matrix]:
    width = feature_dim
    batch: list[Tensor] = []
    held = 0
    # The first record of the batch, or the one that is being looked at.
    first = number = 1
    try:
        for payload in _payloads(read):
            tensor = record_message.parse(payload)
            if width is None:
                width = record_message.width_of(tensor)
            size = max(1, tensor.most_values)
            if batch and held + size > max_values:
                yield _matrix(batch, first, width)
                batch, held, first = [], 0, number
            batch.append(tensor)
            held += size
            number += 1
    except WireError as error:
        raise RecordError("bad_message", number, str(error)) from None
    except MessageError as error:
        raise RecordError(error.code, number, str(error)) from None
    if batch and width is not None:
        yield _matrix(batch, first, width)


def _matrix(batch: list[Tensor], first_record: int, width: int) -> csr_matrix:
    try:
        return record_message.matrix_of(batch, width)
    except MessageError as error:
        raise RecordError(error.code, first_record + error.row, str(error)) from None


def _read_up_to(stream: BinaryIO, size: int) -> memoryview:
    # In pieces: a hostile length must not make us reserve more than the stream really holds.
    content = stream.read(min(size, _READ_PIECE_BYTES))
    if len(content) == size or not content:
        return memoryview(content)
    pieces = bytearray(content)
    while len(pieces) < size and (content := stream.read(min(size - len(pieces), _READ_PIECE_BYTES))):
        pieces += content
    return memoryview(pieces)


def _payloads(read: Read) -> Iterator[memoryview]:
    """The payloads of the frames, the parts of a split one put together."""
    number = 1
    parts = bytearray()
    inside = False
    while header := read(8):
        if len(header) < _HEADER.size:
            raise RecordError("truncated", number, "the input ends within a frame's header")
        magic, length_field = _HEADER.unpack(header)
        if magic != MAGIC:
            raise RecordError("bad_frame", number, f"it starts with {magic:#010x}, not RecordIO's {MAGIC:#010x}")
        part, length = length_field >> 29, length_field & MAX_PAYLOAD_BYTES
        if part > _LAST or inside != (part in {_MIDDLE, _LAST}):
            raise RecordError("bad_frame", number, "the parts of a split record are out of order")
        padded = read(length + 3 & ~3)
        if len(padded) < (length + 3 & ~3):
            raise RecordError("truncated", number, f"the input ends within its {length} bytes")
        if part == _WHOLE:
            yield padded[:length]
        else:
            # dmlc splits where the payload holds the magic number, and leaves that out.
            parts += (_MAGIC_BYTES if inside else b"") + padded[:length]
            inside = part != _LAST
            if inside:
                continue
            yield memoryview(parts)
            parts = bytearray()
        number += 1
    if inside:
        raise RecordError("truncated", number, "the input ends between the parts of a split record")
