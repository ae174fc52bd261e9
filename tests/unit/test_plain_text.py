from __future__ import annotations

import bz2
import gzip
import io
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_scripts.plain_text import NotUtf8Error, PlainTextError, decoded, lines_of, opened, plain, with_line_feeds
from training_scripts.text_records import RecordsError, RowError, csv_writer, json_records, table_rows

bodies = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", "é\u2028\x85".encode(), b","]), max_size=12).map(
    b"".join
)
sizes = st.integers(1, 5)


def blocks(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


@given(bodies, sizes)
def test_lines_end_where_python_ends_them_however_the_blocks_fall(content: bytes, size: int) -> None:
    whole = list(io.TextIOWrapper(io.BytesIO(content), "latin-1", newline=""))

    assert [line.decode("latin-1") for line in lines_of(blocks(content, size))] == whole


@given(bodies, sizes)
def test_every_line_end_becomes_a_line_feed_however_the_blocks_fall(content: bytes, size: int) -> None:
    expected = io.TextIOWrapper(io.BytesIO(content), "latin-1").read().encode("latin-1")

    assert b"".join(with_line_feeds(blocks(content, size))) == expected == plain(content)


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "two members": lambda c: gzip.compress(c, mtime=0) * 2,
}


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_is_found_in_its_compression_and_behind_its_byte_order_mark(pack: str, encoding: str) -> None:
    text = "grün\r\n" * 30_000
    content = PACKERS[pack](text.encode(encoding))

    got = b"".join(opened(io.BytesIO(content))).decode()

    assert got.replace("\ufeff", "") == text * (2 if pack == "two members" else 1)
    assert not got.startswith("\ufeff")


def test_a_named_encoding_is_used_but_a_byte_order_mark_is_believed_before_it() -> None:
    assert b"".join(opened(io.BytesIO("grün".encode("cp1252")), "windows-1252")).decode() == "grün"
    assert b"".join(opened(io.BytesIO("grün".encode("utf-8-sig")), "windows-1252")).decode() == "grün"
    assert b"".join(opened(io.BytesIO("grün".encode("utf-16-le")), "utf-16-le")).decode() == "grün"


@pytest.mark.parametrize(
    ("content", "encoding", "sentence"),
    [
        (gzip.compress(b"some text" * 99, mtime=0)[:-9], None, "ends before its compressed data do"),
        (gzip.compress(b"some text", mtime=0)[:12] + b"\xff\xff\xff\xff\xff", None, "compressed data"),
        (bz2.compress(b"some text")[:-9], None, "ends before its compressed data do"),
        (b"PAR1\x15\x04", None, "is a Parquet file, and no text"),
        (b"PK\x03\x04rest", None, "is a zip archive"),
        (b"\xfd7zXZ\x00\x00", None, "is compressed by xz"),
        (b"text", "latin-99", "the encoding is 'latin-99', which Python does not know"),
        (b"text", "hex", "the encoding is 'hex', which Python does not know"),
        (b"a" * 70_000 + b"\x81", "windows-1252", "is not CP1252: byte 70001 is 0x81"),
        (b"\xff\xfea", None, "is not UTF-16: byte 3 is 0x61"),
    ],
)
def test_what_is_no_text_is_refused_by_what_it_is(content: bytes, encoding: str | None, sentence: str) -> None:
    with pytest.raises(PlainTextError, match=sentence):
        b"".join(opened(io.BytesIO(content), encoding))


def test_a_byte_that_is_no_text_is_named_with_its_line() -> None:
    with pytest.raises(NotUtf8Error, match="byte 3 of line 7 is 0xfc"):
        decoded(b"gr\xfcn", 7)
    with pytest.raises(NotUtf8Error, match="byte 2 of line 1 is NUL"):
        decoded("grün".encode("utf-16-le"), 1)


