"""First stage: lines become documents' counts of forms; what is no document is set aside with its reason."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from training_scripts.corpus.counting import digest_of
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.reading.document_words import UnsegmentedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from training_scripts.corpus.documents import Document
    from training_scripts.corpus.manifest import Part
    from training_scripts.corpus.reading.document_words import WordFinder
    from training_scripts.corpus.sources import JsonLines

_SHOWN_CHARACTERS: Final = 200
UNSEGMENTED: Final = "unsegmented text"
"""How the reason begins that ends a preparation, however many lines may be set aside."""
_BOM: Final = "\ufeff"


class Counted(NamedTuple):
    """One document. Where it has fewer words than the least, forms and counts are empty and `short` is true."""

    id: str
    digest: bytes
    label: str
    split: Part | None
    short: bool
    forms: tuple[str, ...]
    counts: tuple[int, ...]
    bytes: int
    language: str
    """That which it was segmented as; empty where it was not."""


class Rejected(NamedTuple):
    """A line that is no document: why, and how it begins."""

    reason: str
    line: str


def read(
    source: JsonLines, finder: WordFinder, least_words: int, lines: Iterable[bytes]
) -> Iterator[Counted | Rejected]:
    """Turn the lines of a partition into counts, or into what is set aside."""
    for raw in lines:
        try:
            line = raw.decode("utf-8").removeprefix(_BOM)
        except UnicodeDecodeError as error:
            reason = f"not UTF-8: byte {error.start + 1} is {raw[error.start]:#04x}"
            yield Rejected(reason, repr(raw)[:_SHOWN_CHARACTERS])
            continue
        if not line.strip():
            continue
        try:
            document = source.parsed(line, "the line")
            yield count(document, finder, least_words, len(raw))
        except UnsegmentedError as error:
            yield Rejected(f"{UNSEGMENTED}: {error}", line[:_SHOWN_CHARACTERS])
        except CorpusError as error:
            yield Rejected(str(error), line[:_SHOWN_CHARACTERS])


def count(document: Document, finder: WordFinder, least_words: int, size: int) -> Counted:
    """Count the forms of a document.

    Raises:
        CorpusError: its id or label cannot be written, or nothing parts its words.
    """
    digest = digest_of(document)
    tokens, language, _ = finder.words_of(document.text)
    short = len(tokens) < least_words
    occurrences = Counter(() if short else tokens)
    return Counted(
        document.id,
        digest,
        document.label,
        document.split,
        short,
        tuple(occurrences),
        tuple(occurrences.values()),
        size,
        language,
    )
