"""What `topics score` reads, whatever it is called, however it comes, and in any locale."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import io
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from topics_client import AsyncTopicsClient, TopicsClient
from topics_client.batching import URL_MAX_BYTES
from topics_client.command import main
from topics_client.reading.inputs import Form, InputError, documents_in

ROOT = Path(__file__).parents[4]
PACKERS: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress}
BIKE, CAR = "my bike, grün", "your car"


def read(path: Path, form: Form | None = None) -> list[object]:
    return [named.document for named in documents_in([str(path)], form or Form())]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", json.dumps([{"text": BIKE}, CAR])),
        ("a.json", json.dumps([{"text": BIKE}, {"text": CAR}], indent=2)),
        ("a.json", json.dumps({"text": BIKE}) + "\n" + json.dumps({"text": CAR})),
        ("a.jsonl", json.dumps({"text": BIKE}) + "\n" + json.dumps(CAR)),
        ("a.NDJSON", json.dumps([BIKE, CAR])),
        ("a.tsv", f"id\ttext\n1\t{BIKE}\n2\t{CAR}\n"),
        ("a.csv", f"id;text\n1;{BIKE}\n2;{CAR}\n"),
        ("a.csv", f'text\n"{BIKE}"\n{CAR}\n'),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_is_read_by_its_name_and_its_first_bytes(
    tmp_path: Path, name: str, text: str, newline: str, encoding: str
) -> None:
    content = text.replace("\n", newline).encode(encoding)
    for suffix, pack in PACKERS.items():
        (tmp_path / (name + suffix)).write_bytes(pack(content))

    assert [read(tmp_path / (name + suffix)) for suffix in PACKERS] == [[BIKE, CAR]] * 3


def test_an_object_laid_out_over_lines_is_one_document(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"text": BIKE}, indent=2), encoding="utf-8")

    assert read(tmp_path / "a.json") == [BIKE]


def test_a_pipe_is_read_as_a_file_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jsonl")
    content = gzip.compress(json.dumps(BIKE).encode(), mtime=0)
    writing = threading.Thread(target=(tmp_path / "a.jsonl").write_bytes, args=(content,), daemon=True)
    writing.start()

    assert read(tmp_path / "a.jsonl") == [BIKE]
    writing.join(10)


def test_another_encoding_is_read_by_its_option(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(f'text\n"{BIKE}"\n'.encode("cp1252"))

    assert read(tmp_path / "a.csv", Form(encoding="windows-1252")) == [BIKE]
    with pytest.raises(InputError, match=r"byte 13 of line 2 is 0xfc; name its encoding with --encoding"):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"id,text\n1,bike, car\n", "a.csv:2 has 3 columns, where the header has 2"),
        ("a.csv", b"id,text\n1\n", "a.csv:2 has 1 columns, where the header has 2"),
        ("a.csv", b'text\nbike\n"car\ntrain\n', "a.csv:3 is not CSV: unexpected end of data"),
        ("a.csv", b'text\n"car"x\n', "a.csv:2 is not CSV"),
        ("a.csv", b"text,text\nbike,car\n", "a.csv has more than one column 'text'"),
        ("a.json", b'[{"text": "bike"}, ', "a.json, line 1 is not JSON"),
        ("a.json", b'[{"body": "bike"}]', "a.json:1 is neither a string nor an object with the text in 'text'"),
        ("a.txt", "bike".encode("utf-16-le"), "a.txt is not UTF-8 text: byte 2 is NUL"),
        ("a.parquet", b"PAR1", "a.parquet is a Parquet file, and no text"),
        ("a.txt.gz", gzip.compress(b"bike" * 99, mtime=0)[:-9], "a.txt.gz ends before its compressed data do"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused_with_its_row(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(InputError) as refusal:
        read(tmp_path / name)

    assert sentence in str(refusal.value)


def test_a_cell_may_be_longer_than_the_modules_default_limit(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\n" + "bike " * 30_000 + "\n")

    assert read(tmp_path / "a.csv") == ["bike " * 30_000]


LOCALES = [
    {"LC_ALL": "C"},
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    {"PYTHONIOENCODING": "ascii"},
]


@pytest.mark.parametrize("environment", LOCALES, ids=["C", "C, really", "ascii streams"])
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_standard_input_and_output_are_utf8_in_any_locale(url: Any, environment: dict[str, str], form: str) -> None:
    url.service.s3.objects["jobs/job-1/output/topics.json"] = url.service.s3.objects[
        "jobs/job-1/output/topics.json"
    ].replace(b"Cycling", "Räder 車".encode())
    command = [sys.executable, "-m", "topics_client", "--format", form, "score", "--as", "csv", "--top", "1"]
    content = gzip.compress('\ufefftext;id\r"bike;\rgrün";1\rbike;2\r'.encode(), mtime=0)

    ran = subprocess.run(
        command, input=content, env={**os.environ, **environment}, cwd=ROOT, capture_output=True, check=False
    )

    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout.decode().count("Räder 車") == 2
    assert "stdin:2" in ran.stdout.decode()
    assert "stdin:4" in ran.stdout.decode()


def test_standard_input_that_holds_text_alone_is_read(
    url: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("bike"))

    assert main(["score"]) == 0
    assert "Cycling" in capsys.readouterr().out


@pytest.fixture
def client(url: Any) -> TopicsClient:
    return TopicsClient(url.address)


FAULTY = [None, math.nan, b"bytes", 7, {0: math.nan}]


@pytest.mark.parametrize("faulty", FAULTY, ids=repr)
@pytest.mark.parametrize("sound", ["bike", {0: 1}], ids=["text", "counts"])
def test_what_is_no_document_is_its_own_rows_error(client: TopicsClient, faulty: Any, sound: Any) -> None:
    predictions = client.score([faulty, sound, faulty, "car"], on_error="return")

    assert [one.error and (one.error.code, one.error.row) for one in predictions] == [
        ("not_a_document", 1), None, ("not_a_document", 3), None,
    ]  # fmt: skip
    assert [one.weights for one in predictions][1::2] == [(1, 0, 0), (0, 1, 0)]
    with pytest.raises(ValueError, match="document 1 "):
        client.score([faulty, sound])


def test_faulty_documents_keep_their_rows_from_batch_to_batch(url: Any) -> None:
    documents: list[Any] = [None if number % 3 == 0 else "bike" for number in range(20)]
    predictions = TopicsClient(url.address, max_documents=4).score(documents, on_error="return")

    assert [one.error.row for one in predictions if one.error] == [1, 4, 7, 10, 13, 16, 19]
    assert [one.weights is None for one in predictions] == [document is None for document in documents]


def test_a_document_over_the_limit_is_its_own_rows_error_and_the_rest_is_scored(client: TopicsClient, url: Any) -> None:
    large = "bike " * (URL_MAX_BYTES // 5 + 1)

    first, second, third = client.score(["bike", large, "car"], on_error="return")

    assert (first.weights, third.weights) == ((1, 0, 0), (0, 1, 0))
    assert second.error is not None
    assert (second.error.code, second.error.status, second.error.row) == ("lambda_payload_too_large", 413, 2)
    assert len(url.requests) == 2


def test_a_document_that_the_url_finds_too_large_is_its_own_rows_error(
    client: TopicsClient, url: Any, problem: Any
) -> None:
    url.script = [problem(413, "body_too_large")] * 2

    first, second = client.score(["bike", "car"], on_error="return")

    assert first.error is not None
    assert (first.error.code, first.error.row) == ("body_too_large", 1)
    assert second.weights == (0, 1, 0)


def test_a_mapping_from_ids_has_its_texts_scored(client: TopicsClient) -> None:
    assert [one.weights for one in client.score({"car": "bike", "bike": "car"})] == [(1, 0, 0), (0, 1, 0)]


def test_the_client_for_asyncio_keeps_them_too(client: TopicsClient) -> None:
    predictions = asyncio.run(AsyncTopicsClient(client).score(dict[str, Any](a=None, b="bike"), on_error="return"))

    assert [one.error and one.error.code for one in predictions] == ["not_a_document", None]
