"""What a preparation passes over, counted and with examples, for the summary that it ends with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from training_scripts.corpus.manifest import CorpusManifest

Reason = Literal["short", "duplicate", "unsegmented"]
EXAMPLES: Final = 3
_EXAMPLE_CHARACTERS: Final = 40
_LOOKED_AT: Final = 2000
"""Documents in which words of a single letter are counted: to look at all would take a tenth of the time."""
_BESIDE_WORDS: Final = ".,;:!?()[]{}<>\"'\u00ab\u00bb\u2018-\u201f\u2026\u0964\u060c\u061f"
_FEW_STOP_WORDS: Final = 0.05
"""Share of stop words under which a text does not seem to be in their language: running text has a quarter or more."""
_MANY_STOP_WORDS: Final = 0.1
_FAR_MORE: Final = 2
"""Neighbours such as Danish and Norwegian share most of their stop words, others a few."""


def letters_of(text: str, tokens: Iterable[str]) -> list[str]:
    """Return the words of one letter of a text that are none of its tokens."""
    known = {token for token in tokens if len(token) == 1}
    words = (word.strip(_BESIDE_WORDS) for word in text.lower().split())
    return [word for word in words if len(word) == 1 and word.isalpha() and word not in known]


@dataclass
class PassedOver:
    """Documents by the reason why they were passed over, words of one letter, and languages that were segmented."""

    numbers: Counter[Reason] = field(default_factory=Counter)
    examples: dict[Reason, list[str]] = field(default_factory=dict)
    letters: Counter[str] = field(default_factory=Counter)
    segmented: Counter[str] = field(default_factory=Counter)
    another_language: str = ""
    """A sentence, where the text does not seem to be in the language of the stop words."""
    _looked_at: int = 0

    def note(self, reason: Reason, document: str) -> None:
        """Count a document, known by its id."""
        self.note_all(reason, 1, [document])

    def note_all(self, reason: Reason, number: int, documents: Iterable[str]) -> None:
        """Count as many documents, of which some are known by their ids."""
        if number:
            self.numbers[reason] += number
            shown = self.examples.setdefault(reason, [])
            shown += islice(documents, EXAMPLES - len(shown))

    def add(self, other: PassedOver) -> None:
        """Count what another has counted, of other documents."""
        for reason, number in other.numbers.items():
            self.note_all(reason, number, other.examples[reason])
        self.letters.update(other.letters)
        self.segmented.update(other.segmented)

    @property
    def looks(self) -> bool:
        """Whether words of one letter are still counted."""
        return self._looked_at < _LOOKED_AT

    def look_at(self, text: str, tokens: Iterable[str]) -> None:
        """Count the words of one letter of a text that are none of its tokens."""
        self._looked_at += 1
        self.letters.update(letters_of(text, tokens))

    def compare(
        self, language: str, totals: Mapping[str, int], stop_words: Mapping[str, frozenset[str]], total: int
    ) -> None:
        """Note it where the words hardly have stop words of their language, and which language's they have.

        Args:
            language: that the documents are said to be in.
            totals: how often each form occurs; of those that are no stop words it does not matter.
            stop_words: of every language, by its code.
            total: how often all forms occur.
        """
        shares = {
            code: sum(totals.get(word, 0) for word in words) / max(total, 1) for code, words in stop_words.items()
        }
        share, best = shares[language], max(shares, key=lambda code: (shares[code], code))
        other = shares[best] >= max(_MANY_STOP_WORDS, _FAR_MORE * share)
        if other or share < _FEW_STOP_WORDS:
            self.another_language = f"{share:.1%} of the words are stop words of --language {language}"
            self.another_language += f", and {shares[best]:.1%} those of {best}" if other else ""

    def sentences(self) -> Iterator[str]:
        """Yield a line for each thing that was passed over."""
        kinds: tuple[tuple[Reason, str], ...] = (
            ("short", "of too few words"),
            ("duplicate", "that came before"),
            ("unsegmented", "in which nothing parts words, counted as they are"),
        )
        for reason, what in kinds:
            if number := self.numbers[reason]:
                shown = ", ".join(map(repr, map(_shortened, self.examples[reason])))
                more = ", …" if number > EXAMPLES else ""
                yield f"{number:,} document{'' if number == 1 else 's'} {what}: {shown}{more}"
        if self.letters:
            shown = ", ".join(f"{letter} ({number:,})" for letter, number in self.letters.most_common(EXAMPLES))
            where = "" if self.looks else f" in the first {_LOOKED_AT:,} documents"
            yield f"{self.letters.total():,} words of one letter{where}, too short to count: {shown}"
        for language, number in sorted(self.segmented.items()):
            yield f"{number:,} documents in {language}, whose words were parted"
        if self.another_language:
            yield f"the documents may be in another language: {self.another_language}"


def _shortened(name: str) -> str:
    return name if len(name) <= _EXAMPLE_CHARACTERS else f"{name[:_EXAMPLE_CHARACTERS]}…"


def summary(manifest: CorpusManifest, folder: Path, outcome: str) -> str:
    """Return what a preparation says of the corpus that it ends with."""
    documents = manifest.documents
    dropped = documents.dropped_short + documents.dropped_without_vocabulary + documents.dropped_duplicate
    return (
        f"{folder}: {outcome} from {manifest.source.name} ({manifest.source.version})\n"
        f"  documents   {documents.train:,} train, {documents.validation:,} validation, {documents.test:,} test; "
        f"{dropped:,} left out ({documents.dropped_short:,} short, {documents.dropped_without_vocabulary:,} without a "
        f"word of the vocabulary, {documents.dropped_duplicate:,} duplicate)\n"
        f"  vocabulary  {manifest.feature_dim:,} words, {manifest.tokens.forms_in_vocabulary:,} surface forms; "
        f"{manifest.tokens.in_vocabulary:,} of {manifest.tokens.total:,} tokens\n"
        f"{_repeated(manifest)}"
        f"  corpus      {manifest.corpus_hash}"
    )


def _repeated(manifest: CorpusManifest) -> str:
    repeated = manifest.repeated
    if repeated is None or not repeated.sentences:
        return ""
    return (
        f"  repeated    {repeated.words:,} words of {repeated.sentences:,} sentences left out, which "
        f"{manifest.settings['repeated_sentences']} documents or more have: they count in one of them\n"
    )
