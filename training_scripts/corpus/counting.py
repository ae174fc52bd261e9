"""Counts of surface forms a document: what is left of the documents once their texts have been read."""

from __future__ import annotations

import hashlib
import tempfile
from array import array
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_matrix, vstack

from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.manifest import RepeatedSentences
from training_scripts.corpus.passed_over import PassedOver
from training_scripts.corpus.reading.document_words import UnsegmentedError
from training_scripts.corpus.reading.repeats import END, Passages, Repeats, hash_of, row_of
from training_scripts.corpus.sources.files import is_encodable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from training_scripts.corpus.documents import Document
    from training_scripts.corpus.manifest import Part
    from training_scripts.corpus.progress import Progress
    from training_scripts.corpus.reading.document_words import WordFinder

_SPOOL_MEMORY_BYTES: Final = 1 << 26
_BLOCK_WORDS: Final = 1 << 20
"""Words that are worked on at a time; a longer document is a block of its own."""


@dataclass(frozen=True)
class FormCounts:
    """Documents as counts of surface forms, ordered by id, so that the order of reading leaves no trace.

    Attributes:
        ids: document ids, in order.
        labels: their labels.
        splits: the parts that the source has chosen for them, None where it has not.
        forms: surface forms, in order; the columns of `counts`.
        counts: shape (documents, forms), int64.
        dropped_short: documents left out because they have fewer words than the least.
        dropped_duplicate: documents without an id of their own left out because their text had been seen.
        languages: those that documents were segmented as.
        documents_hash: SHA-256 over all documents read, whatever their order.
        repeated: what was left out of the documents as repeated in others.
    """

    ids: list[str]
    labels: list[str]
    splits: list[Part | None]
    forms: list[str]
    counts: csr_matrix
    dropped_short: int
    dropped_duplicate: int
    documents_hash: str
    repeated: RepeatedSentences
    languages: frozenset[str] = frozenset()


def count_forms(
    documents: Iterable[Document],
    *,
    finder: WordFinder,
    least_words: int,
    repeated_sentences: int,
    has_ids: bool,
    progress: Progress,
    passed: PassedOver | None = None,
) -> FormCounts:
    """Count the forms of each document, keeping no text.

    Args:
        documents: in any order.
        finder: finds their words.
        least_words: documents of fewer words are left out.
        repeated_sentences: sentences of this many documents count in the one of the smallest id only; 0 counts all.
        has_ids: whether two documents of one id are an error, or one text that came twice.
        progress: told of each document.
        passed: told of what is passed over.

    Raises:
        CorpusError: two documents have one id, or nothing is left.
    """
    with closing(_Rows()) as rows:
        return _counted(
            documents,
            rows,
            finder,
            least_words,
            repeated_sentences,
            has_ids=has_ids,
            progress=progress,
            passed=passed or PassedOver(),
        )


def _counted(
    documents: Iterable[Document],
    rows: _Rows,
    finder: WordFinder,
    least_words: int,
    repeated_sentences: int,
    *,
    has_ids: bool,
    progress: Progress,
    passed: PassedOver,
) -> FormCounts:
    kept: dict[str, _Kept] = {}
    digests: dict[str, bytes] = {}
    dropped_short = 0
    dropped_duplicate = 0
    for number, document in enumerate(documents, start=1):
        progress.tell(f"{number:,} documents read")
        digest = digest_of(document)
        if document.id in digests:
            if has_ids:
                raise CorpusError(f"two documents have the id {document.id!r}: ids must differ")
            dropped_duplicate += 1
            passed.note("duplicate", document.id)
            # Which of the copies comes first must not matter. They have one text, which has been counted.
            if digest < digests[document.id]:
                digests[document.id] = digest
                if document.id in kept:
                    kept[document.id] = replace(kept[document.id], label=document.label, split=document.split)
            continue
        digests[document.id] = digest
        sentences = _sentences(document, finder, passed)
        if sum(map(len, sentences)) < least_words:
            dropped_short += 1
            passed.note("short", document.id)
            continue
        kept[document.id] = _Kept(document.label, document.split, *rows.add(sentences))
    if not digests:
        raise CorpusError("the source holds no documents")
    if not kept:
        raise CorpusError(f"none of the {len(digests):,} documents has {least_words} words or more")
    ids = sorted(kept)
    progress.tell("looking for repeated sentences")
    counts, repeated = _matrix(rows, [kept[name] for name in ids], repeated_sentences)
    return FormCounts(
        ids=ids,
        labels=[kept[name].label for name in ids],
        splits=[kept[name].split for name in ids],
        forms=sorted(rows.column_of),
        counts=counts,
        dropped_short=dropped_short,
        dropped_duplicate=dropped_duplicate,
        documents_hash=hashlib.sha256(b"".join(sorted(digests.values()))).hexdigest(),
        repeated=repeated,
        languages=frozenset(passed.segmented),
    )


