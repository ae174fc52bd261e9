"""The settings of corpus preparation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator, model_validator

from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.reading.document_words import WordFinder
from training_scripts.corpus.reading.plain_text import PlainText
from training_scripts.corpus.reading.text_rule import Html, reading_rule, written_rule
from training_scripts.corpus.reading.word_lists import read_list, read_vocabulary
from training_scripts.corpus.surface_forms import SurfaceForms, is_table
from training_scripts.corpus.token_rule import TokenRule, rule_of
from training_scripts.corpus.tokens import rule_for
from training_scripts.versions import canonical_json, sha256_hex

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Mapping
    from pathlib import Path

MAX_TRAIN_SHARDS = 512
"""The manifest lists every shard, and stays under its size limit."""
CHOOSING: Final = ("max_features", "max_df", "min_df")
"""What chooses words, and so has no meaning where they are given."""
_FROM_FILES: Final = ("stop_words", "keep_words", "vocabulary")
_NUMBER_OF_NAMED_WORDS = 20


class PreparationSettings(BaseModel):
    """What decides, beside the documents, what a corpus holds.

    Attributes:
        language: code of the language of the documents, for stop words and lemmas.
        lemmas: whether the forms of a word are counted as one word.
        language_stop_words: whether the language's stop words are left out.
        stop_words: more words to leave out.
        keep_words: stop words of the language to count all the same.
        vocabulary: given words, in id order, or None to choose them.
        vocabulary_rule: JSON of the rule that the given words were found by, or None for that of the language.
        html: whether documents are HTML, of which entities are resolved and tags dropped; `auto` sees for each.
        segmentation: `auto` parts the words of texts in which nothing does; `no` counts such texts as they are.
        max_features: the most words that are chosen.
        max_df: a chosen word is in at most this share of the training documents.
        min_df: a chosen word is in at least this many training documents.
        least_words: documents of fewer words, stop words included, are left out.
        repeated_sentences: sentences of this many documents are kept in the one of the smallest id only; 0 keeps all.
        validation: share of the documents for validation (of the training documents, where the source has train and
            test only).
        test: share of the documents for test, where the source has no split.
        seed: decides the split and the order of records.
        train_shards: number of files the training part is dealt to; training on several instances needs one each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str = "en"
    lemmas: bool = True
    language_stop_words: bool = True
    stop_words: tuple[str, ...] = ()
    keep_words: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] | None = None
    vocabulary_rule: str | None = None
    html: Html = "auto"
    segmentation: Literal["auto", "no"] = "auto"
    max_features: Annotated[int, Field(ge=2, le=1_000_000)] = 2000
    max_df: Annotated[float, Field(gt=0, le=1)] = 0.95
    min_df: Annotated[int, Field(ge=1)] = 2
    least_words: Annotated[int, Field(ge=1)] = 5
    repeated_sentences: Annotated[int, Field(ge=0)] = 5
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.1
    test: Annotated[float, Field(gt=0, lt=1)] = 0.1
    seed: int = 0
    train_shards: Annotated[int, Field(ge=1, le=MAX_TRAIN_SHARDS)] = 4

    @field_validator("repeated_sentences")
    @classmethod
    def _what_one_document_has_is_not_repeated(cls, value: int) -> int:
        if value == 1:
            raise ValueError("1 document repeats nothing: 0, or 2 and more are allowed")
        return value

    @model_validator(mode="after")
    def _something_is_left_to_train_on(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError(f"validation {self.validation} and test {self.test} leave nothing to train on")
        return self

    @property
    def rule(self) -> TokenRule:
        """The rule by which the documents' words are found."""
        return rule_for(self.language) if self.vocabulary_rule is None else rule_of(json.loads(self.vocabulary_rule))

    @property
    def finder(self) -> WordFinder:
        """What finds the words of documents."""
        given = self.vocabulary_rule
        plain = reading_rule(self.html) if given is None else PlainText(json.loads(given))
        return WordFinder(self.rule, plain, self.language, self.segmentation == "auto")

    def written_text_rule(self, words: Iterable[str], languages: Iterable[str]) -> PlainText:
        """Return what a server reads documents by.

        Args:
            words: of the vocabulary.
            languages: those that documents were segmented as.
        """
        if self.vocabulary_rule is not None:
            return PlainText(json.loads(self.vocabulary_rule))
        return written_rule(self.html, words, languages if self.segmentation == "auto" else None)

    def for_manifest(self) -> dict[str, JsonValue]:
        """Return the settings as the manifest keeps them: long lists of words by number and hash."""
        contents: dict[str, JsonValue] = self.model_dump(mode="json")
        for name in ("stop_words", "keep_words", "vocabulary"):
            words = contents[name]
            if isinstance(words, list) and len(words) > _NUMBER_OF_NAMED_WORDS:
                contents[name] = {"words": len(words), "sha256": sha256_hex(canonical_json(words))}
        if self.vocabulary_rule is None:
            del contents["vocabulary_rule"]
        else:
            contents["vocabulary_rule"] = {"sha256": sha256_hex(self.vocabulary_rule.encode())}
        return contents


def settings_given(options: Namespace, recommended: Mapping[str, int | float]) -> PreparationSettings:
    """Return the settings that a command's options give, and where they are None a source recommends.

    Words that are of a corpus bring its language, and the rule by which it finds them.

    Raises:
        CorpusError: an option is not what it should be, or has no meaning beside another.
    """
    given = {
        name: value
        for name in PreparationSettings.model_fields
        if name not in _FROM_FILES and (value := getattr(options, name, None)) is not None
    }
    path: Path | None = options.vocabulary
    kept = None if path is None else SurfaceForms.of_vocabulary(path)
    if path is not None and (clashing := [name for name in CHOOSING if name in given]):
        raise CorpusError(f"{_option(clashing[0])} has no meaning beside --vocabulary, which is frozen")
    if kept is not None:
        if "html" in given:
            raise CorpusError(
                "--html has no meaning beside the --vocabulary of a corpus, which says how texts are read"
            )
        given = {"language": kept.language, **given, "vocabulary_rule": kept.encoded_rule()}
    rule = kept.rule if kept is not None else rule_for(given.get("language", PreparationSettings().language))
    if path is not None:
        given["vocabulary"] = kept.words if kept is not None and is_table(path) else read_vocabulary(path, rule)
    for name in ("stop_words", "keep_words"):
        if (words := getattr(options, name)) is not None:
            given[name] = read_list(words, rule)
    try:
        return PreparationSettings.model_validate({**recommended, **given})
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"{_option(str(name))} is {first['input']!r}: " for name in first["loc"][:1])
        raise CorpusError(f"{where}{first['msg']}") from None


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
