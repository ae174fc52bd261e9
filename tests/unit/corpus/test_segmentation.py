"""Texts in which nothing parts words: segmented where the packages are, and otherwise refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from training_scripts import prepare
from training_scripts.corpus.manifest import CorpusManifest
from training_scripts.corpus.reading import segmentation
from training_scripts.corpus.reading.document_words import UnsegmentedError
from training_scripts.corpus.settings import PreparationSettings
from training_scripts.corpus.surface_forms import SurfaceForms

from topics_function.reading.vectorizer import UnsegmentedTextError, Vocabulary

CHINESE = ("今天天气很好我们去公园踢足球", "昨天下雨我们在家听音乐", "足球比赛在公园里举行", "音乐会因为下雨取消了")


def without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("rjieba", "sudachipy", "pythainlp", "pythainlp.tokenize"):
        monkeypatch.setitem(sys.modules, name, None)
    segmentation._cutter.cache_clear()


@pytest.fixture
def pairs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that parts Chinese into words of two characters."""
    cutter = SimpleNamespace(cut=lambda text: [text[at : at + 2] for at in range(0, len(text), 2)])
    monkeypatch.setitem(sys.modules, "rjieba", cutter)
    monkeypatch.setattr(segmentation, "version", lambda _name: "1.0")
    segmentation._cutter.cache_clear()
    yield
    segmentation._cutter.cache_clear()


def documents(folder: Path, texts: Any) -> Path:
    path = folder / "documents.jsonl"
    path.write_text("".join(json.dumps({"id": f"d{n}", "text": text}) + "\n" for n, text in enumerate(texts)))
    return path


def run(path: Path, *options: str) -> int:
    corpus = ["--output", str(path.parent / "corpus"), "--id-field", "id", "--least-words", "1", "--train-shards", "1"]
    return prepare.main(["jsonl", str(path), *corpus, *options])


@pytest.mark.slow
def test_chinese_japanese_and_thai_become_words(segmentation_packages: Path) -> None:
    finder = PreparationSettings().finder

    assert {"北京", "天安门"} <= set(finder.words_of("我爱北京天安门,今天天气很好").tokens)
    assert {"昨日", "東京", "コンピュータ"} <= set(finder.words_of("私は昨日東京でコンピュータを買いました").tokens)
    assert {"กรุงเทพมหานคร"} <= set(finder.words_of("ฉันชอบไปเที่ยวที่กรุงเทพมหานคร").tokens)


def test_japanese_without_kana_is_japanese_where_the_language_says_so() -> None:
    assert segmentation.language_of("東京都議会選挙結果", code="ja") == segmentation.JAPANESE
    assert segmentation.language_of("東京都議会選挙結果") == segmentation.CHINESE
    assert segmentation.language_of("東京の都議会の選挙の結果") == segmentation.JAPANESE


def test_text_that_is_segmented_stays_as_it_is(pairs: None) -> None:
    words = PreparationSettings().finder.words_of("天安门广场 今天 下雨 我们 回家")

    assert words.tokens == ["天安门广场", "今天", "下雨", "我们", "回家"]


def test_what_stands_between_runs_is_given_to_no_package(pairs: None) -> None:
    parted = segmentation.segmented("看https://a.example/b了解更多Python知识", segmentation.CHINESE)

    assert parted.split() == ["看", "https://a.example/b", "了解", "更多", "Python", "知识"]


@pytest.mark.slow
def test_a_run_longer_than_a_package_takes_is_given_to_it_in_pieces(segmentation_packages: Path) -> None:
    parted = segmentation.segmented("東京で買いました" * 8000, segmentation.JAPANESE)

    assert parted.count("東京") == 8000


@pytest.mark.parametrize(
    ("text", "package"),
    [(CHINESE[0], "rjieba"), ("私は昨日東京で本を買いました", "sudachipy"), ("ฉันชอบกินข้าวและไปเที่ยวทะเล", "pythainlp")],
)
def test_without_its_package_a_text_is_refused_in_a_sentence(
    text: str, package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without_packages(monkeypatch)

    assert run(documents(tmp_path, [text])) == 2

    said = capsys.readouterr().err
    assert said.startswith("prepare: document 'd0': ")
    assert f"needs {package}: pip install -r requirements/segmentation.txt" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "corpus").exists()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("ຂ້ອຍມັກກິນເຂົ້າແລະໄປທ່ຽວຢູ່ວຽງຈັນ", "Lao"),
        ("ကျွန်တော်သည်ထမင်းစားရတာကြိုက်ပါတယ်", "Burmese"),
        ("ខ្ញុំចូលចិត្តញ៉ាំបាយនិងទៅលេងភ្នំពេញ", "Khmer"),
    ],
)
def test_languages_that_no_package_parts_are_refused(text: str, language: str) -> None:
    with pytest.raises(UnsegmentedError, match=f"no package here parts words of {language}"):
        PreparationSettings().finder.words_of(text)


def test_such_texts_can_be_counted_as_they_are_and_the_summary_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = documents(tmp_path, [*CHINESE, *(f"{word} 足球 音乐 下雨" for word in ("公园", "比赛") for _ in range(12))])

    assert (
        run(
            path,
            "--segmentation",
            "no",
            "--repeated-sentences",
            "0",
            "--no-lemmas",
            "--no-stop-words",
            "--language",
            "zh",
        )
        == 0
    )

    assert (
        "4 documents in which nothing parts words, counted as they are: 'd0', 'd1', 'd2', …" in capsys.readouterr().out
    )
    assert SurfaceForms.load(tmp_path / "corpus").plain.scripts == {}


def test_the_corpus_records_what_parted_its_words_and_a_server_refuses_what_is_not(pairs: None, tmp_path: Path) -> None:
    path = documents(tmp_path, CHINESE * 10)

    assert run(path, "--repeated-sentences", "0", "--no-lemmas", "--no-stop-words", "--language", "zh") == 0

    corpus = tmp_path / "corpus"
    assert CorpusManifest.load(corpus).settings["libraries"]["rjieba"] == "1.0"  # type: ignore[index,call-overload]
    server = Vocabulary.from_json((corpus / "vocabulary" / "surface_forms.json").read_bytes())
    with pytest.raises(UnsegmentedTextError) as refusal:
        server.count(CHINESE[0])
    assert (refusal.value.script, refusal.value.parted_by) == ("Chinese or Japanese", "rjieba 1.0")
    for text in CHINESE:
        assert server.count(segmentation.segmented(text, "Chinese")).counts == SurfaceForms.load(corpus).counts(text)
