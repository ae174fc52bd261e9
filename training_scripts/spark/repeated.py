"""Sentences that many documents repeat, told by keys of eight bytes; see training_scripts.corpus.reading.repeats."""

from __future__ import annotations

from array import array
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from training_scripts.corpus.reading.repeats import ELSEWHERE, END, HERE, NOWHERE, Ints, Keys, Passages, hash_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark import RDD

    from training_scripts.spark.counted import Counted

_hash_of = lru_cache(maxsize=1 << 18)(hash_of)


class Trimmed(NamedTuple):
    """A document without what others repeat: the words that it lost, and the sentences that lost some."""

    document: Counted
    sentences: int
    words: int


def trimmed(documents: RDD[Counted], least: int) -> RDD[Trimmed]:
    """Leave out what `least` documents or more repeat, but for the document of the smallest id; 0 leaves out nothing.

    What is shuffled of a document is a key and its id for each run of words; what comes to the driver are the keys
    that are repeated, each with the id of its first document.
    """
    if not least:
        return documents.map(lambda document: Trimmed(document, 0, 0))
    of_documents = documents.flatMap(lambda document: [(key, (1, document.id)) for key in _keys(document)])
    counted = of_documents.reduceByKey(lambda one, other: (one[0] + other[0], min(one[1], other[1])))
    firsts = counted.filter(lambda item: item[1][0] >= least).mapValues(lambda item: item[1]).collectAsMap()
    known = documents.context.broadcast(firsts)
    return documents.map(lambda document: _trimmed(document, known.value))


def _keys(document: Counted) -> list[int]:
    keys: list[int] = np.unique(_passages(document)[1].all_keys[0]).tolist()
    return keys


def _passages(document: Counted) -> tuple[Ints, Passages]:
    row = array("i")
    row.frombytes(document.row)
    words = np.array(row, np.int64)
    hashes = np.array([_hash_of(form) for form in document.forms], np.uint64)
    return words[words != END], Passages.of(words, np.zeros(len(words), np.int64), hashes)


def _trimmed(document: Counted, firsts: Mapping[int, str]) -> Trimmed:
    def where_first(keys: Keys, _: Ints) -> Ints:
        found = [firsts.get(key) for key in keys.tolist()]
        return np.array([NOWHERE if i is None else HERE if i == document.id else ELSEWHERE for i in found], np.int64)

    words, passages = _passages(document)
    out = passages.left_out(where_first)
    if not out.any():
        return Trimmed(document, 0, 0)
    columns, counts = np.unique(words[~out], return_counts=True)
    shorter = document._replace(
        forms=tuple(document.forms[column] for column in columns), counts=tuple(counts.tolist()), row=b""
    )
    return Trimmed(shorter, np.unique(passages.sentence_of_words[out]).size, int(out.sum()))
