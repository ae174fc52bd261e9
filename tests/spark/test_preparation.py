"""Preparation on Spark in local mode against the one-process preparation: the same bytes, and what is set aside."""

from __future__ import annotations

import filecmp
import gzip
import json
import os
import random
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from training_scripts import prepare
from training_scripts.corpus.manifest import SURFACE_FORMS_PATH

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-spark" / "bin" / "python"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="there is no .venv-spark: `make test-all` makes it"),
]

BAD_LINES = {
    "not JSON": b'{"text": "half a rec',
    "no JSON object": b'["text"]',
    "a field is missing": b'{"words": "none"}',
    "the text is no text": b'{"text": 7, "team": "a"}',
    "not UTF-8": b'{"text": "\xff", "team": "a"}',
}
THEMES = (
    "bread butter ovens baking salted peppers 猫 \ufb01nance",
    "sails ships boats harbours anchors tides it\u2019s",
    "roots leaves trees می\u200cروم",
)


@dataclass
class Ended:
    code: int
    said: str


def lines(*, ids: bool) -> list[bytes]:
    """Documents with copies, short ones, capitals, forms of one word, sentences of many, and a label of a third."""
    chance = random.Random(2)
    found = []
    for number in range(240):
        words = chance.choices(THEMES[number % 3].split(), k=chance.choice([3, 9, 30]))
        idiom = f" Sold by volume. Ask for {words[0]} at any of our shops on day {number}." if number % 2 else ""
        record: dict[str, object] = {
            "text": " ".join(words).title() + idiom,
            "team": f"team {number % 7 if number % 3 else 0}",
        }
        if ids:
            record |= {"id": f"ü{number}", "part": ("train", "test")[number % 5 == 0]}
        found.append(json.dumps(record, ensure_ascii=False).encode())
        if not ids and number % 11 == 0:
            found.append(json.dumps({**record, "team": "another"}).encode())
    return found


def on_spark(documents: Path, output: Path, *options: str, packages: Path | None = None) -> Ended:
    command = [str(PYTHON), "-m", "training_scripts.spark.prepare", str(documents), "--output", str(output)]
    ran = subprocess.run(
        [*command, "--beside", str(output.parent / "beside"), "--master", "local[2]", *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, packages) if packages else (ROOT,)))},
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    return Ended(ran.returncode, ran.stdout + ran.stderr)


def alone(documents: Path, output: Path, *options: str) -> None:
    assert prepare.main(["jsonl", str(documents), "--output", str(output), *options]) == 0


def notes_of(said: str) -> list[str]:
    return [line.partition("note")[2].strip() for line in said.splitlines() if line.startswith("  note ")]


