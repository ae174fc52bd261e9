"""What a language brings: its stop words, and the lemma that stands for a word's forms."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import simplemma
import simplemma.strategies.dictionaries
from simplemma.strategies import DefaultStrategy

from training_scripts.corpus.clitics import ENGLISH_ENDINGS
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.tokens import rule_for
from training_scripts.versions import sha256_hex

if TYPE_CHECKING:
    from collections.abc import Iterable

    from training_scripts.corpus.token_rule import TokenRule

LIBRARY: Final = "simplemma"
STOP_WORDS_FILE: Final = Path(__file__).with_name("stop_words.json")
"""The stop words of each language, with their sources and licences."""

CURLY_APOSTROPHE = "\u2019"
_LONGEST_ACRONYM = 3


def library_versions() -> dict[str, str]:
    """Return the releases of the data that decide what a form's word is."""
    return {LIBRARY: version(LIBRARY), "stop-words": sha256_hex(STOP_WORDS_FILE.read_bytes())}


@cache
def languages_with_stop_words() -> dict[str, str]:
    """Return the stop words of each language, with blanks between them."""
    words: dict[str, str] = json.loads(STOP_WORDS_FILE.read_bytes())["words"]
    return words


@cache
def languages_with_lemmas() -> frozenset[str]:
    """Return the codes of the languages that simplemma has a dictionary of."""
    folder = Path(simplemma.strategies.dictionaries.__file__).parent / "data"
    return frozenset(path.name.partition(".")[0] for path in folder.iterdir() if path.name.endswith(".plzma"))


def stop_words_of(language: str, rule: TokenRule | None = None) -> frozenset[str]:
    """Return the stop words of a language as a rule, that of the language if None, looks for its words.

    Raises:
        CorpusError: there is no list of the language.
    """
    if language not in languages_with_stop_words():
        known = ", ".join(sorted(languages_with_stop_words()))
        raise CorpusError(f"there is no list of stop words for the language {language!r}: there are {known}")
    return frozenset(map((rule or rule_for(language)).normalised, languages_with_stop_words()[language].split()))


def stop_words_by_language(rule: TokenRule) -> dict[str, frozenset[str]]:
    """Return the stop words of every language that has a list, by its code."""
    return {language: stop_words_of(language, rule) for language in languages_with_stop_words()}


def among(form: str, key: str | None, is_lemma_of_another: bool) -> str | None:
    """Return a form's key among other forms, given the key it has alone."""
    return form if key is not None and is_lemma_of_another else key


@dataclass(frozen=True)
class Lemmas:
    """Gives each form the key under which it is counted, or none where it is a stop word.

    Attributes:
        language: a code such as `en`.
        stop_words: forms that are left out. A form that has one for its lemma stands for itself: no word becomes one.
        stop_lemmas: what is left out with all its forms.
        kept_words: forms that stand for themselves, even where their lemma is a stop word.
        lemmatise: False counts every form by itself.
        rule: how words are looked for; that of the language if None.
    """

    language: str
    stop_words: frozenset[str]
    kept_words: frozenset[str] = frozenset()
    lemmatise: bool = True
    rule: TokenRule | None = None
    stop_lemmas: frozenset[str] = frozenset()
    _lemmatizer: simplemma.Lemmatizer = field(init=False, repr=False, compare=False)
    token_rule: TokenRule = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.lemmatise and self.language not in languages_with_lemmas():
            known = ", ".join(sorted(languages_with_lemmas()))
            raise CorpusError(f"there are no lemmas for the language {self.language!r}: there are {known}")
        lemmatizer = simplemma.Lemmatizer(cache_max_size=0, lemmatization_strategy=DefaultStrategy())
        object.__setattr__(self, "_lemmatizer", lemmatizer)
        object.__setattr__(self, "token_rule", self.rule or rule_for(self.language))

    def key_of(self, form: str) -> str | None:
        """Return the key of a form, its lemma in lower case; None for a stop word."""
        plain = form.replace(CURLY_APOSTROPHE, "'")
        if plain in self.kept_words:
            return plain
        if plain in self.stop_words or plain in self.stop_lemmas or self._is_contraction(plain):
            return None
        # What looks like a short form is more often an acronym: KMS is no plural of a kilometre.
        is_acronym = len(plain) <= _LONGEST_ACRONYM and plain.isascii()
        key = self._lemma(plain) if self.lemmatise and not is_acronym else plain
        if key in self.stop_lemmas:
            return None
        return plain if key in self.stop_words else key

    def keys_of(self, forms: Iterable[str]) -> dict[str, str | None]:
        """Return the key of each form where these are all there are: forms of one key are one word.

        A form that is the lemma of another stands for itself, whatever the dictionary makes of it alone: with "häuser"
        about, "haus" is the house, and not a form of "hausen".
        """
        keys = {form: self.key_of(form) for form in forms}
        lemmas_of_others = {key for form, key in keys.items() if key != form}
        return {form: among(form, key, form in lemmas_of_others) for form, key in keys.items()}

    def _lemma(self, form: str) -> str:
        lemma = self.token_rule.normalised(self._lemmatizer.lemmatize(form, self.language))
        if "'" not in lemma:
            return lemma
        # Neither a name with its possessive ending nor one with its article is in the dictionary: "amazon's".
        stem = self._without_clitics(form)
        return lemma if stem == form else self.token_rule.normalised(self._lemmatizer.lemmatize(stem, self.language))

    def _without_clitics(self, form: str) -> str:
        if self.language == "en":
            stem, _, ending = form.rpartition("'")
            return self._without_clitics(stem) if stem and ending in ENGLISH_ENDINGS else form
        # The forms of a corpus of version 1 still have them.
        words = rule_for(self.language).tokens_of(form)
        return words[0] if len(words) == 1 else form

    def _is_contraction(self, form: str) -> bool:
        """Whether it is a stop word with what English cuts to it: "we'll", "i've"."""
        head, *tails = form.split("'")
        return self.language == "en" and bool(tails) and head in self.stop_words and ENGLISH_ENDINGS.issuperset(tails)
