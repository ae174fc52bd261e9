"""Sentences that many documents repeat count in one of them."""

from __future__ import annotations

import json
import random
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from training_scripts.corpus.counting import FormCounts, count_forms
from training_scripts.corpus.documents import Document
from training_scripts.corpus.manifest import CorpusManifest
from training_scripts.corpus.progress import Progress
from training_scripts.corpus.reading.repeats import Passages, Repeats
from training_scripts.corpus.reading.sentences import sentences_of
from training_scripts.corpus.settings import PreparationSettings

FINDER = PreparationSettings().finder
LINES = "Apple banana cherry", "Anvil bellows chisel"
SENTENCE = "Sold by volume, not by weight."


def counted(*texts: str, repeated_sentences: int = 5) -> FormCounts:
    documents = [Document(f"{number:03}", "", text) for number, text in enumerate(texts)]
    return count_forms(
        documents,
        finder=FINDER,
        least_words=1,
        repeated_sentences=repeated_sentences,
        has_ids=True,
        progress=Progress("test"),
    )


def words_of(found: FormCounts, row: int) -> list[str]:
    start, end = found.counts.indptr[row : row + 2]
    return [found.forms[column] for column in found.counts.indices[start:end]]


def own(number: int) -> str:
    """A sentence that no other document has."""
    return " ".join(f"w{number}x{place}" for place in range(6)) + "."


def test_a_sentence_of_five_documents_stays_in_that_of_the_smallest_id() -> None:
    found = counted(*(f"{own(number)} {SENTENCE} {own(100 + number)}" for number in range(5)))

    assert {"sold", "volume", "weight"} <= set(words_of(found, 0))
    for row in range(1, 5):
        assert all(word.startswith("w") and word != "weight" for word in words_of(found, row)), row
        assert len(words_of(found, row)) == 12
    assert (found.repeated.sentences, found.repeated.words) == (4, 24)


def test_a_sentence_of_four_documents_stays_in_all() -> None:
    found = counted(*(f"{own(number)} {SENTENCE}" for number in range(4)))

    assert all("volume" in words_of(found, row) for row in range(4))
    assert found.repeated.words == 0


def test_no_sentence_is_left_out_where_that_is_turned_off() -> None:
    found = counted(*(f"{own(number)} {SENTENCE}" for number in range(9)), repeated_sentences=0)

    assert all("volume" in words_of(found, row) for row in range(9))


def test_a_sentence_that_one_document_repeats_stays() -> None:
    found = counted(" ".join([SENTENCE] * 9), own(1))

    assert found.counts[0].sum() == 54


@pytest.mark.parametrize(
    "written",
    [
        lambda number: f"{own(number)} Call {number} of 1993 was closed by the night shift!",
        lambda number: f"{own(number)}\nCALL {number} of 93 was closed by the night shift\n",
        lambda number: f"{own(number)} Call was closed by the night shift? ",
    ],
    ids=["with other numbers", "as a line in capitals", "with another mark"],
)
def test_numbers_capitals_and_marks_do_not_tell_sentences_apart(written: Callable[[int], str]) -> None:
    found = counted(*(written(number) for number in range(6)))

    assert "closed" in words_of(found, 0)
    assert not any("closed" in words_of(found, row) for row in range(1, 6))


@pytest.mark.parametrize(
    "template",
    [
        "Requires the permission to call {} again.",
        "Ask for permission of {} at our desk.",
        "The permission is with {}!",
    ],
)
def test_of_a_template_the_names_stay_and_what_is_between_them_goes(template: str) -> None:
    names = ["anvils", "bellows", "chisels", "drills", "engines", "files"]
    found = counted(*(f"{own(n)} {template.format(name)}" for n, name in enumerate(names)))

    for row, name in enumerate(names):
        assert name in words_of(found, row)
        assert ("permission" in words_of(found, row)) is (row == 0)


