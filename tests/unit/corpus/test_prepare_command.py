from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from training_scripts import prepare
from training_scripts.corpus.manifest import MANIFEST_NAME, SURFACE_FORMS_PATH, VOCABULARY_PATH, CorpusManifest
from training_scripts.corpus.surface_forms import SurfaceForms

from topics_function.reading.vectorizer import Vocabulary as ServersVocabulary

WriteJsonLines = Callable[..., Path]
Records = list[dict[str, str]]
Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[3]
VERSION_1 = json.loads(Path(__file__).with_name("version_1_rule.json").read_bytes())
OWN_FIELDS = ["--id-field", "id", "--label-field", "label", "--least-words", "1"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_corpus_is_prepared_into_build_and_summed_up(
    write_jsonl: WriteJsonLines, records: Records, capsys: Capture
) -> None:
    code = prepare.main(["jsonl", str(write_jsonl(records)), *OWN_FIELDS])

    out = capsys.readouterr().out
    manifest = CorpusManifest.load(Path("build/corpus"))
    assert code == 0
    assert out.startswith("build/corpus: prepared from own documents (sha256:")
    assert f"{manifest.documents.train:,} train" in out
    assert manifest.corpus_hash in out


def test_unchanged_input_is_not_prepared_again(write_jsonl: WriteJsonLines, records: Records, capsys: Capture) -> None:
    arguments = ["jsonl", str(write_jsonl(records)), *OWN_FIELDS]
    prepare.main(arguments)
    before = Path("build/corpus").stat().st_ino

    assert prepare.main(arguments) == 0

    assert "build/corpus: unchanged from own documents" in capsys.readouterr().out
    assert Path("build/corpus").stat().st_ino == before


@pytest.mark.parametrize("change", ["documents", "settings", "damage", "force"])
def test_any_change_prepares_again(write_jsonl: WriteJsonLines, records: Records, capsys: Capture, change: str) -> None:
    arguments = ["jsonl", str(write_jsonl(records)), *OWN_FIELDS]
    prepare.main(arguments)
    if change == "documents":
        write_jsonl([*records, {"id": "new", "label": "x", "text": "apple anvil"}])
    elif change == "settings":
        arguments += ["--seed", "5"]
    elif change == "damage":
        Path("build/corpus/train/part-00000.pbr").write_bytes(b"")
    else:
        arguments += ["--force"]
    capsys.readouterr()

    assert prepare.main(arguments) == 0

    assert "build/corpus: prepared from own documents" in capsys.readouterr().out
    CorpusManifest.load(Path("build/corpus")).check_files(Path("build/corpus"))


FAULTS = {
    "no source of that name": (["usenet"], {}, "invalid choice: 'usenet'"),
    "no input": (["jsonl"], {}, "the source jsonl needs an INPUT: the file to read"),
    "input that is not there": (["jsonl", "gone.jsonl"], {}, "gone.jsonl cannot be read: No such file or directory"),
    "a folder for a file": (["csv", "."], {}, ". cannot be read: Is a directory"),
    "a file for a folder": (["folder", "a.txt"], {"a.txt": b"x"}, "a.txt is not a folder"),
    "a folder that is not there": (["folder", "gone"], {}, "gone is not there"),
    "an empty folder": (["folder", "."], {}, "the source holds no documents"),
    "an empty file": (["jsonl", "a"], {"a": b""}, "the source holds no documents"),
    "an empty table": (["csv", "a"], {"a": b""}, "a has no column 'text': its columns are none"),
    "a table of a header": (["csv", "a"], {"a": b"text\n"}, "the source holds no documents"),
    "a table without the column": (
        ["csv", "a", "--text-field", "body"],
        {"a": b"id,text\n1,x\n"},
        "a has no column 'body': its columns are 'id', 'text'",
    ),
    "a column twice": (["csv", "a"], {"a": b"text,text\n1,2\n"}, "a has more than one column 'text'"),
    "a ragged table": (["csv", "a"], {"a": b"text,x\n1,2\n1\n"}, "a, line 3 has 1 columns, where the header has 2"),
    "an open quote": (["csv", "a"], {"a": b'text\n"x\n'}, "a, line 2 is not CSV: unexpected end of data"),
    "no JSON": (["jsonl", "a"], {"a": b'{"text": "x"}\nno\n'}, "a, line 2 is not JSON"),
    "deep JSON": (["jsonl", "a"], {"a": b"[" * 200_000}, "a, line 1 is not JSON"),
    "no object": (["jsonl", "a"], {"a": b"[1]\n"}, "a, line 1 is 1, where a JSON object is needed"),
    "no such field": (["jsonl", "a"], {"a": b'{"body": "x"}'}, "a, line 1 has no field 'text': its fields are 'body'"),
    "text that is no text": (["jsonl", "a"], {"a": b'{"text": 7}'}, "a, line 1: 'text' is 7, where text is needed"),
    "a label that is none": (
        ["jsonl", "a", "--label-field", "l"],
        {"a": b'{"text": "x", "l": [1]}'},
        "a, line 1: 'l' is [1], where text or a whole number is needed",
    ),
    "a part that is none": (
        ["jsonl", "a", "--split-field", "s"],
        {"a": b'{"text": "x", "s": "dev"}'},
        "a, line 1: 's' is 'dev', where one of train, validation, test is needed",
    ),
    "half a surrogate pair": (
        ["jsonl", "a", "--id-field", "i"],
        {"a": b'{"text": "x", "i": "\\ud800"}'},
        "a, line 1: 'i' is '\\ud800', where text or a whole number is needed",
    ),
    "not UTF-8": (["jsonl", "a"], {"a": b'{"text": "gr\xfcn"}'}, "a is not UTF-8: byte 13 of line 1 is 0xfc"),
    "a text file not UTF-8": (["folder", "d"], {"d/1.txt": b"gr\xfcn"}, "d/1.txt is not UTF-8: byte 3 is 0xfc"),
    "no such encoding": (
        ["folder", "d", "--encoding", "x"],
        {"d/1": b"x"},
        "the encoding is 'x', which Python does not know",
    ),
    "an id twice": (
        ["jsonl", "a", "--id-field", "i"],
        {"a": b'{"text": "x", "i": 1}\n{"text": "y", "i": "1"}'},
        "two documents have the id '1': ids must differ",
    ),
    "one word": (
        ["jsonl", "a", "--least-words", "1"],
        {"a": b"".join(b'{"text": "%s"}\n' % (b"zebra " * i) for i in range(1, 40))},
        "the vocabulary has 0 words, where at least 2 are needed",
    ),
    "a language without lemmas": (["--language", "xx"], {}, "there is no list of stop words for the language 'xx'"),
    "no whole number": (["--seed", "x"], {}, "argument --seed: invalid int value: 'x'"),
    "a share above one": (["--max-df", "1.5"], {}, "--max-df is 1.5: Input should be less than or equal to 1"),
    "a share of nothing": (["--validation", "0"], {}, "--validation is 0.0: Input should be greater than 0"),
    "shares above all": (["--validation", "0.5", "--test", "0.5"], {}, "validation 0.5 and test 0.5 leave nothing"),
    "too many shards": (["--train-shards", "513"], {}, "--train-shards is 513: Input should be less than or equal"),
    "an option of another source": (["--text-field", "x"], {}, "the source api-reference takes no --text-field"),
    "an input for the default": (["api-reference", "x"], {}, "the source api-reference takes no INPUT"),
    "an unknown option": (["--sed"], {}, "unrecognized arguments: --sed"),
    "no archive": (["20newsgroups", "--archive", "gone"], {}, "gone cannot be read: No such file or directory"),
    "another archive": (["20newsgroups", "--archive", "a"], {"a": b"x"}, "a cannot be read as a tar archive"),
    "no vocabulary": (["--vocabulary", "gone"], {}, "the list of words gone cannot be read: No such file"),
    "a repeated word": (
        ["--vocabulary", "v"],
        {"v": b"apple\nbread\napple\n"},
        "line 3 of the list of words v repeats the word 'apple' of line 1",
    ),
    "no stop words": (["--stop-words", "v"], {"v": b""}, "the list of words v holds none"),
    "two ways to choose": (
        ["--vocabulary", "v", "--min-df", "3"],
        {"v": b"a\nb\n"},
        "--min-df has no meaning beside --vocabulary",
    ),
    "a file in the corpus's place": (["--output", "a"], {"a": b"x"}, "a is not a folder, so nothing is written there"),
    "a folder of something else": (["--output", "d"], {"d/letter": b"x"}, "d holds something else than a prepared"),
    "a file in its parent's place": (["--output", "a/corpus"], {"a": b"x"}, "a cannot be written"),
}


@pytest.mark.parametrize(("arguments", "files", "complaint"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_ends_with_one_sentence_and_code_2(
    arguments: list[str], files: dict[str, bytes], complaint: str, capsys: Capture
) -> None:
    for name, content in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(content)
    before = files_of(Path())

    try:
        code: object = prepare.main(arguments)
    except SystemExit as stopped:
        code = stopped.code

    captured = capsys.readouterr()
    assert code == 2
    assert complaint in captured.err
    assert captured.err.startswith("prepare: ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert files_of(Path()) == before


def test_a_fault_leaves_the_earlier_corpus_as_it_was(
    write_jsonl: WriteJsonLines, records: Records, capsys: Capture
) -> None:
    path = write_jsonl(records)
    prepare.main(["jsonl", str(path), *OWN_FIELDS])
    before = files_of(Path("build"))
    path.write_bytes(path.read_bytes() + b"\xff")

    assert prepare.main(["jsonl", str(path), *OWN_FIELDS]) == 2

    assert files_of(Path("build")) == before
    assert "is not UTF-8" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_named(
    write_jsonl: WriteJsonLines, records: Records, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(path: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device", str(path))

    path = write_jsonl(records)
    monkeypatch.setattr(Path, "write_bytes", no_space)

    assert prepare.main(["jsonl", str(path), *OWN_FIELDS, "--output", "there"]) == 2

    assert "labels/train.csv cannot be written: No space left on device" in capsys.readouterr().err
    assert not Path("there").exists()
    assert [entry.name for entry in Path().iterdir()] == [path.name]


def test_an_earlier_corpus_can_give_the_vocabulary(write_jsonl: WriteJsonLines, records: Records) -> None:
    prepare.main(["jsonl", str(write_jsonl(records)), *OWN_FIELDS])
    earlier = CorpusManifest.load(Path("build/corpus"))
    newer = [{**record, "text": record["text"] + " quokka quokkas"} for record in records]

    code = prepare.main(
        ["jsonl", str(write_jsonl(newer, "new.jsonl")), *OWN_FIELDS, "--vocabulary", "build/corpus", "--output", "new"]
    )

    assert code == 0
    assert CorpusManifest.load(Path("new")).vocabulary_hash == earlier.vocabulary_hash


def test_documents_are_counted_by_the_rule_of_the_corpus_that_gives_the_vocabulary(
    write_jsonl: WriteJsonLines, records: Records
) -> None:
    torn = [{**record, "text": record["text"] + " zug\u00adspitze Zug Spitze"} for record in records]
    own = ["jsonl", str(write_jsonl(torn)), *OWN_FIELDS]
    prepare.main([*own, "--max-df", "1", "--output", "second"])
    shutil.copytree("second", "first")
    table = json.loads(Path("first", SURFACE_FORMS_PATH).read_bytes())
    del table["rule"]
    Path("first", SURFACE_FORMS_PATH).write_text(json.dumps(table | VERSION_1))

    for version in ("first", "second"):
        for number, named in enumerate((version, f"{version}/{VOCABULARY_PATH}", f"{version}/{SURFACE_FORMS_PATH}")):
            assert prepare.main([*own, "--vocabulary", named, "--output", f"by-{version}{number or ''}"]) == 0
        hashes = {CorpusManifest.load(Path(f"by-{version}{number}")).corpus_hash for number in ("", 1, 2)}
        assert len(hashes) == 1

    tables = {
        version: json.loads(Path(f"by-{version}", SURFACE_FORMS_PATH).read_bytes()) for version in ("first", "second")
    }
    assert tables["first"].items() >= VERSION_1.items()
    assert tables["second"]["schema_version"] == 2
    assert ("zugspitze" in tables["first"]["forms"], "zugspitze" in tables["second"]["forms"]) == (False, True)
    server = ServersVocabulary.from_json(Path("by-first", SURFACE_FORMS_PATH).read_bytes())
    text = "zug\u00adspitze Zug"
    assert server.count(text).counts == SurfaceForms.load(Path("by-first")).counts(text)
    assert server.count(text).counts == {tables["first"]["forms"]["zug"]: 2, tables["first"]["forms"]["spitze"]: 1}


def test_words_of_a_corpus_bring_its_language(write_jsonl: WriteJsonLines, records: Records) -> None:
    own = ["jsonl", str(write_jsonl(records)), *OWN_FIELDS]
    prepare.main([*own, "--language", "de", "--output", "german"])

    prepare.main([*own, "--vocabulary", "german", "--output", "by-german"])

    assert CorpusManifest.load(Path("by-german")).language == "de"


def test_words_of_no_known_corpus_are_read_by_the_rule_of_the_language(
    write_jsonl: WriteJsonLines, records: Records
) -> None:
    own = ["jsonl", str(write_jsonl(records)), *OWN_FIELDS]
    prepare.main(own)
    shutil.copy(f"build/corpus/{VOCABULARY_PATH}", "vocab.txt")

    assert prepare.main([*own, "--vocabulary", "vocab.txt", "--html", "yes", "--output", "by-list"]) == 0
    assert "vocabulary_rule" not in CorpusManifest.load(Path("by-list")).settings


def test_a_corpus_in_the_place_of_another_says_that_a_training_follows(
    write_jsonl: WriteJsonLines, records: Records, capsys: Capture
) -> None:
    arguments = ["jsonl", str(write_jsonl(records)), *OWN_FIELDS]
    prepare.main(arguments)
    prepare.main(arguments)
    assert "trains a new model" not in capsys.readouterr().out
    earlier = CorpusManifest.load(Path("build/corpus")).corpus_hash

    prepare.main([*arguments, "--min-df", "3"])

    assert (
        f"instead of  {earlier}: a stage that is deployed with this folder trains a new model"
        in capsys.readouterr().out
    )


def test_the_bytes_depend_neither_on_the_order_of_files_nor_on_the_hash_seed(records: Records, tmp_path: Path) -> None:
    for folder, order in {"one": records, "two": records[::-1]}.items():
        for record in order:
            path = tmp_path / folder / record["label"] / f"{record['id']}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(record["text"])
    for folder, seed in {"one": "1", "two": "2"}.items():
        command = [sys.executable, "-m", "training_scripts.prepare", "folder", str(tmp_path / folder)]
        subprocess.run(
            [*command, "--least-words", "1", "--output", str(tmp_path / f"{folder}-corpus")],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        )

    assert files_of(tmp_path / "one-corpus") == files_of(tmp_path / "two-corpus")


def test_a_reader_that_has_seen_enough_is_no_fault(write_jsonl: WriteJsonLines, records: Records) -> None:
    command = [sys.executable, "-m", "training_scripts.prepare", "jsonl", str(write_jsonl(records)), *OWN_FIELDS]
    reading, writing = os.pipe()
    os.close(reading)

    ran = subprocess.run(
        [*command, "--output", str(Path("corpus").absolute())],
        check=False,
        cwd=ROOT,
        stdout=writing,
        stderr=subprocess.PIPE,
    )

    os.close(writing)
    assert (ran.returncode, ran.stderr) == (0, b"")
    CorpusManifest.load(Path("corpus"))


def test_help_gives_an_example_for_each_source(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        prepare.main(["--help"])

    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert "python -m training_scripts.prepare\n" in shown
    for source in ("20newsgroups", "jsonl", "csv", "folder"):
        assert f"python -m training_scripts.prepare {source} " in shown


def test_the_settings_that_were_used_are_in_the_manifest(write_jsonl: WriteJsonLines, records: Records) -> None:
    prepare.main(["jsonl", str(write_jsonl(records)), *OWN_FIELDS, "--max-features", "9", "--no-lemmas", "--seed", "3"])

    settings = json.loads(Path("build/corpus", MANIFEST_NAME).read_bytes())["settings"]

    assert (settings["max_features"], settings["lemmas"], settings["seed"]) == (9, False, 3)
    assert settings["libraries"].keys() == {"simplemma", "stop-words"}


def test_the_summary_tells_what_was_passed_over_with_examples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [f"Das Wetter in der Stadt ist heute nicht so gut wie Wolke{n % 7} und Regen, a b C" for n in range(30)]
    path = tmp_path / "documents.jsonl"
    path.write_text("".join(json.dumps({"text": text + f" {n}x"}) + "\n" for n, text in enumerate(texts)))
    with path.open("a") as stream:
        stream.write('{"text": "kurz"}\n{"text": "kurz"}\n')

    assert prepare.main(["jsonl", str(path), "--output", str(tmp_path / "corpus")]) == 0

    said = capsys.readouterr().out
    assert "1 document of too few words: '2dfff992926eae305179'" in said
    assert "1 document that came before: '2dfff992926eae305179'" in said
    assert "90 words of one letter, too short to count: a (30), b (30), c (30)" in said
    assert re.search(r"may be in another language: \d+\.\d% .* of --language en, and \d\d\.\d% those of de", said)


def test_english_documents_are_not_said_to_be_in_another_language(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert prepare.main(["--output", str(tmp_path / "corpus")]) == 0

    assert "another language" not in capsys.readouterr().out
