"""No reader's work grows faster than its input: eight times the bytes take at most sixteen times the CPU time."""

from __future__ import annotations

import base64
import contextlib
import csv
import gc
import gzip
import io
import re
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_cloud.sagemaker.jobs.transform import data_processing
from topics_client.reading import inputs
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.reading.text_rule import text_of_html
from training_scripts.corpus.settings import PreparationSettings
from training_scripts.corpus.sources.files import CsvTable, JsonLines
from training_scripts.corpus.tokens import rule_for
from training_scripts.ntm.reading import csv_counts
from training_scripts.ntm.reading.counts import CountsError
from training_scripts.ntm.serving import requests
from training_scripts.spark import counted

from similar_function import requests as similar_requests
from topics_function.reading import readers
from topics_function.reading.vectorizer import Vocabulary, document_rows
from url_functions import events
from url_functions.problems import Problem

SMALL_BYTES: Final = 12_000
TIMES: Final = 8
MOST_TIMES: Final = 16
TRIES: Final = 5
LEAST_S: Final = 0.0005
"""Where the small input takes less, its time says nothing."""
WIDTH: Final = 5
REFUSALS: Final = (Problem, CountsError, CorpusError, inputs.InputError, ValueError, csv.Error)

FINDER: Final = PreparationSettings().finder
VOCABULARY: Final = Vocabulary(
    words_of=re.compile(r"[^\W\d_]+").findall, forms={"a": 0}, stop_forms=["b"], words=["a"] * WIDTH,
    vocabulary_hash=None,
)  # fmt: skip

Read = Callable[[bytes, Path], object]


def function(content_type: str) -> Read:
    def read(body: bytes, _: Path) -> object:
        source = readers.read(body, content_type, max_rows=1_000_000)
        if isinstance(source, readers.Documents):
            return document_rows(source.texts, VOCABULARY, source.pointer_of)
        return source.rows_of(WIDTH)

    return read


def server(content_type: str) -> Read:
    return lambda body, _: requests.decode(body, content_type, feature_dim=WIDTH)


def client(form: str, field: str = "text") -> Read:
    return lambda _, file: [*inputs.documents_in([str(file)], inputs.Form(form, field))]


RECORDIO: Final = "application/x-recordio-protobuf"
READERS: Final[dict[str, Read]] = {
    **{f"function {kind}": function(kind) for kind in (
        "text/csv", "application/json", "application/jsonlines", RECORDIO, "text/plain")},
    **{f"model server {kind}": server(kind) for kind in (
        "text/csv", "application/json", "application/jsonlines", RECORDIO)},
    "training CSV": lambda body, _: [*csv_counts.iter_blocks(io.BytesIO(body), feature_dim=WIDTH)],
    "similar documents": lambda body, _: similar_requests.document_of(body, "application/json"),
    "words": lambda body, _: rule_for("en").tokens_of(body.decode("utf-8", "replace")),
    "HTML": lambda body, _: text_of_html(body.decode("utf-8", "replace")),
    "prepare's JSON Lines": lambda _, file: [*JsonLines(file).documents()],
    "prepare's CSV": lambda _, file: [*CsvTable(file).documents()],
    "Spark's lines": lambda body, file: [*counted.read(JsonLines(file), FINDER, 1, body.split(b"\n"))],
    "client's JSON Lines": client(inputs.JSONL),
    "client's counts": client(inputs.CSV_COUNTS),
    "client's column": client(inputs.CSV),
    "batch transform's lines": lambda body, _: data_processing.JsonLinesFormat.read(body),
    "batch transform's JSON": lambda body, _: data_processing.JsonFormat.read(body),
    "batch transform's CSV": lambda body, _: data_processing.CsvFormat.read(body),
}  # fmt: skip

FRAME: Final = struct.pack("<II", 0xCED7230A, 0)
DOCUMENT: Final = (b'{"documents":["a ', b'"]}')
LINE: Final = (b'{"document":"a ', b'"}')
FEATURES: Final = (b'{"instances":[{"features":[', b"]}]}")

