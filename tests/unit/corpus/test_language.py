from __future__ import annotations

import pytest

from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.language import Lemmas, languages_with_lemmas, stop_words_of

ENGLISH = Lemmas("en", stop_words_of("en"))


@pytest.mark.parametrize(
    ("form", "key"),
    [
        ("buckets", "bucket"),
        ("policies", "policy"),
        ("amazon's", "amazon"),
        ("amazon\N{RIGHT SINGLE QUOTATION MARK}s", "amazon"),
        ("deleted", "delete"),
        ("kubernetes", "kubernetes"),
    ],
)
def test_the_forms_of_a_word_have_one_key(form: str, key: str) -> None:
    assert ENGLISH.key_of(form) == key


@pytest.mark.parametrize("form", ["the", "don't", "don\N{RIGHT SINGLE QUOTATION MARK}t", "we'll", "i've", "was"])
def test_stop_words_and_contractions_of_them_have_none(form: str) -> None:
    assert ENGLISH.key_of(form) is None


def test_a_word_is_stopped_by_its_lemma_too() -> None:
    assert Lemmas("en", frozenset({"bucket"})).key_of("buckets") is None


def test_a_form_that_is_the_lemma_of_another_stands_for_itself() -> None:
    german = Lemmas("de", frozenset())

    assert german.keys_of(["haus"]) == {"haus": "hausen"}
    assert german.keys_of(["haus", "häuser"]) == {"haus": "haus", "häuser": "haus"}


def test_without_lemmas_each_form_is_its_own_key() -> None:
    assert Lemmas("en", frozenset({"the"}), lemmatise=False).key_of("buckets") == "buckets"


@pytest.mark.parametrize(
    ("language", "form"),
    [
        ("uk", "сім'я"),
        ("uk", "м'яч"),
        ("uk", "під'їзд"),
        ("fr", "presqu'île"),
        ("en", "o'reilly"),
        ("en", "rock'n'roll"),
    ],
)
def test_an_apostrophe_that_is_a_letter_parts_no_word(language: str, form: str) -> None:
    assert Lemmas(language, stop_words_of(language)).key_of(form) == form


@pytest.mark.parametrize(("language", "form", "key"), [("de", "häuser", "haus"), ("fr", "l'homme", "homme")])
def test_other_languages_have_lemmas_in_lower_case(language: str, form: str, key: str) -> None:
    assert Lemmas(language, stop_words_of(language)).key_of(form) == key


def test_an_unknown_language_is_refused_with_those_there_are() -> None:
    with pytest.raises(CorpusError, match="no lemmas for the language 'xx': there are ar, "):
        Lemmas("xx", frozenset())
    with pytest.raises(CorpusError, match="no list of stop words for the language 'cy': there are ar, "):
        stop_words_of("cy")


@pytest.mark.parametrize("language", sorted({"ar", "bg", "es", "it", "nl", "pt", "ru", "sv", "uk"}))
def test_common_languages_have_both(language: str) -> None:
    assert language in languages_with_lemmas()
    assert len(stop_words_of(language)) > 80