def _sentences(document: Document, finder: WordFinder, passed: PassedOver) -> list[list[str]]:
    try:
        words = finder.words_of(document.text)
    except UnsegmentedError as error:
        raise UnsegmentedError(f"document {document.id!r}: {error}") from None
    if words.language:
        passed.segmented[words.language] += 1
    if words.script:
        passed.note("unsegmented", document.id)
    if passed.looks:
        passed.look_at(finder.plain.text_of(document.text), words.tokens)
    return words.sentences


@dataclass(frozen=True, slots=True)
class _Kept:
    label: str
    split: Part | None
    start: int
    """Where its row of words starts in the spool."""
    length: int


class _Columns(dict[str, int]):
    """The number of each form; one that is new has the next."""

    def __missing__(self, form: str) -> int:
        self[form] = number = len(self)
        return number


class _Rows:
    """The documents' words in order, by number, in a temporary file: where they are many they fit no memory."""

    def __init__(self) -> None:
        self.column_of = _Columns()
        self._spool = tempfile.SpooledTemporaryFile(max_size=_SPOOL_MEMORY_BYTES)  # noqa: SIM115 (closed by its user)
        self._end = 0

    def close(self) -> None:
        self._spool.close()

    def add(self, sentences: Iterable[Sequence[str]]) -> tuple[int, int]:
        """Keep a document's sentences; return where its row starts, and its length, both in words."""
        row = array("i", row_of(sentences, self.column_of.__getitem__))
        try:
            self._spool.write(row.tobytes())
        except OSError as error:
            raise CorpusError(f"the folder of temporary files, {tempfile.gettempdir()}: {error.strerror}") from None
        start, self._end = self._end, self._end + len(row)
        return start, len(row)

    def blocks(self, kept: Sequence[_Kept]) -> Iterator[tuple[int, int, npt.NDArray[np.int64]]]:
        """Yield (first document, end, their rows) in the order of `kept`."""
        first = words = 0
        for number, document in enumerate(kept):
            if words and words + document.length > _BLOCK_WORDS:
                yield first, number, self._read(kept[first:number])
                first, words = number, 0
            words += document.length
        yield first, len(kept), self._read(kept[first:])

    def _read(self, kept: Sequence[_Kept]) -> npt.NDArray[np.int64]:
        size = array("i").itemsize
        parts = []
        for document in kept:
            self._spool.seek(document.start * size)
            parts.append(self._spool.read(document.length * size))
        return np.frombuffer(b"".join(parts), np.intc).astype(np.int64)


def _matrix(rows: _Rows, kept: Sequence[_Kept], least: int) -> tuple[csr_matrix, RepeatedSentences]:
    forms = list(rows.column_of)
    hashes = np.fromiter(map(hash_of, forms), np.uint64, len(forms))
    rank = np.empty(len(forms), dtype=np.int64)
    rank[sorted(range(len(forms)), key=forms.__getitem__)] = np.arange(len(forms))
    lengths = np.array([document.length for document in kept])

    def read() -> Iterator[tuple[int, int, npt.NDArray[np.int64], Passages]]:
        for first, end, words in rows.blocks(kept):
            documents = np.repeat(np.arange(first, end), lengths[first:end])
            yield first, end, words[words != END], Passages.of(words, documents, hashes)

    # Of a corpus of one block, passages and their keys are made once.
    only = list(islice(read(), 2))

    def passages() -> Iterable[tuple[int, int, npt.NDArray[np.int64], Passages]]:
        return only if len(only) == 1 else read()

    words_in_all = int(lengths.sum())
    repeats = Repeats.find(lambda: (block[-1] for block in passages()), least, words=words_in_all) if least else None
    blocks = []
    sentences = left_out = 0
    for first, end, words, block in passages():
        counts = np.ones(len(words), dtype=np.bool_)
        if repeats is not None:
            counts = ~block.left_out(repeats.where_first)
            sentences += np.unique(block.sentence_of_words[~counts]).size
            left_out += len(words) - int(counts.sum())
        places = np.repeat(block.documents, block.lengths)[counts] - first, rank[words[counts]]
        matrix = csr_matrix((np.ones(len(places[0]), np.int64), places), shape=(end - first, len(forms)))
        matrix.sum_duplicates()
        blocks.append(matrix)
    return vstack(blocks, format="csr"), RepeatedSentences(sentences=sentences, words=left_out)


def digest_of(document: Document) -> bytes:
    """Return the hash of a document, which with all others' makes the hash of what was read.

    Raises:
        CorpusError: its id or label cannot be written.
    """
    if not is_encodable(document.id + document.label):
        raise CorpusError(f"the id {document.id!r} or its label {document.label!r} cannot be written as UTF-8")
    fields = (document.id, document.label, document.split or "", document.text)
    encoded = [field.encode("utf-8", "surrogatepass") for field in fields]
    return hashlib.sha256(b"".join(b"%d:%b" % (len(field), field) for field in encoded)).digest()
