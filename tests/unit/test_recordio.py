from __future__ import annotations

import contextlib
import io
import struct
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.sparse import csr_matrix, vstack

from training_scripts.recordio import MAGIC, RecordError, iter_batches, read_records, write_dense, write_sparse

if TYPE_CHECKING:
    from collections.abc import Callable

counts = st.one_of(st.just(0.0), st.floats(width=32, allow_nan=False, allow_infinity=False))
matrices = array_shapes(min_dims=2, max_dims=2, max_side=140).flatmap(
    lambda shape: arrays(np.float32, shape, elements=counts, fill=st.just(0.0))
)


def sparse_bytes(rows: object) -> bytes:
    stream = io.BytesIO()
    write_sparse(stream, csr_matrix(rows, dtype=np.float32))
    return stream.getvalue()


def dense_bytes(rows: np.ndarray) -> bytes:
    stream = io.BytesIO()
    write_dense(stream, rows)
    return stream.getvalue()


# A small protobuf writer, the opposite of the one under test: number by number, nothing in bulk.
def varint(number: int) -> bytes:
    return bytes([number & 0x7F | 0x80]) + varint(number >> 7) if number > 0x7F else bytes([number])


def delimited(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def tensor_of(values: bytes = b"", keys: list[int] | None = None, shape: list[int] | None = None) -> bytes:
    encoded = delimited(1, values) if values else b""
    if keys:
        encoded += delimited(2, b"".join(map(varint, keys)))
    if shape:
        encoded += delimited(3, b"".join(map(varint, shape)))
    return encoded


def record(tensor: bytes, *, kind: int = 2, name: bytes = b"values") -> bytes:
    return delimited(1, delimited(1, name) + delimited(2, delimited(kind, tensor)))


def frame(payload: bytes, part: int = 0) -> bytes:
    return struct.pack("<II", MAGIC, part << 29 | len(payload)) + payload + b"\0" * (-len(payload) % 4)


def floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


@given(matrices)
def test_sparse_records_give_the_matrix_that_was_written(rows: np.ndarray) -> None:
    read = read_records(sparse_bytes(rows))

    assert read.dtype == np.float32
    np.testing.assert_array_equal(read.toarray(), rows)


@given(matrices)
def test_dense_records_give_the_matrix_that_was_written(rows: np.ndarray) -> None:
    np.testing.assert_array_equal(read_records(dense_bytes(rows)).toarray(), rows)


@given(matrices, st.integers(1, 50))
def test_a_stream_comes_in_batches_no_larger_than_asked(rows: np.ndarray, most: int) -> None:
    batches = list(iter_batches(io.BytesIO(sparse_bytes(rows)), feature_dim=rows.shape[1], max_nonzeros=most))

    assert all(batch.shape[0] == 1 or max(batch.nnz, batch.shape[0]) <= most for batch in batches)
    np.testing.assert_array_equal(vstack(batches).toarray(), rows)


def test_the_bytes_are_those_of_the_sdks_own_writer() -> None:
    # Written by sagemaker 2.257.7: write_spmatrix_to_sparse_tensor, write_numpy_to_dense_tensor.
    sparse = bytes.fromhex(
        "0a23d7ce1f0000000a1d0a0676616c756573121312110a080000803f00409643120201031a0104000a23d7ce11000000"
        "0a0f0a0676616c756573120512031a0104000000"
    )
    dense = bytes.fromhex(
        "0a23d7ce200000000a1e0a0676616c756573121412120a10000000000000803f00000000004096430a23d7ce20000000"
        "0a1e0a0676616c756573121412120a1000000000000000000000000000000000"
    )
    rows = np.array([[0, 1, 0, 300.5], [0, 0, 0, 0]], dtype=np.float32)

    assert sparse_bytes(rows) == sparse
    assert dense_bytes(rows) == dense


def test_what_the_sdk_writes_from_float64_and_integers_is_read() -> None:
    # Written by sagemaker 2.257.7, from float64 with a label, and from int64.
    float64 = bytes.fromhex(
        "0a23d7ce380000000a1e0a0676616c75657312141a120a0800000000000000401202ac021a02e80712160a0676616c75"
        "6573120c1a0a0a08000000000000f03f"
    )
    integers = bytes.fromhex("0a23d7ce1c0000000a1a0a0676616c75657312103a0e0a0c0300ffffffffffffffffff01")

    row = read_records(float64)
    assert (row.shape, row.indices.tolist(), row.data.tolist()) == ((1, 1000), [300], [2.0])
    np.testing.assert_array_equal(read_records(integers).toarray(), [[3, 0, -1]])


def test_a_record_split_at_the_magic_number_is_put_together() -> None:
    row = np.frombuffer(struct.pack("<I", MAGIC) * 3 + floats(7), dtype="<f4")
    # An unknown field in front brings the values to a multiple of four, where dmlc looks for the magic number.
    payload = next(
        padded
        for size in range(4)
        if (padded := delimited(15, b"x" * size) + record(tensor_of(row.tobytes()))).index(row.tobytes()) % 4 == 0
    )
    pieces = payload.split(struct.pack("<I", MAGIC))
    parts = [1, *[2] * (len(pieces) - 2), 3]

    split = b"".join(frame(piece, part) for piece, part in zip(pieces, parts, strict=True))

    assert len(pieces) == 4
    np.testing.assert_array_equal(read_records(split + sparse_bytes([[1, 0, 0, 0]])).toarray(), [row, [1, 0, 0, 0]])


@pytest.mark.parametrize(
    "tensor",
    [
        pytest.param(delimited(2, varint(300)) + delimited(1, floats(2)) + delimited(3, varint(301)), id="other order"),
        pytest.param(
            delimited(1, floats(2)) + varint(2 << 3) + varint(300) + varint(3 << 3) + varint(301), id="not packed"
        ),
        pytest.param(tensor_of(floats(2), [300], [1, 301]), id="shape of a matrix of one row"),
        pytest.param(tensor_of(floats(2), [300], [301]) + delimited(9, b"unknown"), id="unknown field"),
    ],
)
def test_other_spellings_of_a_sparse_record_are_read(tensor: bytes) -> None:
    read = read_records(frame(record(tensor)))

    assert (read.shape, read.indices.tolist(), read.data.tolist()) == ((1, 301), [300], [2.0])


def test_a_packed_field_in_pieces_is_put_together() -> None:
    tensor = tensor_of(floats(1, 2), [1, 2]) + tensor_of(floats(3), [0], [4])

    np.testing.assert_array_equal(read_records(frame(record(tensor))).toarray(), [[3, 1, 2, 0]])


def test_keys_may_come_in_any_order() -> None:
    read = read_records(frame(record(tensor_of(floats(1, 2, 3), [5, 0, 2], [6]))))

    assert read.indices.tolist() == [0, 2, 5]
    assert read.data.tolist() == [2, 3, 1]


def test_dense_and_sparse_records_of_several_types_may_be_mixed() -> None:
    records = [
        record(tensor_of(floats(1, 0))),
        record(tensor_of(struct.pack("<2d", 0, 2)), kind=3),
        record(tensor_of(varint(3) + varint(2**64 - 4)), kind=7),
        record(tensor_of(varint(5), [1], [2]), kind=7),
        record(tensor_of(shape=[2])),
        record(tensor_of(floats(6, 0))),
    ]

    read = read_records(b"".join(map(frame, records)))

    np.testing.assert_array_equal(read.toarray(), [[1, 0], [0, 2], [3, -4], [0, 5], [0, 0], [6, 0]])


@pytest.mark.parametrize(
    ("data", "code", "number"),
    [
        (b"", "no_width", 1),
        (b"\x0a\x23", "truncated", 1),
        (b"notrecordio-", "bad_frame", 1),
        (sparse_bytes([[1, 2]]) + b"\0\0\0\0\0\0\0\0", "bad_frame", 2),
        (sparse_bytes([[1, 2]])[:-5], "truncated", 1),
        (frame(record(tensor_of(floats(1)))[:-1]), "bad_message", 1),
        (frame(b"", 2), "bad_frame", 1),
        (frame(b"", 1) + frame(b"", 1), "bad_frame", 1),
        (frame(b"", 1), "truncated", 1),
        (frame(b"", 5), "bad_frame", 1),
        (frame(b""), "missing_values", 1),
        (frame(record(b"", name=b"other")), "missing_values", 1),
        (frame(record(b"", kind=9)), "not_a_tensor", 1),
        (frame(delimited(1, delimited(1, b"values"))), "not_a_tensor", 1),
        (frame(b"\x0b"), "bad_message", 1),
        (frame(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "bad_message", 1),
        (frame(b"\x08\x01"), "bad_message", 1),
        (frame(record(tensor_of(b"\0\0\0"))), "bad_message", 1),
        (frame(record(delimited(1, floats(1)) + delimited(2, b"\x80") + delimited(3, b"\x05"))), "bad_message", 1),
        (frame(record(delimited(1, floats(1)) + delimited(2, b"\x80" * 10 + b"\0"))), "no_width", 1),
        (frame(record(tensor_of(floats(1), [0]))), "no_width", 1),
        (frame(record(b"")), "no_width", 1),
        (frame(record(tensor_of(floats(1), [0], [0]))), "bad_shape", 1),
        (frame(record(tensor_of(floats(1), [0], [2, 2]))), "bad_shape", 1),
        (frame(record(tensor_of(floats(1), [0], [2**63]))), "bad_shape", 1),
        (frame(record(tensor_of(floats(1), [2], [2]))), "key_out_of_range", 1),
        (frame(record(tensor_of(floats(1), [2**64 - 1], [2]))), "key_out_of_range", 1),
        (frame(record(tensor_of(floats(1, 2), [1, 1], [2]))), "duplicate_key", 1),
        (frame(record(tensor_of(floats(1, 2), [1], [2]))), "key_count", 1),
        (frame(record(tensor_of(b"", [1], [2]))), "key_count", 1),
        (frame(record(tensor_of(floats(float("nan"), 2)))), "not_finite", 1),
        (frame(record(tensor_of(struct.pack("<d", 1e300)), kind=3)), "not_finite", 1),
        (sparse_bytes([[1, 2], [3, 4]]) + sparse_bytes([[1, 2, 3]]), "wrong_width", 3),
        (dense_bytes(np.ones((2, 2))) + dense_bytes(np.ones((1, 3))), "wrong_width", 3),
        (sparse_bytes([[1, 2]]) + frame(record(tensor_of(floats(1, 2, 3), [0, 1, 1], [2]))), "duplicate_key", 2),
    ],
)
def test_a_faulty_record_is_refused_with_its_number(data: bytes, code: str, number: int) -> None:
    with pytest.raises(RecordError) as refusal:
        read_records(data)

    assert (refusal.value.code, refusal.value.record) == (code, number)
    assert str(refusal.value) == f"record {number}: {refusal.value.detail}"


def test_a_key_of_more_than_ten_bytes_is_refused() -> None:
    tensor = delimited(1, floats(1)) + delimited(2, b"\x80" * 10 + b"\0") + delimited(3, b"\x05")

    with pytest.raises(RecordError, match="longer than ten bytes"):
        read_records(sparse_bytes([[1, 0, 0, 0, 0]]) + frame(record(tensor)))


def test_rows_of_another_width_than_asked_for_are_refused() -> None:
    with pytest.raises(RecordError, match="record 1: 2 columns, where 5 are expected"):
        read_records(sparse_bytes([[1, 2]]), feature_dim=5)


def test_a_width_that_is_asked_for_stands_in_for_a_missing_shape() -> None:
    assert read_records(frame(record(tensor_of(floats(4), [1]))), feature_dim=3).toarray().tolist() == [[0, 4, 0]]


def test_no_records_are_an_empty_matrix_of_the_width_asked_for() -> None:
    assert read_records(b"", feature_dim=7).shape == (0, 7)
    assert list(iter_batches(io.BytesIO(), feature_dim=7, max_nonzeros=10)) == []


def test_a_fault_late_in_a_stream_is_told_after_the_batches_before_it() -> None:
    stream = io.BytesIO(sparse_bytes([[1, 0], [0, 1], [1, 1]]) + b"damaged!")
    batches = iter_batches(stream, feature_dim=2, max_nonzeros=2)

    assert [next(batches).toarray().tolist()] == [[[1, 0], [0, 1]]]
    with pytest.raises(RecordError) as refusal:
        list(batches)
    assert refusal.value.record == 4


class _Dribble(io.RawIOBase):
    """A pipe: gives a few bytes a read."""

    def __init__(self, content: bytes) -> None:
        self._rest = content

    def read(self, size: int = -1) -> bytes:
        piece, self._rest = self._rest[: min(size, 3)], self._rest[min(size, 3) :]
        return piece


def test_a_pipe_that_gives_few_bytes_at_a_time_is_read() -> None:
    rows = np.arange(12, dtype=np.float32).reshape(3, 4)

    (batch,) = iter_batches(_Dribble(sparse_bytes(rows)), feature_dim=4, max_nonzeros=100)  # type: ignore[arg-type]

    np.testing.assert_array_equal(batch.toarray(), rows)


@pytest.mark.parametrize("rows", [[[float("nan")]], [[float("inf")]], [[1e300]]])
@pytest.mark.parametrize("write", [sparse_bytes, dense_bytes])
def test_values_that_no_reader_would_take_are_not_written(write: Callable[[object], bytes], rows: object) -> None:
    stream = io.BytesIO()
    with pytest.raises(ValueError, match="not a finite 32-bit number"):
        (write_sparse if write is sparse_bytes else write_dense)(stream, np.array(rows))
    assert stream.getvalue() == b""


def test_writing_leaves_the_callers_matrix_alone() -> None:
    matrix = csr_matrix((np.array([1.0, 2.0, 3.0]), np.array([2, 0, 2]), np.array([0, 3])), shape=(1, 3))
    before = (matrix.data.copy(), matrix.indices.copy())
    stream = io.BytesIO()

    write_sparse(stream, matrix)

    assert read_records(stream.getvalue()).toarray().tolist() == [[2, 0, 4]]
    np.testing.assert_array_equal(matrix.data, before[0])
    np.testing.assert_array_equal(matrix.indices, before[1])


VALID = sparse_bytes([[0, 1, 0, 2, 300, 0], [0, 0, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6]]) + dense_bytes(np.ones((2, 6)))


@pytest.mark.parametrize("end", range(len(VALID)))
def test_bytes_cut_off_anywhere_give_whole_records_or_an_error(end: int) -> None:
    try:
        rows = read_records(VALID[:end], feature_dim=6).shape[0]
    except RecordError:
        return
    np.testing.assert_array_equal(
        read_records(VALID).toarray()[:rows], read_records(VALID[:end], feature_dim=6).toarray()
    )


def _read_or_refuse(data: bytes) -> None:
    with contextlib.suppress(RecordError):
        read_records(data)
    with contextlib.suppress(RecordError):
        list(iter_batches(io.BytesIO(data), feature_dim=6, max_nonzeros=5))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    _read_or_refuse(data)
    _read_or_refuse(frame(data))
    _read_or_refuse(frame(record(data)))
    _read_or_refuse(frame(record(data, kind=7)))


@given(st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_damaged_records_are_read_or_refused(damage: list[tuple[int, int]]) -> None:
    damaged = bytearray(VALID)
    for place, byte in damage:
        damaged[place] = byte

    _read_or_refuse(bytes(damaged))


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(struct.pack("<II", MAGIC, 2**29 - 1), id="a frame of half a gigabyte"),
        pytest.param(frame(b"\x0a" + varint(2**62)), id="a message of exabytes"),
        pytest.param(frame(record(tensor_of(floats(1), [5], [2**31 - 1]))), id="two thousand million columns"),
        pytest.param(frame(record(tensor_of(shape=[2**31 - 1]))) * 100, id="empty rows of that width"),
    ],
)
def test_memory_follows_the_bytes_and_not_what_they_claim(hostile: bytes) -> None:
    tracemalloc.start()
    try:
        for read in (read_records, lambda data: list(iter_batches(io.BytesIO(data), feature_dim=6, max_nonzeros=100))):
            try:
                read(hostile)
            except RecordError:
                continue
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 4_000_000


def test_numbers_one_by_one_take_memory_in_proportion() -> None:
    values = 50_000
    tensor = b"\x0d\0\0\x80?" * values
    data = frame(record(tensor))
    tracemalloc.start()
    try:
        read = read_records(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert read.shape == (1, values)
    assert peak < 20 * len(data)