SHAPES: Final[dict[str, tuple[bytes, bytes, bytes]]] = {
    "digits and x": (b"", b"1", b"x"),
    "a cell of digits and x": (b"1,1,1,1,", b"1", b"x\n"),
    "a cell of digits, a dot and x": (b"1,1,1,1,1.", b"1", b"x\n"),
    "a cell of an exponent and x": (b"1,1,1,1,1e", b"1", b"x\n"),
    "blanks": (b"1,1,1,1,", b" ", b"1\n"),
    "tabs": (b"1,1,1,1,", b"\t", b"1\n"),
    "signs": (b"1,1,1,1,", b"+-", b"1"),
    "exponents": (b"", b"1e+", b""),
    "dots": (b"", b"1.", b"x"),
    "commas": (b"", b",", b""),
    "one row": (b"", b"1,", b"1"),
    "rows": (b"", b"1,2,33,4.5,6e0\n", b""),
    "rows of nonsense": (b"", b"1,x,33,4.5,\n", b""),
    "quotes": (b"text\n", b'"', b""),
    "an open quote": (b'text\n"', b"a\n", b""),
    "quoted quotes": (b"text\n", b'""",', b""),
    "carriage returns": (b"1,1,1,1,1", b"\r", b"\n"),
    "line feeds": (b"1,1,1,1,1", b"\n", b"1"),
    "CR LF": (b"1,1,1,1,1", b"\r\n", b"1"),
    "blank lines": (b'{"text":"a b"}', b" \n", b"{"),
    "braces": (b"", b"{", b""),
    "brackets": (b"", b"[", b""),
    "nested objects": (b"", b'{"a":', b"1"),
    "objects": (b'{"instances":[', b"{},", b"{}]}"),
    "members": (b"{", b'"a":1,', b'"b":1}'),
    "lines of objects": (b"", b'{"text":"a b"}\n', b""),
    "lines of one name twice": (b"", b'{"text":"a b","text":"c"}\n', b""),
    "a long integer": (FEATURES[0], b"1", FEATURES[1]),
    "long integers": (FEATURES[0], b"1" * 4000 + b",", b"1" + FEATURES[1]),
    "a long mantissa": (FEATURES[0] + b"0.", b"1", FEATURES[1]),
    "a long exponent": (FEATURES[0] + b"1e", b"1", FEATURES[1]),
    "an instance": (FEATURES[0], b"0.5,", b"1" + FEATURES[1]),
    "repeated keys": (b'{"instances":[{"data":{"features":{"values":[],"keys":[', b"1,", b"1]}}}]}"),
    "escapes": (DOCUMENT[0], b"\\\\", DOCUMENT[1]),
    "escaped quotes": (DOCUMENT[0], b'\\"', DOCUMENT[1]),
    "half surrogates": (DOCUMENT[0], b"\\ud83d", DOCUMENT[1]),
    "escaped marks": (DOCUMENT[0], b"\\u0301\\u0316", DOCUMENT[1]),
    "marks in a document": (DOCUMENT[0], "\u0301\u0316".encode(), DOCUMENT[1]),
    "marks in a line": (LINE[0], "\u0316\u0301".encode(), LINE[1]),
    "marks in a text": (b'{"text":"a', "\u0301\u0316".encode(), b'"}'),
    "marks": (b"a", "\u0301\u0316".encode(), b""),
    "marks of one class": (b"a", "\u0301".encode(), b""),
    "letters and marks": (b"a", "e\u0301\u0316".encode(), b""),
    "halfwidth marks": ("\uff76".encode(), "\uff9e\u0316\u0301".encode(), b""),
    "Hangul": (b"", "\u1100\u1161\u11a8".encode(), b""),
    "capital sigmas": (b"", "\u03a3\u0301".encode(), b""),
    "emoji": (b"", "\U0001f600".encode(), b""),
    "apostrophes": (b"a", b"'", b""),
    "words": (b"", b"ab cd'ef ", b""),
    "tags": (b"", b'<a b="', b""),
    "comments": (b"", b"<!--", b""),
    "spaces in a tag": (b"<a", b" ", b""),
    "entities": (b"", b"&amp", b""),
    "empty records": (b"", FRAME, b""),
    "parts of a record": (struct.pack("<II", 0xCED7230A, 1 << 29), struct.pack("<II", 0xCED7230A, 2 << 29), b""),
    "endless varints": (struct.pack("<II", 0xCED7230A, 1 << 20), b"\xff", b""),
    "zeros": (b"", b"\0", b""),
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def without_collector() -> Iterator[None]:
    """The collector looks through all objects of the test run: its work is not the reader's."""
    gc.disable()
    yield
    gc.enable()


def seconds(read: Read, body: bytes, file: Path) -> float:
    """CPU time of this thread alone: what other processes do does not count."""
    began = time.thread_time()
    with contextlib.suppress(*REFUSALS):
        read(body, file)
    return time.thread_time() - began


def repeated(shape: tuple[bytes, bytes, bytes], size: int) -> bytes:
    begin, unit, end = shape
    return begin + unit * max(1, (size - len(begin) - len(end)) // len(unit)) + end


def assert_linear(read: Read, small: bytes, large: bytes, folder: Path) -> None:
    files = [folder / "small", folder / "large"]
    for file, body in zip(files, (small, large), strict=True):
        file.write_bytes(body)
    best_small = best_large = float("inf")
    for _ in range(TRIES):
        best_small = min(best_small, seconds(read, small, files[0]))
        best_large = min(best_large, seconds(read, large, files[1]))
        if best_large <= MOST_TIMES * max(best_small, LEAST_S):
            return
    pytest.fail(f"{best_small * 1000:.1f} ms, and {best_large * 1000:.1f} ms for {TIMES} times the input")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_eight_times_the_input_takes_at_most_sixteen_times_as_long(reader: str, shape: str, tmp_path: Path) -> None:
    small, large = (repeated(SHAPES[shape], SMALL_BYTES * times) for times in (1, TIMES))

    assert_linear(READERS[reader], small, large, tmp_path)


pieces = st.lists(
    st.sampled_from(
        [b"1", b"x", b"+", b"-", b"e", b".", b",", b'"', b"\\", b"\n", b"\r", b" ", b"{", b"}", b"[", b"]", b":", b"<",
         b">",
         b"'", b"a", b"&", b";", b"\\u0301", "\u0301".encode(), "\u0316".encode(), "\u0e34".encode(),
         "\U0001f600".encode(),
         b"\0", b"\x80", b"\xff", FRAME, b'{"text":"', b'"}']
    ),
    max_size=4,
).map(b"".join)  # fmt: skip


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(begin=pieces, unit=pieces.filter(bool), end=pieces)
def test_so_does_whatever_is_repeated(reader: str, tmp_path: Path, begin: bytes, unit: bytes, end: bytes) -> None:
    small, large = (repeated((begin, unit, end), SMALL_BYTES * times) for times in (1, TIMES))

    assert_linear(READERS[reader], small, large, tmp_path)


def body_of(compressed: bytes) -> bytes:
    headers = {"content-encoding": "gzip"}
    packed = base64.b64encode(compressed).decode()
    request = events.Request("POST", "/", headers, {}, "", packed, is_base64=True)
    return events.body_of(request, max_bytes=1 << 25)


@pytest.mark.parametrize("member", [b"", b"a", b"ab" * 400], ids=["empty", "one byte", "800 bytes"])
def test_members_of_gzip_take_time_by_their_number(member: bytes, tmp_path: Path) -> None:
    packed = gzip.compress(member, mtime=0)
    few, many = (packed * (27_500 * times) + gzip.compress(b"1", mtime=0) for times in (1, TIMES))

    assert_linear(lambda body, _: body_of(body), few, many, tmp_path)


@given(members=st.lists(st.binary(max_size=3000), min_size=1, max_size=12), level=st.sampled_from([0, 1, 9]))
def test_members_of_gzip_are_one_body(members: list[bytes], level: int) -> None:
    body = b"".join(members) + b"1"

    assert body_of(b"".join(gzip.compress(member, level) for member in [*members, b"1"])) == body


@pytest.mark.parametrize("size", [1, 255, 256, 257, 300_000, 3_000_000])
def test_a_gzip_body_that_is_cut_short_is_refused_wherever_it_ends(size: int) -> None:
    packed = gzip.compress(bytes(range(256)) * (size // 256 + 1), 0, mtime=0)
    assert len(body_of(packed)) == (size // 256 + 1) * 256

    with pytest.raises(Problem, match="ends before its data does"):
        body_of(packed[:-1])


def test_a_gzip_body_is_refused_one_byte_over_the_most() -> None:
    assert len(body_of(gzip.compress(bytes(1 << 25)))) == 1 << 25

    with pytest.raises(Problem, match="larger than"):
        body_of(gzip.compress(bytes((1 << 25) + 1)))
