from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from topics_client.command import main
from topics_client.outputs import Progress, TableWriter
from topics_client.reading.inputs import Form, documents_in
from topics_client.results import Prediction, Versions

ROOT = Path(__file__).parents[4]


@pytest.fixture
def folder(tmp_path: Path, url: Any) -> Path:
    (tmp_path / "bike.txt").write_text("My bike,\nyour bicycle.", encoding="utf-8")
    (tmp_path / "some.jsonl").write_text('{"body": "a car"}\n\n{"body": "unseen"}\n"train"\n', encoding="utf-8")
    (tmp_path / "table.csv").write_text('\ufeffid,Review\n1,train\n2,"a car,\na bike"\n', encoding="utf-8")
    (tmp_path / "counts.csv").write_text("0, 2, 0\n1,0,1\n", encoding="utf-8")
    return tmp_path


def test_each_text_file_is_one_document(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(folder / "bike.txt"), "--top", "1"]) == 0

    assert "100% Cycling" in capsys.readouterr().out


def test_json_lines_name_file_and_line_and_refused_documents_stand_in_their_place(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(folder / "some.jsonl")

    assert main(["--format", "json", "score", path, "--field", "body", "--top", "1"]) == 1

    told = capsys.readouterr()
    lines = [json.loads(line) for line in told.out.splitlines()]
    assert [line["document"] for line in lines] == [f"{path}:1", f"{path}:3", f"{path}:4"]
    assert lines[0]["topics"][0]["label"] == "Driving"
    assert lines[1]["error"]["code"] == "no_known_words"
    assert "1 of 3 documents were refused" in told.err


def test_a_column_of_a_table_is_read_through_quoted_newlines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--format", "csv", "score", str(folder / "table.csv"), "--field", "Review", "--top", "0"]) == 0

    header, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
    assert header == ["document", "error", "weight_0", "weight_1", "weight_2"]
    assert [[float(cell) for cell in row[2:]] for row in rows] == [[0, 0, 1], [0.5, 0.5, 0]]


def test_documents_keep_their_own_ids(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = folder / "own.jsonl"
    records.write_text('{"text": "a car", "number": 7}\n{"text": "unseen", "number": "b-8"}\n', encoding="utf-8")

    assert main(["--format", "json", "score", str(records), "--id-field", "number"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    table = [str(folder / "table.csv"), "--field", "Review", "--id-field", "id"]
    assert main(["--format", "csv", "score", *table]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))

    assert [line["document"] for line in lines] == ["7", "b-8"]
    assert "error" in lines[1]
    assert [row[0] for row in rows] == ["document", "1", "2"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", '{"text": "a car"}', "a.jsonl:1 has no id in 'key': a text or a whole number is needed"),
        ("a.jsonl", '"a car"', "a.jsonl:1 has no id in 'key': a text or a whole number is needed"),
        ("a.jsonl", '{"text": "a car", "key": 1.5}', "a.jsonl:1 has no id in 'key'"),
        ("a.jsonl", '{"text": "a car", "key": true}', "a.jsonl:1 has no id in 'key'"),
        ("a.csv", "key,text\n,a car\n", "a.csv:2 has no id in 'key'"),
        ("a.csv", "number,text\n1,a car\n", "a.csv has no column 'key': its columns are 'number', 'text'"),
        ("a.txt", "a car", "a.txt has no ids: --id-field is for JSON records and tables with a header"),
    ],
)
def test_a_document_without_an_id_is_named(
    name: str, content: str, says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / name
    file.write_text(content, encoding="utf-8")

    assert main(["score", str(file), "--id-field", "key"]) == 2

    assert f"{folder}/{says}" in capsys.readouterr().err


def test_rows_of_counts_are_scored(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--format", "csv", "score", str(folder / "counts.csv"), "--as", "counts", "--top", "2"]) == 0

    header, first, *_ = csv.reader(io.StringIO(capsys.readouterr().out))
    assert header == ["document", "error", "topic_1", "label_1", "weight_1", "topic_2", "label_2", "weight_2"]
    assert first[1:5] == ["", "1", "Driving", "1.0"]


def test_refused_documents_before_the_first_good_one_stand_under_the_header_too(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "late.jsonl").write_text('"unseen"\n"train"\n"unseen"\n', encoding="utf-8")
    (folder / "none.jsonl").write_text('"unseen"\n', encoding="utf-8")

    assert main(["--format", "csv", "score", str(folder / "late.jsonl"), "--top", "1"]) == 1
    late = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert main(["--format", "csv", "score", str(folder / "none.jsonl"), "--top", "1"]) == 1
    none = list(csv.reader(io.StringIO(capsys.readouterr().out)))

    assert [row[1] for row in late] == ["error", "no_known_words", "", "no_known_words"]
    assert late[0][2:] == ["topic_1", "label_1", "weight_1"]
    assert none[0] == ["document", "error"]
    assert none[1][1] == "no_known_words"


def test_nothing_is_cut_where_the_output_is_no_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = str(folder / ("a" * 100 + ".txt"))
    Path(name).write_text("a car", encoding="utf-8")

    assert main(["score", name, "--top", "3"]) == 0

    out = capsys.readouterr().out
    assert out.startswith(f"{name}  100% Driving")
    assert "…" not in out


def test_a_terminal_gets_lines_of_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)

    TableWriter(terminal).write("a" * 100, Prediction(Versions(None, None), weights=tuple(map(float, range(100)))))

    assert len(terminal.getvalue()) == 70 + len("\n")
    assert terminal.getvalue().startswith("…" + "a" * 29 + "  ")


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    package = tomllib.loads((ROOT / "topics_client" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"topics {package['version']}\n"
    assert package["scripts"] == {"topics": f"{main.__module__}:{main.__name__}"}


def test_quiet_tells_nothing_but_the_exit_code_of_refused_documents(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--quiet", "score", str(folder / "some.jsonl"), "--field", "body", "--top", "1"]) == 1
    assert capsys.readouterr().err == ""


def test_standard_input_is_a_document_a_line(
    url: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("bike\n\ntrain\n"))

    assert main(["score", "--top", "1"]) == 0

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("stdin:1 ")
    assert second.startswith("stdin:3 ")


def test_topics_are_listed(url: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert "Cycling" in capsys.readouterr().out


def test_health_is_told(url: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["health", "--endpoint"]) == 0
    assert "model job-1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["score", "missing.txt"], "missing.txt cannot be read"),
        (["score", "{folder}/table.csv"], "has no column 'text': its columns are 'id', 'Review'"),
        (["score", "{folder}/some.jsonl"], "some.jsonl:1 is neither a string nor an object with the text in 'text'"),
        (["score", "{folder}/bike.txt", "--as", "counts"], "bike.txt:1 is no row of counts"),
        (["score", "{folder}/bike.txt", "--corpus-version", "c0"], "corpus_mismatch"),
        (["score", "{folder}/some.jsonl", "--field", "body", "--strict"], "no_known_words"),
        (["--url", "nonsense", "health"], "url is 'nonsense'"),
        (["--format", "xml", "health"], "invalid choice"),
        ([], "required"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_code_2(
    folder: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main([argument.replace("{folder}", str(folder)) for argument in arguments])
    except SystemExit as end:
        code = int(end.code or 0)

    told = capsys.readouterr()
    assert code == 2
    assert sentence in told.err
    assert len(told.err.splitlines()) == 1
    assert told.out == ""


def test_without_a_url_the_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TOPICS_URL", raising=False)

    assert main(["health"]) == 2
    assert "TOPICS_URL" in capsys.readouterr().err


def test_a_file_that_is_not_utf8_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "latin.txt").write_bytes(b"caf\xe9")

    assert main(["score", str(folder / "latin.txt")]) == 2
    assert "latin.txt is not UTF-8: byte 4 is 0xe9; name its encoding with --encoding" in capsys.readouterr().err


def test_a_model_replaced_meanwhile_is_told(
    url: Any, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = url.service.runtime
    runtime.script = [lambda rows: runtime.answer(rows, "model=job-0;corpus=c1;vocabulary=v1")]
    monkeypatch.setattr("topics_client.batching.MAX_DOCUMENTS", 1)
    text = str(folder / "bike.txt")
    counts = str(folder / "counts.csv")

    # Two kinds of documents never share a request.
    assert main(["score", text, "--top", "0"]) == 0
    assert "replaced" not in capsys.readouterr().err
    runtime.script = [lambda rows: runtime.answer(rows, "model=job-0;corpus=c1;vocabulary=v1")]
    monkeypatch.setattr("topics_client.client.MAX_BYTES", 1)
    assert main(["score", counts, "--as", "counts", "--top", "0"]) == 0
    assert "the model was replaced meanwhile" in capsys.readouterr().err


def test_it_runs_as_a_module(url: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "topics_client", "score", "--top", "1"],
        cwd=ROOT, input="bike\n", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert "Cycling" in done.stdout


def test_a_reader_that_has_enough_ends_the_command_with_a_sentence(url: Any) -> None:
    lines = "bike\n" * 3000
    command = f"{sys.executable} -m topics_client score --top 1 | head -1"
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, input=lines, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout.startswith("stdin:1 ")
    assert done.stderr == "topics: the output cannot be written: Broken pipe\n"


def test_documents_of_files_say_how_much_of_all_input_has_been_read(folder: Path) -> None:
    (folder / "first.jsonl").write_text('"one"\n"two"\n')
    (folder / "second.txt").write_text("a longer document")
    paths = [str(folder / "first.jsonl"), str(folder / "second.txt")]

    shares = [named.share for named in documents_in(paths, Form())]

    assert shares == sorted(shares, key=lambda share: share or 0)
    assert shares[-1] == 1


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class TestProgress:
    """Work that takes longer than a moment says how far it is."""

    def test_short_work_says_nothing(self, clock: Any) -> None:
        stream = io.StringIO()
        progress = Progress(stream, clock)
        progress.step()
        progress.end()

        assert stream.getvalue() == ""

    def test_a_terminal_shows_a_bar_where_it_is_known_how_much_there_is(self, clock: Any) -> None:
        stream = Terminal()
        progress = Progress(stream, clock)
        for step in range(1, 11):
            clock.now += 1
            progress.step(step / 20)
        progress.end()

        last = stream.getvalue().rstrip("\n").split("\r")[-1]
        assert last == "topics: [###############---------------]  50%  10 documents, 1 a second, 10 s left\x1b[K"

    def test_without_a_known_end_there_is_no_bar(self, clock: Any) -> None:
        stream = Terminal()
        progress = Progress(stream, clock)
        for _ in range(10):
            clock.now += 1
            progress.step()

        assert stream.getvalue().split("\r")[-1] == "topics: 10 documents, 1 a second\x1b[K"

    def test_long_work_says_how_many_and_how_fast(self, clock: Any) -> None:
        stream = io.StringIO()
        progress = Progress(stream, clock)
        for _ in range(40):
            clock.now += 0.5
            progress.step()

        assert stream.getvalue().splitlines() == [
            "topics: 20 documents, 2 a second",
            "topics: 40 documents, 2 a second",
        ]
