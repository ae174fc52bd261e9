"""Counts of surface forms a document: what is left of the documents once their texts have been read."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.passed_over import PassedOver
from training_scripts.corpus.reading.document_words import UnsegmentedError
from training_scripts.corpus.sources.files import is_encodable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from training_scripts.corpus.documents import Document
    from training_scripts.corpus.manifest import Part
    from training_scripts.corpus.progress import Progress
    from training_scripts.corpus.reading.document_words import WordFinder


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
    """

    ids: list[str]
    labels: list[str]
    splits: list[Part | None]
    forms: list[str]
    counts: csr_matrix
    dropped_short: int
    dropped_duplicate: int
    documents_hash: str
    languages: frozenset[str] = frozenset()


def count_forms(
    documents: Iterable[Document],
    *,
    finder: WordFinder,
    least_words: int,
    has_ids: bool,
    progress: Progress,
    passed: PassedOver | None = None,
) -> FormCounts:
    """Count the forms of each document, keeping no text.

    Args:
        documents: in any order.
        finder: finds their words.
        least_words: documents of fewer words are left out.
        has_ids: whether two documents of one id are an error, or one text that came twice.
        progress: told of each document.
        passed: told of what is passed over.

    Raises:
        CorpusError: two documents have one id, or nothing is left.
    """
    column_of: dict[str, int] = {}
    kept: dict[str, _Kept] = {}
    digests: dict[str, bytes] = {}
    short: set[str] = set()
    dropped_duplicate = 0
    passed = passed or PassedOver()
    for number, document in enumerate(documents, start=1):
        progress.tell(f"{number:,} documents read")
        digest = digest_of(document)
        if document.id in digests:
            if has_ids:
                raise CorpusError(f"two documents have the id {document.id!r}: ids must differ")
            dropped_duplicate += 1
            passed.note("duplicate", document.id)
            # Which of the copies comes first must not matter.
            if digest >= digests[document.id]:
                continue
        digests[document.id] = digest
        tokens = _tokens(document, finder, passed)
        if len(tokens) < least_words:
            short.add(document.id)
            passed.note("short", document.id)
            continue
        occurrences = Counter(tokens)
        columns = array("q", (column_of.setdefault(form, len(column_of)) for form in occurrences))
        kept[document.id] = _Kept(document.label, document.split, columns, array("q", occurrences.values()))
    if not digests:
        raise CorpusError("the source holds no documents")
    if not kept:
        raise CorpusError(f"none of the {len(digests):,} documents has {least_words} words or more")
    ids = sorted(kept)
    forms = sorted(column_of)
    return FormCounts(
        ids=ids,
        labels=[kept[name].label for name in ids],
        splits=[kept[name].split for name in ids],
        forms=forms,
        counts=_matrix([kept[name] for name in ids], [column_of[form] for form in forms]),
        dropped_short=len(short),
        dropped_duplicate=dropped_duplicate,
        documents_hash=hashlib.sha256(b"".join(sorted(digests.values()))).hexdigest(),
        languages=frozenset(passed.segmented),
    )


def _tokens(document: Document, finder: WordFinder, passed: PassedOver) -> list[str]:
    try:
        tokens, language, script = finder.words_of(document.text)
    except UnsegmentedError as error:
        raise UnsegmentedError(f"document {document.id!r}: {error}") from None
    if language:
        passed.segmented[language] += 1
    if script:
        passed.note("unsegmented", document.id)
    if passed.looks:
        passed.look_at(finder.plain.text_of(document.text), tokens)
    return tokens


@dataclass(frozen=True, slots=True)
class _Kept:
    label: str
    split: Part | None
    columns: array[int]
    counts: array[int]


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


def _matrix(rows: list[_Kept], columns_in_order: list[int]) -> csr_matrix:
    rank = np.empty(len(columns_in_order), dtype=np.int64)
    rank[columns_in_order] = np.arange(len(columns_in_order))
    indptr = np.cumsum([0, *(len(row.columns) for row in rows)])
    indices = rank[np.concatenate([np.frombuffer(row.columns, dtype=np.int64) for row in rows])]
    data = np.concatenate([np.frombuffer(row.counts, dtype=np.int64) for row in rows])
    matrix = csr_matrix((data, indices, indptr), shape=(len(rows), len(columns_in_order)))
    matrix.sort_indices()
    return matrix