def test_titles_of_one_pattern_stay() -> None:
    found = counted(*(f"How to use a permission of w{n}w in Python" for n in range(9)))

    assert found.repeated.words == 0


def test_a_set_phrase_within_a_longer_sentence_stays() -> None:
    texts = [f"{own(n)[:-1]} the right to keep bees {own(50 + n)}" for n in range(9)]

    assert all("bees" in words_of(counted(*texts), row) for row in range(9))


def test_short_lines_are_names_and_stay() -> None:
    found = counted(*(f"Machine learning engineer\n{own(number)}" for number in range(9)))

    assert all("engineer" in words_of(found, row) for row in range(9))


@pytest.mark.parametrize("ending", ["।", "。", "؟ ", "\u06d4 ", "… "])
def test_sentences_of_other_scripts_end_too(ending: str) -> None:
    shared = "अब यह वाक्य सब में है"
    found = counted(*(f"{own(number)} {shared}{ending}{own(90 + number)}" for number in range(5)))

    assert found.repeated.words == 4 * len(FINDER.rule.tokens_of(shared))


def test_every_form_still_counts_somewhere() -> None:
    chance = random.Random(7)
    texts = [". ".join(" ".join(chance.choices(["ab", "cd", "ef"], k=20)) for _ in "xy") for _ in range(60)]

    found = counted(*texts)

    assert found.repeated.words > 0
    assert (np.asarray(found.counts.sum(axis=0)) > 0).all()


@given(st.text(alphabet=st.sampled_from("a\u03a3\u03c3\xdf.!? \n'\u2019\u3002\u2026e\u0301\u01305-")))
def test_sentences_have_the_words_of_their_text(text: str) -> None:
    assert [
        token for sentence in sentences_of(text) for token in FINDER.rule.tokens_of(sentence)
    ] == FINDER.rule.tokens_of(text)


def test_what_is_held_while_sentences_are_compared_does_not_grow_with_the_documents() -> None:
    def blocks(number: int) -> Iterator[Passages]:
        chance = np.random.default_rng(0)
        for block in range(number):
            hashes = chance.integers(0, 2**63, 20_000).astype(np.uint64)
            starts = np.arange(0, 20_000, 10)
            yield Passages(hashes, starts, np.full(2_000, 10), starts // 50 + 400 * block)

    def peak(number: int) -> int:
        tracemalloc.start()
        Repeats.find(lambda: blocks(number), 5, words=1_000_000)
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return held

    assert peak(24) < 1.2 * peak(4)


def test_what_is_left_out_is_told_by_the_manifest(prepare_records: Callable[..., tuple[CorpusManifest, Path]]) -> None:
    records = [{"id": f"d{n:02}", "label": "", "text": f"{LINES[n % 2]}\n{SENTENCE}"} for n in range(60)]

    manifest, _ = prepare_records(records, repeated_sentences=5)

    assert manifest.repeated is not None
    assert manifest.repeated.sentences == 59
    assert manifest.settings["repeated_sentences"] == 5


def test_a_manifest_of_before_sentences_were_compared_still_loads(
    prepare_records: Callable[..., tuple[CorpusManifest, Path]], records: list[dict[str, str]]
) -> None:
    manifest, _ = prepare_records(records)
    newer = {"corpus_hash", "repeated"}
    contents = {name: getattr(manifest, name) for name in CorpusManifest.model_fields if name not in newer}

    older = CorpusManifest.describing(**contents)

    assert CorpusManifest.model_validate_json(older.encoded()) == older
    assert "repeated" not in json.loads(older.encoded())


def test_one_document_repeats_nothing() -> None:
    with pytest.raises(ValidationError, match="0, or 2 and more are allowed"):
        PreparationSettings(repeated_sentences=1)


def test_a_run_of_marks_takes_a_time_that_grows_with_its_length() -> None:
    begun = time.process_time()

    assert len(sentences_of("." * 400_000 + "a")) == 1

    # Tried at each of its marks, the run would take minutes.
    assert time.process_time() - begun < 10
