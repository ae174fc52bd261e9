"""The pure reader against the project's own writer, which is held against the SageMaker SDK elsewhere."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from training_scripts import recordio

from topics_function.reading.recordio_codec import rows_of
from topics_function.reading.records import MAGIC
from url_functions.problems import Code, Problem

ROW_CODES = {
    Code.INVALID_RECORDIO,
    Code.WRONG_WIDTH,
    Code.WRONG_SHAPE,
    Code.NEGATIVE_COUNT,
    Code.NOT_FINITE,
    Code.COUNT_TOO_LARGE,
    Code.KEY_OUT_OF_RANGE,
    Code.DUPLICATE_KEY,
    Code.NO_KNOWN_WORDS,
}
count = st.floats(0, 1000, width=32)
matrices = st.lists(st.lists(count, min_size=4, max_size=4).filter(any), min_size=1, max_size=8)


def read(body: bytes, feature_dim: int = 4) -> list[bytes | Problem]:
    return rows_of(body, feature_dim=feature_dim, max_rows=100)


def dense(row: bytes | Problem) -> list[float]:
    assert isinstance(row, bytes), row
    (counts,) = recordio.read_records(row).toarray().tolist()
    return list(counts)


def written(rows: list[list[float]], *, sparse: bool) -> bytes:
    stream = io.BytesIO()
    matrix = np.array(rows, dtype=np.float32)
    recordio.write_sparse(stream, csr_matrix(matrix)) if sparse else recordio.write_dense(stream, matrix)
    return stream.getvalue()


def delimited(tag: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes([tag << 3 | 2, len(content)]) + content


def record(tensor_field: int, tensor: bytes, name: bytes = b"values") -> bytes:
    return frame(delimited(1, delimited(1, name) + delimited(2, delimited(tensor_field, tensor))))


def frame(payload: bytes, part: int = 0) -> bytes:
    return struct.pack("<II", MAGIC, part << 29 | len(payload)) + payload + b"\0" * (-len(payload) % 4)


@given(matrices, st.booleans())
def test_records_come_back_as_they_were_written(rows: list[list[float]], sparse: bool) -> None:
    assert [dense(row) for row in read(written(rows, sparse=sparse))] == rows


@pytest.mark.parametrize(
    ("tensor_field", "values"),
    [
        (2, delimited(1, struct.pack("<4f", 0, 1, 2, 3))),
        (3, delimited(1, struct.pack("<4d", 0, 1, 2, 3))),
        (7, delimited(1, bytes([0, 1, 2, 3]))),
        # Number by number, as protobuf allows.
        (2, b"".join(b"\x0d" + struct.pack("<f", value) for value in range(4))),
        (7, b"".join(bytes([8, value]) for value in range(4))),
    ],
)
def test_each_kind_of_tensor_is_read(tensor_field: int, values: bytes) -> None:
    assert [dense(row) for row in read(record(tensor_field, values))] == [[0, 1, 2, 3]]


def test_a_record_in_several_parts_is_put_together_with_the_magic_number_between() -> None:
    tensor = delimited(1, struct.pack("<2f", 1, 2) + struct.pack("<I", MAGIC) + struct.pack("<f", 3))
    whole = record(2, tensor)
    payload = whole[8:]
    cut = payload.index(struct.pack("<I", MAGIC))

    split = frame(payload[:cut], 1) + frame(payload[cut + 4 :], 3)

    assert [getattr(row, "code", None) for row in read(split)] == [getattr(row, "code", None) for row in read(whole)]
    assert [getattr(row, "column", None) for row in read(split)] == [3]


@pytest.mark.parametrize(
    ("body", "code", "row"),
    [
        (b"1,2,3,4\n", Code.INVALID_RECORDIO, 1),
        (b"\x0a\x23", Code.INVALID_RECORDIO, 1),
        (written([[1, 2, 3, 4]], sparse=True)[:-4], Code.INVALID_RECORDIO, 1),
        (written([[1, 2, 3, 4]], sparse=True) + b"\0\0\0", Code.INVALID_RECORDIO, 2),
        (frame(b"\x0a\x01"), Code.INVALID_RECORDIO, 1),
        (frame(b"\x0b"), Code.INVALID_RECORDIO, 1),
        (frame(b"\xff" * 12), Code.INVALID_RECORDIO, 1),
        (frame(b""), Code.INVALID_RECORDIO, 1),
        (frame(b"", 2), Code.INVALID_RECORDIO, 1),
        (frame(b"", 1), Code.INVALID_RECORDIO, 1),
        (record(9, b"raw"), Code.INVALID_RECORDIO, 1),
        (record(2, delimited(1, b"\0\0\0")), Code.INVALID_RECORDIO, 1),
        (record(2, delimited(1, struct.pack("<f", 1)), b"other"), Code.INVALID_RECORDIO, 1),
        (written([[1, 2, 3]], sparse=False), Code.WRONG_WIDTH, 1),
        (written([[1, 2, 3]], sparse=True), Code.WRONG_WIDTH, 1),
        (written([[1, 2, 3, 4, 5]], sparse=False), Code.WRONG_WIDTH, 1),
        (record(2, delimited(1, struct.pack("<4f", 1, -2, 3, 4))), Code.NEGATIVE_COUNT, 1),
        (record(2, delimited(1, struct.pack("<4f", 1, float("nan"), 3, 4))), Code.NOT_FINITE, 1),
        (record(7, delimited(1, b"\x01\x02\x03" + b"\xff" * 9 + b"\x01")), Code.NEGATIVE_COUNT, 1),
        (record(2, delimited(1, struct.pack("<f", 1)) + delimited(2, b"\x04")), Code.KEY_OUT_OF_RANGE, 1),
        (record(2, delimited(1, struct.pack("<2f", 1, 1)) + delimited(2, b"\x01\x01")), Code.DUPLICATE_KEY, 1),
        (record(2, delimited(1, struct.pack("<f", 1)) + delimited(2, b"\x01\x02")), Code.WRONG_SHAPE, 1),
        (written([[0, 0, 0, 0]], sparse=True), Code.NO_KNOWN_WORDS, 1),
        (written([[0, 0, 0, 0]], sparse=False), Code.NO_KNOWN_WORDS, 1),
    ],
)
def test_a_faulty_record_is_refused_with_its_number(body: bytes, code: Code, row: int) -> None:
    try:
        problems = [one for one in read(body) if isinstance(one, Problem)]
    except Problem as problem:
        problems = [problem]

    assert [(problem.code, problem.row, problem.pointer) for problem in problems] == [(code, row, None)]


@given(st.binary(max_size=80) | st.binary(max_size=60).map(frame))
def test_any_bytes_are_rows_or_a_problem(body: bytes) -> None:
    try:
        rows = read(body)
    except Problem as problem:
        rows = [problem]
    assert all(isinstance(row, bytes) or row.code in ROW_CODES for row in rows)


def test_a_record_of_far_too_many_numbers_is_refused_before_they_are_unpacked() -> None:
    length = 20_000_000
    tensor = b"\x12" + bytes(
        [length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14 & 0x7F | 0x80, length >> 21]
    )

    def nested(tag: int, content_length: int) -> bytes:
        head = bytearray([tag])
        while content_length >= 128:
            head.append(content_length & 0x7F | 0x80)
            content_length >>= 7
        return bytes(head) + bytes([content_length])

    tensor += b"\0" * length
    value = nested(0x12, len(tensor)) + tensor
    features = b"\x0a\x06values" + nested(0x12, len(value)) + value
    payload = nested(0x0A, len(features)) + features

    (problem,) = read(frame(payload))

    assert isinstance(problem, Problem)
    assert problem.code == Code.WRONG_WIDTH


def test_more_records_than_allowed_are_refused() -> None:
    with pytest.raises(Problem) as refusal:
        rows_of(written([[1, 2, 3, 4]] * 3, sparse=True), feature_dim=4, max_rows=2)

    assert refusal.value.code == Code.TOO_MANY_ROWS
