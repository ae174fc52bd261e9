from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from training_scripts.corpus.counting import FormCounts, count_forms
from training_scripts.corpus.documents import Document
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.language import Lemmas, stop_words_of
from training_scripts.corpus.progress import Progress
from training_scripts.corpus.reading.word_lists import read_list, read_vocabulary
from training_scripts.corpus.settings import PreparationSettings
from training_scripts.corpus.split import Splitter
from training_scripts.corpus.vocabulary import choose, freeze

if TYPE_CHECKING:
    from collections.abc import Iterable
from pathlib import Path
from typing import Any

NO_LEMMAS = Lemmas("en", frozenset(), lemmatise=False)
ENGLISH = Lemmas("en", stop_words_of("en"))


FINDER = PreparationSettings().finder


def counted(documents: Iterable[Document]) -> FormCounts:
    return count_forms(
        documents, finder=FINDER, least_words=1, repeated_sentences=0, has_ids=True, progress=Progress("test")
    )


def in_training(found: FormCounts) -> np.ndarray:
    parts = Splitter(validation=0.2, test=0.2, seed=0).parts_of(found.ids, found.splits)
    return np.array([part == "train" for part in parts])


def of_texts(*texts: str) -> FormCounts:
    return counted(Document(str(number), "", text, "train") for number, text in enumerate(texts))


@pytest.fixture(scope="module")
def documents(api_documents: list[Document]) -> list[Document]:
    return sorted(api_documents[::15], key=lambda document: document.id)


@pytest.mark.parametrize("lemmas", [NO_LEMMAS, ENGLISH], ids=["forms", "lemmas"])
def test_words_and_counts_are_those_of_scikit_learn(documents: list[Document], lemmas: Lemmas) -> None:
    found = counted(documents)
    key_of = lemmas.keys_of(found.forms)

    def analyzer(text: str) -> list[str]:
        return [key for token in FINDER.words_of(text).tokens if (key := key_of[token]) is not None]

    kept = [document for document in documents if document.id in set(found.ids)]
    trains = in_training(found)
    vectorizer = CountVectorizer(analyzer=analyzer, min_df=3, max_df=0.3)
    vectorizer.fit(document.text for document, train in zip(kept, trains, strict=True) if train)
    expected = vectorizer.transform(document.text for document in kept)

    vocabulary = choose(found.counts, found.forms, trains, lemmas.keys_of, max_features=100_000, max_df=0.3, min_df=3)
    counts = vocabulary.count(found.counts, found.forms)

    keys = [key_of[word] for word in vocabulary.words]
    assert sorted(map(str, keys)) == vectorizer.get_feature_names_out().tolist()
    columns = [vectorizer.vocabulary_[key] for key in keys]
    assert (counts != expected[:, columns]).nnz == 0


def test_the_words_of_most_documents_are_taken_and_ties_by_the_alphabet() -> None:
    found = of_texts("pear plum fig", "pear plum kiwi", "pear fig kiwi", "pear date")

    vocabulary = choose(
        found.counts, found.forms, in_training(found), NO_LEMMAS.keys_of, max_features=3, max_df=1, min_df=1
    )

    assert vocabulary.words == ("fig", "kiwi", "pear")


def test_only_training_documents_decide_but_all_give_forms() -> None:
    found = counted(
        [
            Document("1", "", "bucket policy", "train"),
            Document("2", "", "bucket policy", "train"),
            Document("3", "", "buckets policies zebra zebra", "test"),
            Document("4", "", "zebra", "test"),
        ]
    )

    vocabulary = choose(
        found.counts, found.forms, in_training(found), ENGLISH.keys_of, max_features=9, max_df=1, min_df=1
    )

    assert vocabulary.words == ("bucket", "policy")
    assert vocabulary.form_ids == {"bucket": 0, "buckets": 0, "policies": 1, "policy": 1}


def test_a_word_is_written_as_its_commonest_form() -> None:
    found = of_texts("deletes deletes deleting pod", "deletes delete pods pod")

    vocabulary = choose(
        found.counts, found.forms, in_training(found), ENGLISH.keys_of, max_features=9, max_df=1, min_df=1
    )

    assert vocabulary.words == ("deletes", "pod")


def test_a_spanish_word_is_not_written_as_a_lemma_that_is_another_word() -> None:
    found = of_texts("vacuna unidos vacuna unidos unir", "vacuna unidos vacuno")
    spanish = Lemmas("es", stop_words_of("es"))

    vocabulary = choose(
        found.counts, found.forms, in_training(found), spanish.keys_of, max_features=9, max_df=1, min_df=1
    )

    assert vocabulary.words == ("unidos", "vacuna")


