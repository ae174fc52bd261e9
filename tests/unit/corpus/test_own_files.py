"""What `prepare` reads of a user's own files, and what it says of those that it does not."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from training_scripts import prepare
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.manifest import CorpusManifest
from training_scripts.corpus.sources import CsvTable, JsonLines, ParquetTable, TextFolder
from training_scripts.corpus.sources.rejected import Rejects

ROOT = Path(__file__).parents[3]
RECORDS = [{"id": f"d{number}", "text": f"apple anvil {'cherry' if number % 2 else 'chisel'}"} for number in range(40)]
LINES = "".join(json.dumps(record) + "\n" for record in RECORDS)
OPTIONS = ["--least-words", "1", "--min-df", "1", "--train-shards", "1", "--id-field", "id"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def corpus_of(*arguments: str) -> str:
    assert prepare.main([*arguments, *OPTIONS, "--force", "--output", "corpus"]) == 0
    return CorpusManifest.load(Path("corpus")).corpus_hash


@pytest.fixture
def plain() -> str:
    Path("plain.jsonl").write_text(LINES)
    return corpus_of("jsonl", "plain.jsonl")


def write_pipe(path: Path, content: bytes) -> threading.Thread:
    os.mkfifo(path)
    thread = threading.Thread(target=path.write_bytes, args=(content,), daemon=True)
    thread.start()
    return thread


def test_a_pipe_is_read_once_and_gives_the_corpus_of_the_file(plain: str) -> None:
    writing = write_pipe(Path("pipe"), gzip.compress(LINES.encode()))

    assert corpus_of("jsonl", "pipe") == plain
    writing.join(10)


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_standard_input_gives_the_corpus_of_the_file(plain: str, name: str) -> None:
    command = [sys.executable, "-m", "training_scripts.prepare", "jsonl", name, *OPTIONS, "--output", "other"]

    ran = subprocess.run(
        command, check=False, input=LINES.encode(), env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=100
    )

    assert ran.returncode == 0
    assert CorpusManifest.load(Path("other")).corpus_hash == plain


def test_a_json_array_and_other_line_ends_give_the_corpus_of_the_lines(plain: str) -> None:
    Path("array.json").write_text(json.dumps(RECORDS, indent=1))
    Path("returns.jsonl").write_bytes(LINES.replace("\n", "\r").encode("utf-16"))

    assert corpus_of("jsonl", "array.json") == corpus_of("jsonl", "returns.jsonl") == plain


def test_a_parquet_file_gives_the_documents_of_its_rows() -> None:
    table = {"id": [1, 2, 3], "text": ["one", None, "three"], "team": ["a ", None, "b"]}
    parquet.write_table(pa.table(table), "documents.parquet")
    rejects = Rejects(1, Path("aside"))

    source = ParquetTable(Path("documents.parquet"), id_field="id", label_field="team", rejects=rejects)

    assert [(one.id, one.label, one.text) for one in source.documents()] == [("1", "a", "one"), ("3", "b", "three")]
    assert (
        json.loads(Path("aside").read_text())["reason"]
        == "documents.parquet, row 2: 'text' is None, where text is needed"
    )


def test_parquet_without_pyarrow_names_what_brings_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("documents.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    assert prepare.main(["parquet", "documents.parquet"]) == 2

    assert "is read by pyarrow, which is not installed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "content", "sentence"),
    [
        (["jsonl", "a"], b"PAR1\x15\x04\x15", "a is a Parquet file, and no text"),
        (["parquet", "a"], b'{"text": "x"}', "a is no Parquet file that can be read"),
        (
            ["csv", "a"],
            "text\ngrün\n".encode("cp1252"),
            "name its encoding with --encoding, for example --encoding windows-1252",
        ),
        (
            ["csv", "a", "--encoding", "latin-99"],
            b"text\nx\n",
            "the encoding is 'latin-99', which Python does not know",
        ),
        (["jsonl", "a"], LINES.encode("utf-16-le"), "byte 2 of line 1 is NUL; name its encoding with --encoding"),
        (["csv", "a"], b"id,text\n1,one, two\n", "a, line 2 has 3 columns, where the header has 2"),
        (["csv", "a", "--max-rejected", "-1"], b"text\n", "'-1' is no whole number of 0 or more"),
        (["parquet", "a", "--encoding", "utf-8"], b"", "the source parquet takes no --encoding"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_what_to_do(
    arguments: list[str], content: bytes, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a").write_bytes(content)

    try:
        code = prepare.main(arguments)
    except SystemExit as end:
        code = int(end.code or 0)

    assert code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(("name", "delimiter"), [("a.tsv", "\t"), ("a.csv", ";"), ("a.csv", ",")])
def test_a_table_in_windows_1252_is_read_by_its_option(name: str, delimiter: str) -> None:
    Path(name).write_bytes(f"text{delimiter}team\r\ngrün{delimiter} x \r\n".encode("cp1252"))

    [document] = CsvTable(Path(name), label_field="team", encoding="windows-1252").documents()

    assert (document.text, document.label) == ("grün", "x")


def test_a_tsv_of_one_column_is_not_parted_at_commas() -> None:
    Path("a.tsv").write_text("text\none, two\n")

    assert [document.text for document in CsvTable(Path("a.tsv")).documents()] == ["one, two"]


BAD = ['{"text": null}', '{"text": "half', '{"words": 1}', "[7]", '{"text": "x", "id": 1.5}']


def test_bad_records_are_set_aside_with_their_reasons(plain: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("mixed.jsonl").write_bytes(b'{"text": "\xff", "id": "x"}\n' + "\n".join([*BAD, LINES]).encode())

    assert corpus_of("jsonl", "mixed.jsonl", "--max-rejected", "6") == plain

    aside = [json.loads(line) for line in Path("corpus.rejected.jsonl").read_text().splitlines()]
    assert [one["line"] for one in aside][1:] == BAD
    assert "byte 11 of line 1 is 0xff" in aside[0]["reason"]
    assert "prepare: 6 records set aside (" in capsys.readouterr().err


def test_one_bad_record_too_many_ends_it_and_the_first_does_without_the_option(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("mixed.jsonl").write_text("\n".join([*BAD, LINES]))

    assert prepare.main(["jsonl", "mixed.jsonl", *OPTIONS, "--max-rejected", "4", "--output", "corpus"]) == 2
    assert "5 records are no documents (" in capsys.readouterr().err
    assert prepare.main(["jsonl", "mixed.jsonl", *OPTIONS, "--output", "corpus"]) == 2
    assert "mixed.jsonl, line 1 has no field 'id'" in capsys.readouterr().err
    assert not Path("corpus").exists()


def test_what_an_earlier_run_set_aside_is_not_left_beside_a_clean_one(plain: str) -> None:
    Path("mixed.jsonl").write_text("\n".join([*BAD, LINES]))
    corpus_of("jsonl", "mixed.jsonl", "--max-rejected", "9")
    corpus_of("jsonl", "plain.jsonl", "--max-rejected", "9")

    assert not Path("corpus.rejected.jsonl").exists()


def test_linked_folders_are_followed_and_each_folder_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "in" / "z").mkdir(parents=True)
    (tmp_path / "in" / "z" / "1.txt").write_text("one")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "2.txt").write_text("two")
    (tmp_path / "out" / "back").symlink_to(tmp_path / "in")
    for name, target in {
        "a": tmp_path / "in" / "z",
        "b": tmp_path / "out",
        "c": tmp_path / "out",
        "z/up": Path(".."),
    }.items():
        (tmp_path / "in" / name).symlink_to(target)

    # By its own path, where it has one in the folder; of two links to another folder, by the first.
    assert [(one.id, one.label) for one in TextFolder(tmp_path / "in").documents()] == [
        ("z/1.txt", "z"),
        ("b/2.txt", "b"),
    ]


@pytest.mark.parametrize("target", ["gone", "loop"])
def test_a_link_to_what_is_not_there_is_named_or_set_aside(tmp_path: Path, target: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "1.txt").write_text("one")
    (folder / "loop").symlink_to(target)

    with pytest.raises(CorpusError, match=f"in/loop is a link to {target}, which is not there"):
        list(TextFolder(folder).documents())
    assert len(list(TextFolder(folder, rejects=Rejects(1, tmp_path / "aside")).documents())) == 1
    assert TextFolder(folder).fingerprint()


def test_a_pipe_in_a_folder_is_named_and_not_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    os.mkfifo(folder / "pipe")

    with pytest.raises(CorpusError, match="in/pipe is neither a file nor a folder"):
        list(TextFolder(folder).documents())


def test_standard_input_that_is_closed_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    assert prepare.main(["jsonl", "-"]) == 2
    assert "standard input is closed" in capsys.readouterr().err


def test_a_label_is_trimmed_and_null_is_none() -> None:
    Path("a.jsonl").write_text('{"text": "one", "team": " \\u00a0x\\t"}\n{"text": "two", "team": null}\n')

    assert [document.label for document in JsonLines(Path("a.jsonl"), label_field="team").documents()] == ["x", ""]


def test_the_label_of_a_text_file_is_its_folders_name_without_blanks_around(tmp_path: Path) -> None:
    (tmp_path / "in" / " team ").mkdir(parents=True)
    (tmp_path / "in" / " team " / "1.txt").write_text("one")

    assert [(one.id, one.label) for one in TextFolder(tmp_path / "in").documents()] == [(" team /1.txt", "team")]


def test_rows_that_are_none_are_set_aside_as_they_were() -> None:
    Path("a.csv").write_text("id,text\n1,one, two\n2,good\n")

    [document] = CsvTable(Path("a.csv"), rejects=Rejects(1, Path("aside"))).documents()

    aside = json.loads(Path("aside").read_text())
    assert document.text == "good"
    assert aside["line"] == "1,one, two"
    assert aside["reason"].startswith("a.csv, line 2 has 3 columns, where the header has 2")
