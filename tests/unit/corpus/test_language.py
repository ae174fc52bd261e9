from __future__ import annotations

import json

import pytest

from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.language import (
    STOP_WORDS_FILE,
    Lemmas,
    languages_with_lemmas,
    languages_with_stop_words,
    stop_words_of,
)
from training_scripts.corpus.tokens import rule_for
from training_scripts.script_mode import sources

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


def test_a_word_is_stopped_by_its_lemma_too_where_a_person_names_that() -> None:
    assert Lemmas("en", frozenset(), stop_lemmas=frozenset({"bucket"})).key_of("buckets") is None


def test_no_word_becomes_a_stop_word_of_the_language() -> None:
    assert Lemmas("en", frozenset({"bucket"})).key_of("buckets") == "buckets"


@pytest.mark.parametrize("others", [[], ["km", "kilometer"]], ids=["alone", "beside kilometres"])
def test_an_acronym_is_no_form_of_another_word(others: list[str]) -> None:
    assert Lemmas("en", frozenset({"km"})).keys_of(["kms", *others])["kms"] == "kms"


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
    with pytest.raises(CorpusError, match="no list of stop words for the language 'cy': there are am, ar, "):
        stop_words_of("cy")


@pytest.mark.parametrize("language", sorted(languages_with_stop_words()))
def test_every_stop_word_can_be_a_token(language: str) -> None:
    words = stop_words_of(language)

    assert [word for word in sorted(words) if rule_for(language).tokens_of(word) != [word]] == []
    assert len(words) > 70 or language == "ko"


@pytest.mark.parametrize("language", sorted({"ar", "bg", "es", "it", "nl", "pt", "ru", "sv", "uk"}))
def test_common_languages_have_both(language: str) -> None:
    assert language in languages_with_lemmas()
    assert language in languages_with_stop_words()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "microsoft web state group computer system states world information value novel"),
        ("de", "recht staat gruppe jahr netz"),
        ("es", "grupo mundo gobierno vacuna unidos"),
        ("fr", "état groupe monde gens"),
        ("it", "governo gruppo mondo"),
    ],
)
def test_words_that_name_something_are_no_stop_words(language: str, words: str) -> None:
    assert stop_words_of(language) & set(words.split()) == set()


@pytest.mark.parametrize(
    ("language", "words"),
    [("he", "של את הוא היא"), ("fa", "از به که این"), ("it", "della nella anche perché"), ("de", "wurde sowie dabei")],
)
def test_words_that_say_nothing_are_stop_words(language: str, words: str) -> None:
    assert set(words.split()) <= stop_words_of(language)


def test_the_lists_name_their_sources_and_licences() -> None:
    sources = json.loads(STOP_WORDS_FILE.read_bytes())["sources"]

    assert all("MIT" in name or "Apache-2.0" in name for name in sources)


def test_the_lists_travel_to_sparks_container() -> None:
    assert STOP_WORDS_FILE in sources.files("spark").values()
