"""A channel's documents: counted once, then dealt out in batches, from memory or, where too large, from disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, vstack

from training_scripts.ntm.reading.batches import BatchShape, Chunk, pack
from training_scripts.ntm.reading.spool import Kept
from training_scripts.ntm.weighting import Vector, weigh

Pass = Callable[[], Iterator[csr_matrix]]
"""Reads the channel once more from its start, as matrices (documents, feature_dim) of bounded size."""

SAMPLE_DOCUMENTS: Final = 20_000
"""Documents that the NMF start and the coherence counts look at: more would cost memory and tell little."""
_RESIDENT_BYTES_PER_NONZERO: Final = 12
_MEGABYTE: Final = 1 << 20
_MOST_PARTS: Final = 1 << 20
"""Parts that a count is thinned in at most: a number that a damaged file may hold fits no integer."""


@dataclass
class Statistics:
    """What one pass over a channel tells."""

    documents: int
    empty: int
    """Documents without a word: they teach nothing and are left out."""
    nonzeros: int
    squared: float
    longest: int
    document_frequency: npt.NDArray[np.float64]
    word_totals: npt.NDArray[np.float64]
    sample: csr_matrix
    """Up to SAMPLE_DOCUMENTS documents, each equally likely to be among them; in channel order."""


@dataclass
class Documents:
    """The non-empty documents of a channel."""

    statistics: Statistics
    scratch_bytes: int
    """What the channel takes of the temporary folder; 0 where it is in memory, or read again each epoch."""
    _read: Pass
    """Reads what is not resident: the scratch file or, where there was no room for one, the channel itself."""
    _resident: csr_matrix | None
    _window_nonzeros: int
    _max_chunk_bytes: int
    _inputs: Vector | None = field(default=None, repr=False)

    @classmethod
    def load(cls, read: Pass, *, feature_dim: int, max_memory_mb: int, seed: int) -> Documents:
        """Read the channel once; keep it if it takes no more than half of the memory allowed.

        The other half is for the batches in flight. A channel that is larger is kept in a scratch file, and where the
        disk has no room for that, it is read and parsed again each epoch.
        """
        budget = max_memory_mb * _MEGABYTE
        most = budget // 2 // _RESIDENT_BYTES_PER_NONZERO
        kept = Kept(feature_dim, most)
        sample = _Sample(feature_dim, SAMPLE_DOCUMENTS, most, np.random.default_rng(seed))
        documents = empty = nonzeros = longest = 0
        squared = 0.0
        document_frequency = np.zeros(feature_dim)
        word_totals = np.zeros(feature_dim)
        for block in read():
            filled = _without_empty(block)
            lengths = np.diff(filled.indptr)
            empty += block.shape[0] - filled.shape[0]
            documents += filled.shape[0]
            nonzeros += filled.nnz
            squared += float(np.square(lengths, dtype=np.float64).sum())
            longest = max(longest, int(lengths.max(initial=0)))
            document_frequency += np.bincount(filled.indices, minlength=feature_dim)
            word_totals += np.bincount(filled.indices, weights=filled.data, minlength=feature_dim)
            sample.add(filled)
            kept.add(filled)
        resident = None if kept.resident is None else _stacked(kept.resident, feature_dim)
        return cls(
            statistics=Statistics(
                documents=documents,
                empty=empty,
                nonzeros=nonzeros,
                squared=squared,
                longest=longest,
                document_frequency=document_frequency,
                word_totals=word_totals,
                # A sample that left nothing out is the corpus itself: not held twice.
                sample=resident if resident is not None and sample.complete else sample.matrix(),
            ),
            _read=read if kept.spool is None else kept.spool.blocks,
            scratch_bytes=0 if kept.spool is None else kept.spool.bytes,
            _resident=resident,
            _window_nonzeros=max(most // 4, 1),
            _max_chunk_bytes=budget // 4,
        )

    @property
    def streams(self) -> bool:
        """Whether the channel comes from the disk each epoch."""
        return self._resident is None

    def shape(self, mini_batch_size: int, *, share: float = 1.0, topics: int = 0) -> BatchShape:
        """Return the shape of this channel's chunks, for epochs of `share` of its documents and noise of `topics`."""
        known = self.statistics
        documents = number_sampled(known.documents, share)
        if self.streams:
            # A window ends with a batch that is not full: chunks follow windows, not the epoch.
            documents = min(documents, -(-known.documents * self._window_nonzeros // max(known.nonzeros, 1)))
        return BatchShape.fitting(
            mini_batch_size=mini_batch_size,
            documents=max(documents, 1),
            nonzeros=max(known.nonzeros * documents // max(known.documents, 1), 1),
            squared=known.squared * documents / max(known.documents, 1),
            longest=known.longest,
            max_bytes=self._max_chunk_bytes,
            topics=topics,
        )

    def in_order(self, shape: BatchShape, idf: Vector | None) -> Iterator[Chunk]:
        """Deal out all documents in the order of the channel."""
        for block in self.blocks():
            yield from pack(block, self._weighted(block, idf), shape)

    def shuffled(
        self,
        shape: BatchShape,
        idf: Vector | None,
        rng: np.random.Generator,
        *,
        share: float = 1.0,
        least_input_share: float = 1.0,
    ) -> Iterator[Chunk]:
        """Deal out a random `share` of the documents in random order; a stream is shuffled window by window.

        Args:
            shape: of every chunk.
            idf: of the encoder's inputs; None for raw counts.
            rng: draws the order, and what the encoder sees.
            share: of the documents.
            least_input_share: the encoder sees a share of each document's tokens, uniform between this and 1.
        """
        for block in self.blocks():
            order = rng.permutation(block.shape[0])[: number_sampled(block.shape[0], share)]
            dealt = block[order]
            if least_input_share < 1:
                inputs = weigh(thinned(dealt, least_input_share, rng), idf)
            else:
                weighted = csr_matrix((self._weighted(block, idf), block.indices, block.indptr), shape=block.shape)
                inputs = weighted[order].data
            yield from pack(dealt, inputs, shape)

    def _weighted(self, block: csr_matrix, idf: Vector | None) -> Vector:
        if block is not self._resident:
            return weigh(block, idf)
        if self._inputs is None:
            self._inputs = weigh(block, idf)
        return self._inputs

    def blocks(self) -> Iterator[csr_matrix]:
        """Return all documents in the order of the channel, as matrices of bounded size."""
        if self._resident is not None:
            yield self._resident
            return
        window: list[csr_matrix] = []
        held = 0
        for block in self._read():
            filled = _without_empty(block)
            if window and held + filled.nnz > self._window_nonzeros:
                yield _stacked(window, filled.shape[1])
                window, held = [], 0
            window.append(filled)
            held += filled.nnz
        if window:
            yield _stacked(window, window[0].shape[1])


def number_sampled(documents: int, share: float) -> int:
    """Return how many of `documents` an epoch over `share` of them takes: at least one, if there is one."""
    return min(documents, max(1, round(documents * share)))


def thinned(counts: csr_matrix, least_share: float, rng: np.random.Generator) -> csr_matrix:
    """Return what is left if each token of a document stays with one probability, uniform in [least_share, 1].

    The stored elements stay where they are: those of which nothing is left become 0. A count that is no whole number
    is thinned in as many parts as the next whole one has.
    """
    probability = np.repeat(rng.uniform(least_share, 1.0, counts.shape[0]), np.diff(counts.indptr))
    left = counts.data * (rng.random(counts.nnz, dtype=np.float32) < probability)
    several = np.flatnonzero(counts.data > 1)
    parts = np.ceil(np.minimum(counts.data[several], _MOST_PARTS)).astype(np.int64)
    left[several] = counts.data[several] * (rng.binomial(parts, probability[several]) / parts)
    return csr_matrix((left.astype(np.float32), counts.indices, counts.indptr), shape=counts.shape)


class _Sample:
    """A uniform sample of a stream's rows: each draws a number, the lowest stay."""

    def __init__(self, feature_dim: int, rows: int, nonzeros: int, rng: np.random.Generator) -> None:
        self._most_rows, self._most_nonzeros = rows, nonzeros
        self._rng = rng
        self._rows = csr_matrix((0, feature_dim), dtype=np.float32)
        self._draws = np.zeros(0)
        self._pending: list[csr_matrix] = []
        self._pending_rows = 0
        self.complete = True

    def add(self, rows: csr_matrix) -> None:
        self._pending.append(rows)
        self._pending_rows += rows.shape[0]
        if self._pending_rows + sum(part.nnz for part in self._pending) > self._most_rows:
            self._settle()

    def matrix(self) -> csr_matrix:
        self._settle()
        return self._rows

    def _settle(self) -> None:
        if not self._pending:
            return
        rows = vstack([self._rows, *self._pending], format="csr")
        draws = np.concatenate([self._draws, self._rng.random(self._pending_rows)])
        self._pending, self._pending_rows = [], 0
        kept = np.argsort(draws, kind="stable")
        within = np.cumsum(np.diff(rows.indptr)[kept]) <= self._most_nonzeros
        kept = np.sort(kept[within][: self._most_rows])
        if kept.size < rows.shape[0]:
            self.complete = False
            rows, draws = rows[kept], draws[kept]
        self._rows, self._draws = rows, draws


def _without_empty(block: csr_matrix) -> csr_matrix:
    filled = np.diff(block.indptr) > 0
    return block if filled.all() else block[filled]


def _stacked(blocks: list[csr_matrix], feature_dim: int) -> csr_matrix:
    if not blocks:
        return csr_matrix((0, feature_dim), dtype=np.float32)
    return blocks[0] if len(blocks) == 1 else vstack(blocks, format="csr")
