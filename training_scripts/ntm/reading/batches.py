"""Documents packed into flat sparse batches of one fixed shape, so that XLA compiles the training step once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scipy.sparse import csr_matrix

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

_SPREAD: Final = 4.0
"""Standard deviations of a batch's size that its capacity leaves room for; a fuller batch closes one document early."""
_ROUND: Final = 256
_BYTES_PER_NONZERO: Final = 16
_BYTES_PER_DOCUMENT: Final = 8
_BYTES_PER_DRAW: Final = 4


class Chunk(NamedTuple):
    """Some batches in a row, one a training step. Padding has count 0; a batch of no documents is skipped."""

    counts: Floats
    """Shape (steps, capacity)."""
    inputs: Floats
    """The same counts as the encoder sees them."""
    rows: Ints
    """Document within the batch, of each count."""
    words: Ints
    """Feature id, of each count."""
    lengths: Floats
    """Sum of each document's counts, shape (steps, mini_batch_size)."""
    documents: Ints
    """Documents in each batch, shape (steps,)."""


class BatchShape(NamedTuple):
    """The fixed shape of a chunk."""

    steps: int
    documents: int
    capacity: int

    @classmethod
    def fitting(
        cls,
        *,
        mini_batch_size: int,
        documents: int,
        nonzeros: int,
        squared: float,
        longest: int,
        max_bytes: int,
        topics: int = 0,
    ) -> BatchShape:
        """Return the shape for a channel.

        Args:
            mini_batch_size: most documents of a batch.
            documents: of one pass over the channel.
            nonzeros: sum over the documents of their distinct words.
            squared: sum of the squares of the same.
            longest: most distinct words of one document.
            max_bytes: most memory of a chunk; at least one step is made whatever it takes.
            topics: for which noise is drawn beside the chunk, one number a document and topic.
        """
        size = min(mini_batch_size, max(documents, 1))
        mean = nonzeros / max(documents, 1)
        deviation = math.sqrt(max(squared / max(documents, 1) - mean * mean, 0.0))
        wanted = size * mean + _SPREAD * math.sqrt(size) * deviation
        capacity = _rounded(max(longest, min(math.ceil(wanted), size * longest, max(nonzeros, 1))))
        step_bytes = capacity * _BYTES_PER_NONZERO + size * (_BYTES_PER_DOCUMENT + _BYTES_PER_DRAW * topics)
        # One step in fifty to spare: a batch that closes early must not cost a second, nearly empty chunk.
        steps = math.ceil(documents / size)
        return cls(max(1, min(steps + math.ceil(steps / 50), max_bytes // step_bytes)), size, capacity)


def _rounded(number: int) -> int:
    return -(-number // _ROUND) * _ROUND


def pack(counts: csr_matrix, inputs: Floats, shape: BatchShape) -> Iterator[Chunk]:
    """Deal the documents, in their order, into chunks; the last is padded with empty batches.

    Args:
        counts: shape (documents, feature_dim); no document has more non-zeros than the capacity.
        inputs: the encoder's view of `counts.data`.
        shape: of every chunk.
    """
    starts = counts.indptr.astype(np.int64)
    totals = np.concatenate([[0.0], np.cumsum(counts.data, dtype=np.float64)])[starts]
    lengths = np.diff(totals).astype(np.float32)
    batches = list(_bounds(starts, shape))
    row_of = np.repeat(np.arange(counts.shape[0], dtype=np.int32), np.diff(starts))
    for first in range(0, len(batches), shape.steps):
        chunk = _empty(shape)
        for step, (start, end) in enumerate(batches[first : first + shape.steps]):
            low, high = int(starts[start]), int(starts[end])
            used = high - low
            chunk.counts[step, :used] = counts.data[low:high]
            chunk.inputs[step, :used] = inputs[low:high]
            chunk.words[step, :used] = counts.indices[low:high]
            chunk.rows[step, :used] = row_of[low:high] - start
            chunk.lengths[step, : end - start] = lengths[start:end]
            chunk.documents[step] = end - start
        yield chunk


def _bounds(starts: npt.NDArray[np.int64], shape: BatchShape) -> Iterator[tuple[int, int]]:
    documents = starts.size - 1
    start = 0
    while start < documents:
        fits = int(np.searchsorted(starts, starts[start] + shape.capacity, side="right")) - 1
        end = min(start + shape.documents, fits, documents)
        if end == start:
            raise ValueError(
                f"document {start} has {starts[start + 1] - starts[start]} words, over the capacity {shape.capacity}"
            )
        yield start, end
        start = end


def _empty(shape: BatchShape) -> Chunk:
    flat = (shape.steps, shape.capacity)
    return Chunk(
        counts=np.zeros(flat, np.float32),
        inputs=np.zeros(flat, np.float32),
        rows=np.zeros(flat, np.int32),
        words=np.zeros(flat, np.int32),
        lengths=np.zeros((shape.steps, shape.documents), np.float32),
        documents=np.zeros(shape.steps, np.int32),
    )