def differing(one: Path, other: Path) -> list[str]:
    names = {p.relative_to(top).as_posix() for top in (one, other) for p in top.rglob("*") if p.is_file()}
    assert "corpus.json" in names
    return [
        name
        for name in sorted(names)
        if not ((one / name).is_file() and (other / name).is_file())
        or not filecmp.cmp(one / name, other / name, shallow=False)
    ]


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with documents among lines that are none, in files of other line ends, and the documents alone."""
    folder = tmp_path_factory.mktemp("messy")
    good = lines(ids=False)
    (folder / "good.jsonl").write_bytes(b"\n".join(good) + b"\n")
    (folder / "documents").mkdir()
    mixed = [*good[:100], *BAD_LINES.values(), b"", *good[100:]]
    (folder / "documents" / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + b"\n".join(mixed[:180]) + b"\n")
    (folder / "documents" / "b.jsonl").write_bytes(b"\r\n".join(mixed[180:200]) + b"\r\n")
    (folder / "documents" / "c.jsonl.gz").write_bytes(gzip.compress(b"\r".join(mixed[200:])))
    return folder


@pytest.fixture(scope="module")
def prepared(messy: Path) -> Ended:
    return on_spark(messy / "documents", messy / "spark", "--label-field", "team")


def test_the_corpus_has_the_bytes_of_the_one_process_preparation(messy: Path, prepared: Ended) -> None:
    assert prepared.code == 0, prepared.said
    alone(messy / "good.jsonl", messy / "one", "--label-field", "team")

    assert differing(messy / "one", messy / "spark") == []


def test_sentences_of_many_documents_are_left_out_and_counted(messy: Path, prepared: Ended) -> None:
    repeated = json.loads((messy / "spark" / "corpus.json").read_text())["repeated"]

    assert repeated["sentences"] > 100
    assert repeated["words"] > 5 * repeated["sentences"]


def test_lines_that_are_no_documents_are_counted_and_set_aside_with_their_reason(messy: Path, prepared: Ended) -> None:
    report = json.loads((messy / "beside" / "report.json").read_text())
    aside = [json.loads(line) for line in (messy / "beside" / "rejected.jsonl").read_text().splitlines()]

    assert report["rejected"] == dict.fromkeys(BAD_LINES, 1)
    assert len(aside) == len(BAD_LINES)
    assert all(line["reason"] and line["line"] for line in aside)


def test_how_even_the_work_was_is_told(messy: Path, prepared: Ended) -> None:
    report = json.loads((messy / "beside" / "report.json").read_text())

    assert report["documents_by_partition"]["pieces"] >= 2
    assert report["records_by_shard"]["most"] - report["records_by_shard"]["least"] < 60
    assert report["largest_document_bytes"] > 100


def test_a_run_after_one_that_was_broken_off_takes_up_its_first_stage(messy: Path, prepared: Ended) -> None:
    [stage] = (messy / "beside" / "work").glob("counted-*")
    before = {file.name: file.stat().st_mtime_ns for file in stage.iterdir()}
    shutil.rmtree(messy / "spark")

    again = on_spark(messy / "documents", messy / "spark", "--label-field", "team")

    assert again.code == 0, again.said
    assert {file.name: file.stat().st_mtime_ns for file in stage.iterdir()} == before
    assert differing(messy / "one", messy / "spark") == []


def test_too_many_lines_that_are_no_documents_end_it_with_a_sentence(messy: Path, prepared: Ended) -> None:
    refused = on_spark(messy / "documents", messy / "none", "--label-field", "team", "--max-rejected", "2")

    assert refused.code == 2
    assert "5 records are no documents" in refused.said
    assert "Traceback" not in refused.said
    assert not (messy / "none").exists()


@pytest.mark.parametrize("frozen", [False, True], ids=["a vocabulary of its own", "a given vocabulary"])
def test_ids_parts_and_a_given_vocabulary_give_the_same_bytes_too(
    tmp_path: Path, prepared: Ended, messy: Path, frozen: bool
) -> None:
    documents = tmp_path / "documents.jsonl"
    documents.write_bytes(b"\n".join(lines(ids=True)))
    options = ["--id-field", "id", "--split-field", "part", "--label-field", "team", "--least-words", "2"]
    if frozen:
        options += ["--vocabulary", str(messy / "spark")]
    alone(documents, tmp_path / "one", *options)

    ended = on_spark(documents, tmp_path / "spark", *options)

    assert ended.code == 0, ended.said
    assert differing(tmp_path / "one", tmp_path / "spark") == []


@pytest.mark.parametrize("labelled", [False, True], ids=["copies to the byte", "copies with other labels"])
def test_of_many_copies_spread_over_files_the_one_stays_that_stays_in_one_process(
    tmp_path: Path, labelled: bool
) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    good = lines(ids=False)
    copies = [json.loads(line) for line in good[:40]] * 3
    for number, copy in enumerate(copies):
        copy["team"] = f"team {number % 5}" if labelled else copy["team"]
    more = [json.dumps(copy).encode() for copy in copies]
    (documents / "a.jsonl").write_bytes(b"\n".join([*more[:60], *good]))
    (documents / "b.jsonl").write_bytes(b"\n".join(more[60:]))
    (tmp_path / "all.jsonl").write_bytes(b"\n".join([*more, *good]))
    alone(tmp_path / "all.jsonl", tmp_path / "one", "--label-field", "team")

    ended = on_spark(documents, tmp_path / "spark", "--label-field", "team")

    assert ended.code == 0, ended.said
    assert differing(tmp_path / "one", tmp_path / "spark") == []


def test_two_documents_of_one_id_end_it_with_that_id(tmp_path: Path) -> None:
    documents = tmp_path / "documents.jsonl"
    good = lines(ids=True)
    documents.write_bytes(b"\n".join([*good, good[7], good[5]]))

    refused = on_spark(documents, tmp_path / "none", "--id-field", "id", "--split-field", "part")

    assert refused.code == 2
    assert "two documents have the id 'ü5': ids must differ" in refused.said


def test_documents_in_twelve_languages_give_the_same_bytes_and_notes(
    segmentation_packages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    documents = ROOT / "tests" / "data" / "multilingual.jsonl"
    options = ["--id-field", "id", "--label-field", "language", "--least-words", "2", "--no-lemmas"]
    options += ["--language", "pl"]
    alone(documents, tmp_path / "one", *options)
    notes = notes_of(capsys.readouterr().out)

    ended = on_spark(documents, tmp_path / "spark", *options, packages=segmentation_packages)

    assert ended.code == 0, ended.said
    assert differing(tmp_path / "one", tmp_path / "spark") == []
    assert any("another language" in note for note in notes)
    assert notes_of(ended.said) == json.loads((tmp_path / "beside" / "report.json").read_text())["notes"] == notes


def test_a_corpus_of_the_earlier_rule_brings_it_with_its_words(tmp_path: Path) -> None:
    documents = tmp_path / "documents.jsonl"
    documents.write_bytes(b"\n".join(lines(ids=True)))
    options = ["--id-field", "id", "--label-field", "team", "--least-words", "2"]
    alone(documents, tmp_path / "first", *options)
    table = tmp_path / "first" / SURFACE_FORMS_PATH
    earlier = json.loads((ROOT / "tests" / "unit" / "corpus" / "version_1_rule.json").read_bytes())
    table.write_text(json.dumps({**json.loads(table.read_bytes()), "rule": None, **earlier}), encoding="utf-8")
    options += ["--vocabulary", str(table)]
    alone(documents, tmp_path / "one", *options)

    ended = on_spark(documents, tmp_path / "spark", *options)

    assert ended.code == 0, ended.said
    assert json.loads((tmp_path / "spark" / SURFACE_FORMS_PATH).read_bytes())["schema_version"] == 1
    assert differing(tmp_path / "one", tmp_path / "spark") == []


def test_unsegmented_documents_end_it_where_nothing_parts_them(tmp_path: Path) -> None:
    documents = ROOT / "tests" / "data" / "multilingual.jsonl"

    refused = on_spark(documents, tmp_path / "none", "--id-field", "id", "--no-lemmas", "--no-stop-words")

    assert refused.code == 2
    assert "pip install -r requirements/segmentation.txt" in refused.said
    assert "a processing job has what make spark-bundle SEGMENTATION=1 brings" in refused.said
    assert "Traceback" not in refused.said
