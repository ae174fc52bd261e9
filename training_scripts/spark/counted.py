"""First stage: lines become documents' counts of forms; what is no document is set aside with its reason."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from training_scripts.corpus.counting import digest_of
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.passed_over import PassedOver, letters_of
from training_scripts.corpus.reading.document_words import UnsegmentedError
from training_scripts.corpus.reading.repeats import row_of
from training_scripts.corpus.sources.rejected import SHOWN_CHARACTERS, UNSEGMENTED, Rejected
from training_scripts.plain_text import UTF_8

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from training_scripts.corpus.documents import Document
    from training_scripts.corpus.manifest import Part
    from training_scripts.corpus.reading.document_words import WordFinder
    from training_scripts.corpus.sources import JsonLines

_BOM: Final = "\ufeff"


class Counted(NamedTuple):
    """One document. Where it has fewer words than the least, forms, counts and row are empty and `short` is true."""

    id: str
    digest: bytes
    label: str
    split: Part | None
    short: bool
    forms: tuple[str, ...]
    counts: tuple[int, ...]
    row: bytes
    """The places in `forms` of its words in order, as C ints, with END after each sentence."""
    bytes: int
    language: str
    """That which it was segmented as; empty where it was not."""
    script: str
    """That of a text in which nothing parts words, and which is counted as it is; empty of others."""
    letters: str
    """Its words of one letter that no rule counts."""


def read(
    source: JsonLines, finder: WordFinder, least_words: int, lines: Iterable[bytes]
) -> Iterator[Counted | Rejected]:
    """Turn the lines of a partition into counts, or into what is set aside."""
    for raw in lines:
        try:
            line = raw.decode(source.encoding or UTF_8).removeprefix(_BOM)
        except UnicodeDecodeError as error:
            place = f"byte {error.start + 1} is {raw[error.start]:#04x}"
            reason = f"not {error.encoding.upper()}: {place}; name its encoding with --encoding"
            yield Rejected(reason, repr(raw)[:SHOWN_CHARACTERS])
            continue
        if not line.strip():
            continue
        try:
            document = source.parsed(line, "the line")
            yield count(document, finder, least_words, len(raw))
        except UnsegmentedError as error:
            yield Rejected(f"{UNSEGMENTED}: {error}", line[:SHOWN_CHARACTERS])
        except CorpusError as error:
            yield Rejected(str(error), line[:SHOWN_CHARACTERS])


def count(document: Document, finder: WordFinder, least_words: int, size: int) -> Counted:
    """Count the forms of a document.

    Raises:
        CorpusError: its id or label cannot be written, or nothing parts its words.
    """
    digest = digest_of(document)
    words = finder.words_of(document.text)
    short = sum(map(len, words.sentences)) < least_words
    occurrences = Counter(() if short else words.tokens)
    places = {form: place for place, form in enumerate(occurrences)}
    return Counted(
        document.id,
        digest,
        document.label,
        document.split,
        short,
        tuple(occurrences),
        tuple(occurrences.values()),
        b"" if short else array("i", row_of(words.sentences, places.__getitem__)).tobytes(),
        size,
        words.language,
        words.script,
        "".join(letters_of(finder.plain.text_of(document.text), words.tokens)),
    )


def passed_over(documents: Iterable[Counted]) -> PassedOver:
    """Return what of documents was passed over."""
    passed = PassedOver()
    for document in documents:
        passed.letters.update(document.letters)
        passed.note_all("short", int(document.short), [document.id])
        passed.note_all("unsegmented", int(bool(document.script)), [document.id])
        if document.language:
            passed.segmented[document.language] += 1
    return passed
