"""The scores of a fitted model. Each is a plain function of arrays, the same for every model."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import normalized_mutual_info_score

from training_scripts.ntm.coherence import Cooccurrence, mean_npmi, top_word_ids, uniqueness
from training_scripts.ntm.sums import Alone

Matrix = npt.NDArray[np.floating]
Labels = npt.NDArray[np.str_]

NPMI_WINDOW: Final = 10
C_V_WINDOW: Final = 110
"""Words of a sliding window, as Roeder, Both and Hinneburg (2015) have them for NPMI and for C_V."""
_UNSEEN: Final = 1e-12
"""Added to the probability of a pair, as there."""
LEADING_WEIGHT: Final = 0.3
LEADING_WORDS: Final = 8
NEIGHBOURS: Final = 10
SMOOTHING: Final = 1e-3
"""Share of a uniform distribution in every model's word probabilities: no model is infinitely surprised."""
_COLUMNS_AT_ONCE: Final = 512


def coherence(counts: Cooccurrence, topics: Matrix, number: int = 10) -> float:
    """Return the mean NPMI of the topics' top words; an unseen pair counts -1."""
    ids = top_word_ids(topics.astype(np.float32), number)
    return float(mean_npmi(counts.npmi(ids), number).mean())


def cooccurrence(documents: csr_matrix) -> Cooccurrence:
    """Return the counts that `coherence` reads."""
    return Cooccurrence(documents, cluster=Alone())


def c_v(counts: Cooccurrence, topics: Matrix, number: int = 10) -> float:
    """Return C_V of the topics' top words (Roeder, Both and Hinneburg 2015).

    Each word has a vector of its NPMI with all of the topic's words, itself among them, and scores that vector's cosine
    with the sum of all. Means over words and topics.

    Args:
        counts: of windows of C_V_WINDOW words.
        topics: what ranks the words, (topics, words).
        number: words of a topic.
    """
    pairs = counts.pairs(top_word_ids(topics.astype(np.float32), number)) / counts.total
    own = np.einsum("kii->ki", pairs)
    joint = pairs + _UNSEEN
    with np.errstate(divide="ignore", invalid="ignore"):
        vectors = np.log(joint / (own[:, :, None] * own[:, None, :])) / -np.log(joint)
    # A word that no window holds is near none.
    vectors = np.where(np.isfinite(vectors), vectors, 0.0)
    whole = vectors.sum(axis=1)
    lengths = np.linalg.norm(vectors, axis=2) * np.linalg.norm(whole, axis=1)[:, None]
    cosines = np.einsum("kij,kj->ki", vectors, whole) / np.maximum(lengths, _UNSEEN)
    return float(cosines.mean())


def topic_uniqueness(topics: Matrix, number: int) -> float:
    """Return TU at `number` words."""
    return uniqueness(top_word_ids(topics.astype(np.float32), number))


def topics_used(weights: Matrix) -> int:
    """Return how many topics lead in at least one document."""
    return len(set(weights.argmax(axis=1).tolist()))


def flat_share(weights: Matrix, counts: csr_matrix) -> float:
    """Return the share of documents, of LEADING_WORDS known words and more, without a topic above LEADING_WEIGHT."""
    long_enough = np.asarray(counts.sum(axis=1)).ravel() >= LEADING_WORDS
    return float((weights[long_enough].max(axis=1) <= LEADING_WEIGHT).mean())


def purity(weights: Matrix, labels: Labels) -> float:
    """Return the share of documents with the commonest label of their leading topic."""
    leading = weights.argmax(axis=1)
    return sum(int(np.unique(labels[leading == topic], return_counts=True)[1].max()) for topic in set(leading)) / len(
        labels
    )


def mutual_information(weights: Matrix, labels: Labels) -> float:
    """Return NMI of leading topic and label."""
    return float(normalized_mutual_info_score(labels, weights.argmax(axis=1)))


def regression_accuracy(train: Matrix, train_labels: Labels, test: Matrix, test_labels: Labels) -> float:
    """Return how often a logistic regression on the training documents' topic weights finds the right label."""
    return float(LogisticRegression(max_iter=1000).fit(train, train_labels).score(test, test_labels))


def neighbour_accuracy(train: Matrix, train_labels: Labels, test: Matrix, test_labels: Labels) -> float:
    """Return how often the 10 nearest training documents, by Hellinger distance, vote for the right label."""
    names, codes = np.unique(np.concatenate([train_labels, test_labels]), return_inverse=True)
    known, wanted = codes[: len(train_labels)], codes[len(train_labels) :]
    right = 0
    for first in range(0, len(test), _COLUMNS_AT_ONCE):
        similarity = np.sqrt(test[first : first + _COLUMNS_AT_ONCE]) @ np.sqrt(train).T
        nearest = np.argpartition(-similarity, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        for row, neighbours in enumerate(nearest):
            votes = np.bincount(known[neighbours], weights=1 + 1e-6 * similarity[row, neighbours], minlength=len(names))
            right += int(votes.argmax() == wanted[first + row])
    return right / len(test)


def halves(counts: csr_matrix, seed: int) -> tuple[csr_matrix, csr_matrix]:
    """Split each document's tokens at random in two; documents of which a half is empty are left out."""
    rng = np.random.default_rng(seed)
    whole = counts.data.astype(np.int64)
    taken = rng.binomial(whole, 0.5)
    parts = []
    for data in (taken, whole - taken):
        part = csr_matrix((data.astype(np.float32), counts.indices, counts.indptr), shape=counts.shape, copy=True)
        part.eliminate_zeros()
        parts.append(part)
    kept = np.logical_and(*(np.diff(part.indptr) > 0 for part in parts))
    return parts[0][kept], parts[1][kept]


def perplexity(probabilities: Matrix, counts: csr_matrix) -> float:
    """Return exp of the mean surprise, in nats a token, of `counts` under each document's word probabilities."""
    smoothed = (1 - SMOOTHING) * probabilities + SMOOTHING / probabilities.shape[1]
    entries = counts.tocoo()
    return float(np.exp(-(np.log(smoothed[entries.row, entries.col]) * entries.data).sum() / entries.data.sum()))