@pytest.mark.parametrize(
    "body", ["1,2".encode("utf-16"), gzip.compress(b"1,2", mtime=0), b"PK\x03\x04", "1".encode("utf-32")]
)
def test_a_body_in_memory_is_refused_where_it_is_no_utf8_text(body: bytes) -> None:
    with pytest.raises(PlainTextError):
        plain(body)


def rows(text: str, *fields: str) -> list[object]:
    return [
        (number, str(row) if isinstance(row, ValueError) else row)
        for number, row in table_rows(io.StringIO(text), fields)
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_tables_delimiter_is_the_one_by_which_its_header_has_the_columns(delimiter: str) -> None:
    table = f"id{delimiter}text\n1{delimiter}a b\n"

    assert rows(table, "text", "id") == [(2, {"id": "1", "text": "a b"})]


def test_rows_that_are_none_are_told_with_the_line_they_begin_on_and_others_follow() -> None:
    table = 'id,text\n1,one, two\n2,"a\nb"x\n\n3\n4,"good\nrow"\n5,"open\n'

    assert rows(table, "text") == [
        (2, "has 3 columns, where the header has 2: a cell with the delimiter ',' in it needs quotes"),
        (3, "is not CSV: ',' expected after '\"'"),
        (6, "has 1 columns, where the header has 2: a cell with the delimiter ',' in it needs quotes"),
        (7, {"id": "4", "text": "good\nrow"}),
        (9, "is not CSV: unexpected end of data"),
    ]


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("text,text\na,b\n", "has more than one column 'text'"),
        ("id,body\na,b\n", "has no column 'text': its columns are 'id', 'body'"),
        ("", "its columns are none"),
    ],
)
def test_a_header_without_the_column_or_with_two_is_refused(table: str, sentence: str) -> None:
    with pytest.raises(RecordsError, match=sentence):
        rows(table, "text")


@given(
    st.lists(
        st.dictionaries(st.text(max_size=3), st.text(max_size=5) | st.integers() | st.none(), max_size=3), min_size=1
    ),
    st.sampled_from([None, 0, 2]),
)
def test_an_array_gives_the_records_that_its_lines_give(records: list[dict[str, object]], indent: int | None) -> None:
    as_lines = [line.encode() + b"\n" for line in map(json.dumps, records)]
    as_array = io.BytesIO(json.dumps(records, indent=indent).encode()).readlines()

    assert [json.loads(text) for _, text in json_records(as_lines)] == records
    assert [json.loads(text) for _, text in json_records(as_array)] == records


def test_the_records_of_an_array_have_the_lines_they_begin_on() -> None:
    lines = [b"\n", b"[\n", b'{"a":\n', b"1},\n", b"\n", b'  {"a": 2}\n', b"]\n"]

    assert [number for number, _ in json_records(lines)] == [3, 6]


def test_a_list_on_a_line_before_others_is_a_record_of_its_own() -> None:
    assert list(json_records([b'["text"]\n', b'{"a": 1}\n'])) == [(1, b'["text"]\n'), (2, b'{"a": 1}\n')]


@pytest.mark.parametrize(
    "text", [b'[{"a": 1}', b'[{"a": 1},]', b'[{"a": 1}] x', b'[{"a": 1} {"b": 2}]', b'[{"a": }]', b"["]
)
def test_an_array_that_is_none_is_refused_with_its_line(text: bytes) -> None:
    with pytest.raises(RecordsError, match="is not JSON") as refusal:
        list(json_records([text]))

    assert refusal.value.place == ", line 1"


@given(st.lists(st.lists(st.text(max_size=6), min_size=2, max_size=2), max_size=4))
def test_what_is_written_as_csv_is_read_back(cells: list[list[str]]) -> None:
    table = io.StringIO(newline="")
    writer = csv_writer(table)
    writer.writerow(["a", "b"])
    for row in cells:
        writer.writerow(row)

    table.seek(0)
    got = [row for _, row in table_rows(table, ["a", "b"])]
    assert not any(isinstance(row, RowError) for row in got)
    assert got == [dict(zip(["a", "b"], row, strict=True)) for row in cells]
