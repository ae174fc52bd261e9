"""Words of topics by relevance, and how often each is of which topic.

Relevance after Sievert and Shirley (2014), LDAvis: A method for visualizing and interpreting topics, section 3:
r(w, t | lambda) = lambda log p(w|t) + (1 - lambda) log(p(w|t) / p(w)), with p(w) as in the documents.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from explore.topics import Distances, Words
from explore.vectors import Matrix

STEP: Final = 0.05
"""Of the slider: for each value of it the page has the words that come first."""
_MOST_TOPICS: Final = 8
"""Told of each word, the largest first, and none that has less than _LEAST_SHARE of it."""
_LEAST_SHARE: Final = 0.01
_AT_ONCE: Final = 4_000_000
"""Numbers that are held at a time, entries times topics."""


def told(words: Words, weights: Matrix, counts: csr_matrix) -> dict[str, object]:
    """Return what the page shows of words.

    Args:
        words: the model's.
        weights: topic weights of the documents, (documents, topics).
        counts: of their words, (documents, words).
    """
    totals = np.asarray(counts.sum(axis=0)).ravel()
    by_topic = counts_by_topic(weights, words.probabilities, counts)
    listed = [candidates(words, topic, totals) for topic in range(words.num_topics)]
    number = {word: place for place, word in enumerate(sorted({word for each in listed for word in each}))}
    return {
        "step": STEP,
        "tokens": int(totals.sum()),
        "words": [[words.words[word], int(totals[word]), _topics_of(by_topic[:, word])] for word in number],
        "topics": [
            [[number[word], float(f"{words.probabilities[topic, word]:.4g}")] for word in each]
            for topic, each in enumerate(listed)
        ],
    }


def counts_by_topic(weights: Matrix, probabilities: Distances, counts: csr_matrix) -> Distances:
    """Return how often each word is expected to be of each topic, (topics, words); columns sum to the word's count.

    Of a word w in a document d, the share p(t|d) p(w|t) / sum_s p(s|d) p(w|s) is topic t's.
    """
    entries = counts.tocoo()
    topics, words = probabilities.shape
    likely, found = np.ascontiguousarray(probabilities.T), np.zeros((words, topics))
    step = max(1, _AT_ONCE // topics)
    for begin in range(0, entries.nnz, step):
        rows, columns, times = (each[begin : begin + step] for each in (entries.row, entries.col, entries.data))
        shares = weights[rows] * likely[columns]
        shares *= (times / np.maximum(shares.sum(axis=1), np.finfo(np.float64).tiny))[:, None]
        found += csr_matrix((np.ones(rows.size), (columns, np.arange(rows.size))), shape=(words, rows.size)) @ shares
    return found.T


def candidates(words: Words, topic: int, totals: npt.NDArray[np.float32]) -> list[int]:
    """Return the words that the model lists for a topic, in its order, and then those first at some value of lambda."""
    present = np.flatnonzero(totals)
    log_likely = np.log(np.maximum(words.probabilities[topic, present], np.finfo(np.float64).tiny))
    log_lift = log_likely - np.log(totals[present] / totals.sum())
    listed = [int(word) for word in words.top[topic]]
    others: set[int] = set()
    for weight in np.linspace(0, 1, round(1 / STEP) + 1):
        best = np.argsort(-(weight * log_likely + (1 - weight) * log_lift), kind="stable")[: len(listed)]
        others.update(int(word) for word in present[best])
    return [*listed, *sorted(others - set(listed))]


def _topics_of(counts: npt.NDArray[np.float64]) -> list[list[float]]:
    order = np.argsort(-counts, kind="stable")[:_MOST_TOPICS]
    least = _LEAST_SHARE * counts.sum()
    return [[int(topic), round(float(counts[topic]), 1)] for topic in order if counts[topic] > least]
