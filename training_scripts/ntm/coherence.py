"""Normalised pointwise mutual information of words over documents, and the term that draws topics to it. NumPy only.

NPMI (Bouma 2009): log(p_ij / (p_i p_j)) / -log p_ij with p over documents, in [-1, 1]; -1 for a pair
never seen together.

The term follows Ding, Nallapati and Xiang 2018 (Coherence-Aware Neural Topic Modeling) in another form:
-weight * sum_k q_k' M_k q_k, with M_k the (expected) NPMI of topic k's top words and q_k proportional to
softmax(B_k): squared, as one might want it peaked, two or three words carry the whole term.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_matrix, csr_matrix

if TYPE_CHECKING:
    from training_scripts.ntm.sums import Cluster

TOP_WORDS: Final = 64
"""Words of a topic that the term looks at: what is beyond carries next to no probability."""

Ids = npt.NDArray[np.int32]
Matrix = npt.NDArray[np.float32]


def top_word_ids(scores: Matrix, number: int) -> Ids:
    """Return each row's `number` highest columns, highest first, ties by id; shape (topics, min(number, words))."""
    number = min(number, scores.shape[1])
    candidates = np.sort(np.argpartition(-scores, number - 1, axis=1)[:, :number], axis=1)
    order = np.argsort(-np.take_along_axis(scores, candidates, axis=1), axis=1, kind="stable")
    return np.take_along_axis(candidates, order, axis=1).astype(np.int32)


class Cooccurrence:
    """Counts, on demand, in how many documents words occur together: no words x words matrix is ever made."""

    def __init__(self, counts: csr_matrix, *, cluster: Cluster) -> None:
        """Keep which of this instance's documents hold each word; `counts` has shape (documents, words)."""
        self._present = csc_matrix(counts, dtype=np.float32, copy=True)
        self._present.eliminate_zeros()
        self._present.data[:] = 1.0
        self._cluster = cluster
        self.total = float(cluster.sum(np.array([counts.shape[0]], dtype=np.float64))[0])

    def pairs(self, words: Ids) -> npt.NDArray[np.float64]:
        """Return, for `words` of shape (topics, n), the documents that hold both; shape (topics, n, n)."""
        local = np.zeros((*words.shape, words.shape[1]), dtype=np.float64)
        for topic, ids in enumerate(words):
            # Sparse: even of a topic's top words a document holds few.
            holding = self._present[:, ids]
            local[topic] = (holding.T @ holding).toarray()
        return np.asarray(self._cluster.sum(local), dtype=np.float64)

    def npmi(self, words: Ids) -> Matrix:
        """Return the NPMI of every pair of `words` (topics, n), the diagonal 0; shape (topics, n, n)."""
        return npmi_of_pairs(self.pairs(words), self.total)

    def expected_npmi(self, words: Ids, unseen_share: float) -> Matrix:
        """Return the NPMI to expect of every pair of `words` in unseen documents, as the function of that name."""
        return expected_npmi(self.pairs(words), self.total, unseen_share)


def npmi_of_pairs(pairs: npt.NDArray[np.float64], total: float) -> Matrix:
    """Return NPMI from joint document counts (..., n, n) whose diagonal holds each word's own count."""
    own = np.einsum("...ii->...i", pairs)
    joint = pairs / max(total, 1.0)
    product = own[..., :, None] * own[..., None, :] / max(total, 1.0) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.log(joint / product) / -np.log(joint)
    value = np.where(pairs > 0, value, -1.0)
    # Two words in every document: log 1 / log 1. They are always together, which is 1.
    value = np.where(pairs >= total, 1.0, value)
    np.einsum("...ii->...i", value)[...] = 0.0
    return value.astype(np.float32)


def expected_npmi(pairs: npt.NDArray[np.float64], total: float, unseen_share: float) -> Matrix:
    """Return the NPMI to expect of each pair in unseen documents, `unseen_share` times as many as those counted.

    A pair seen in c documents is met at all among the unseen with probability s = 1 - exp(-c * unseen_share), and
    scores -1 if it is not: s * NPMI - (1 - s). Plain NPMI is highest for words that share their two or three
    documents, which is chance, and such words name nothing that a reader knows.

    Args:
        pairs: joint document counts, (..., n, n), each word's own count on the diagonal.
        total: documents counted.
        unseen_share: 0 returns plain NPMI.
    """
    plain = npmi_of_pairs(pairs, total)
    if unseen_share == 0:
        return plain
    met = 1.0 - np.exp(-pairs * unseen_share)
    expected = np.asarray(met * plain - (1.0 - met), dtype=np.float32)
    np.einsum("...ii->...i", expected)[...] = 0.0
    return expected


def mean_npmi(table: Matrix, number: int) -> npt.NDArray[np.float64]:
    """Return each topic's mean NPMI over the pairs of its first `number` words; `table` is of `Cooccurrence.npmi`."""
    number = min(number, table.shape[1])
    upper = np.triu_indices(number, k=1)
    if not upper[0].size:
        return np.zeros(table.shape[0])
    return np.asarray(table[:, upper[0], upper[1]].mean(axis=1), dtype=np.float64)


def uniqueness_by_topic(words: Ids) -> npt.NDArray[np.float64]:
    """Return each topic's TU, topic uniqueness: mean over its words of 1 / (number of topics that list the word).

    Nan, Ding, Nallapati and Xiang 2019, Topic Modeling with Wasserstein Autoencoders.
    """
    _, places, counts = np.unique(words, return_inverse=True, return_counts=True)
    return np.asarray((1.0 / counts[places]).reshape(words.shape).mean(axis=1), dtype=np.float64)


def uniqueness(words: Ids) -> float:
    """Return the mean TU of all topics, 1 where no two topics share a word."""
    return float(uniqueness_by_topic(words).mean())