@pytest.mark.parametrize("texts", [["same same", "same"], ["one", "two"], ["the", "and"]])
def test_a_vocabulary_of_less_than_two_words_is_refused(texts: list[str]) -> None:
    found = of_texts(*texts)
    with pytest.raises(CorpusError, match=r"the vocabulary has [01] words?, where at least 2 are needed"):
        choose(found.counts, found.forms, in_training(found), ENGLISH.keys_of, max_features=9, max_df=1, min_df=2)


def test_given_words_keep_their_ids_and_meet_the_same_forms_again(documents: list[Document]) -> None:
    found = counted(documents)
    chosen = choose(
        found.counts, found.forms, in_training(found), ENGLISH.keys_of, max_features=500, max_df=0.5, min_df=2
    )

    frozen = freeze(chosen.words, found.forms, ENGLISH.keys_of)

    assert frozen == chosen


def test_given_words_need_not_be_lemmas_or_occur() -> None:
    frozen = freeze(
        ["zebra", "buckets", "policy"], ["bucket", "buckets", "policies", "policy's", "other"], ENGLISH.keys_of
    )

    assert frozen.form_ids == {"bucket": 1, "buckets": 1, "policies": 2, "policy's": 2}


def test_counts_are_whole_whatever_the_order_of_documents(documents: list[Document]) -> None:
    one, other = counted(documents), counted(reversed(documents))

    assert (one.ids, one.labels, one.forms, one.documents_hash) == (
        other.ids,
        other.labels,
        other.forms,
        other.documents_hash,
    )
    np.testing.assert_array_equal(one.counts.toarray(), other.counts.toarray())


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"one\n\ntwo\n", "line 2 of the list of words .* is empty"),
        (b"one\ntwo\none\n", "line 3 of the list of words .* repeats the word 'one' of line 1"),
        (b"one\nOne\n", "line 2 of the list of words .* repeats the word 'one' of line 1"),
        (b"one\n", "holds 1, where at least 2 must be"),
        (b"", "holds 0, where at least 2 must be"),
        (b"on\xff\n", "is not UTF-8 at byte 3"),
    ],
)
def test_a_faulty_list_of_words_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    (tmp_path / "vocab.txt").write_bytes(content)

    with pytest.raises(CorpusError, match=complaint):
        read_vocabulary(tmp_path / "vocab.txt", FINDER.rule)


def test_words_of_a_corpus_whose_list_was_changed_are_refused(corpus_folder: Path, tmp_path: Path) -> None:
    changed = shutil.copytree(corpus_folder, tmp_path / "corpus")
    assert len(read_vocabulary(changed, FINDER.rule)) == 50
    (changed / "auxiliary" / "vocab.txt").write_text("other\nwords\n")

    with pytest.raises(CorpusError, match="vocab.txt has other bytes than"):
        read_vocabulary(changed, FINDER.rule)


def test_lines_of_a_list_are_read_as_words_are_looked_for(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_bytes("\ufeff# ours\r\nBread \r\n\r\ncafe\u0301\nbread\na\n".encode())

    assert read_list(tmp_path / "words.txt", FINDER.rule) == ("bread", "caf\u00e9")


def test_lines_of_a_vocabulary_keep_their_order(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_bytes("\ufeffZebra\n apple \ncafe\u0301\n".encode())

    assert read_vocabulary(tmp_path / "vocab.txt", FINDER.rule) == ("zebra", "apple", "caf\u00e9")


@pytest.mark.parametrize(
    ("line", "read_as"),
    [
        ("machine learning", "it is read as 'machine', 'learning'"),
        ("machine_learning", "it is read as 'machine', 'learning'"),
        ("c++", "it is read as none"),
        ("42", "it is read as none"),
        ("bread # sold daily", "it is read as 'bread', 'sold', 'daily'"),
    ],
)
@pytest.mark.parametrize("read", [read_vocabulary, read_list])
def test_a_line_that_can_be_no_word_of_a_document_is_named(tmp_path: Path, line: str, read_as: str, read: Any) -> None:
    (tmp_path / "words.txt").write_text(f"apple\nbread\n{line}\n")

    with pytest.raises(CorpusError, match=f"line 3 of the list of words .*, which is not one word: {read_as}"):
        read(tmp_path / "words.txt", FINDER.rule)
