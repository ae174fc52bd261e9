from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.sagemaker.jobs.transform.splitting import SplitError, batches, lines, recordio


def chunked(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def framed(payload: bytes, flag: int = 0) -> bytes:
    return struct.pack("<II", 0xCED7230A, (flag << 29) | len(payload)) + payload + b"\0" * (-len(payload) % 4)


@given(st.lists(st.binary(min_size=1).filter(lambda line: b"\n" not in line and line.strip())), st.integers(1, 7))
def test_lines_are_found_whatever_the_chunks(content: list[bytes], size: int) -> None:
    assert list(lines(chunked(b"\n".join(content), size))) == [
        line + b"\n" for line in content[:-1]
    ] + content[-1:]  # fmt: skip


def test_empty_lines_are_no_records() -> None:
    assert list(lines([b"1,2\n\n3,4\n"])) == [b"1,2\n", b"3,4\n"]


@given(st.lists(st.binary(max_size=20)), st.integers(1, 9))
def test_recordio_records_are_found_whatever_the_chunks(payloads: list[bytes], size: int) -> None:
    records = [framed(payload) for payload in payloads]

    assert list(recordio(chunked(b"".join(records), size))) == records


def test_the_parts_of_a_record_stay_together() -> None:
    parts = framed(b"one", 1) + framed(b"two", 2) + framed(b"three", 3)

    assert list(recordio([parts + framed(b"four")])) == [parts, framed(b"four")]


@pytest.mark.parametrize(
    ("data", "message"), [(framed(b"abcd")[:-1], "ends within"), (b"1,2,3,4,5\n", "where 0xced7230a belongs")]
)
def test_what_is_not_recordio_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(SplitError, match=message):
        list(recordio([data]))


def test_a_request_holds_as_many_records_as_fit() -> None:
    records = [b"aaaa", b"bbbb", b"cccc"]

    assert list(batches(records, max_bytes=8, many=True)) == [[b"aaaa", b"bbbb"], [b"cccc"]]
    assert list(batches(records, max_bytes=8, many=False)) == [[record] for record in records]


def test_a_record_larger_than_a_request_is_refused() -> None:
    with pytest.raises(SplitError, match="9 bytes is larger than the payload limit of 8"):
        list(batches([b"123456789"], max_bytes=8, many=True))
