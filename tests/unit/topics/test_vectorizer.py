from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_scripts import recordio

from topics_function.reading.vectorizer import Vocabulary, VocabularyError, document_rows
from url_functions.problems import Code, Problem

FILE = {
    "schema_version": 1,
    "pattern": r"[^\W\d_]+",
    "lowercase": True,
    "feature_dim": 2,
    "words": ["car", "train"],
    "forms": {"car": 0, "trains": 1},
}
MakeVocabulary = Callable[..., Vocabulary]


@pytest.mark.parametrize(
    ("text", "counts", "known", "words"),
    [
        ("Bikes? My bike, two CARS and a train.", {0: 1, 1: 1, 2: 1}, 3, 8),
        ("car car car", {1: 3}, 3, 3),
        ("", {}, 0, 0),
        ("nothing known", {}, 0, 2),
    ],
)
def test_surface_forms_are_counted_as_their_word(
    make_vocabulary: MakeVocabulary, text: str, counts: dict[int, int], known: int, words: int
) -> None:
    counted = make_vocabulary().count(text)

    assert (counted.counts, counted.known, counted.words) == (counts, known, words)


def test_decomposed_letters_are_composed_before_they_are_looked_up(make_vocabulary: MakeVocabulary) -> None:
    vocabulary = make_vocabulary({"café": 0})

    assert vocabulary.count("cafe\u0301").counts == {0: 1}


def test_the_unknown_share_is_one_for_a_document_without_words(make_vocabulary: MakeVocabulary) -> None:
    assert make_vocabulary().count("1234 !").unknown_share == 1
    assert make_vocabulary().count("car unseen words here").unknown_share == 0.75


def test_a_stop_word_is_neither_known_nor_unknown() -> None:
    vocabulary = Vocabulary.from_json(json.dumps(FILE | {"stop_forms": ["the", "and", "car"]}).encode())

    counted = vocabulary.count("The car and the bicycle")

    # What has been given an id counts, whatever else is said of it.
    assert (counted.counts, counted.known, counted.words, counted.unknown_share) == ({0: 1}, 1, 2, 0.5)
    assert vocabulary.count("and the").unknown_share == 1


@given(st.lists(st.text(max_size=60) | st.integers() | st.none(), max_size=6))
def test_any_list_of_documents_gives_a_row_or_a_problem_each(documents: list[object]) -> None:
    vocabulary = Vocabulary.from_json(json.dumps(FILE).encode())

    rows, counted = document_rows(documents, vocabulary, "/documents/{}".format)

    assert len(rows) == len(counted) == len(documents)
    for index, row in enumerate(rows):
        if isinstance(row, Problem):
            assert row.pointer == f"/documents/{index}"
        else:
            assert recordio.read_records(row).shape == (1, 2)


def test_a_document_with_no_known_word_is_a_problem_that_does_not_quote_it(make_vocabulary: MakeVocabulary) -> None:
    rows, _ = document_rows(["secret words"], make_vocabulary(), lambda _index: None)

    assert isinstance(rows[0], Problem)
    assert rows[0].code == Code.NO_KNOWN_WORDS
    assert "secret" not in rows[0].to_json()


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 2},
        {"words": ["car"]},
        {"forms": {}},
        {"forms": {"car": 2}},
        {"forms": {"car": True}},
        {"pattern": "("},
        {"normalisation": "rot13"},
        {"stop_forms": "the"},
        {"stop_forms": [1]},
    ],
)
def test_a_vocabulary_file_of_another_kind_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(VocabularyError):
        Vocabulary.from_json(json.dumps(FILE | change).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b'{"schema_version":1}'])
def test_what_is_no_vocabulary_file_is_refused(data: bytes) -> None:
    with pytest.raises(VocabularyError):
        Vocabulary.from_json(data)
