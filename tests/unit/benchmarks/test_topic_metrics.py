from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.neighbors import KNeighborsClassifier

from benchmarks.topics import corpora, metrics

WEIGHTS = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
LABELS = np.array(["bike", "bike", "car", "car"])


def test_purity_counts_the_commonest_label_of_each_topic() -> None:
    assert metrics.purity(WEIGHTS, LABELS) == 3 / 4


def test_topics_used_lead_in_a_document() -> None:
    assert metrics.topics_used(np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]])) == 2


def test_perplexity_of_a_uniform_model_is_the_size_of_the_vocabulary() -> None:
    counts = csr_matrix(np.array([[1.0, 0, 3, 0], [0, 2, 0, 0]]))

    assert metrics.perplexity(np.full((2, 4), 0.25), counts) == pytest.approx(4)


def test_perplexity_weighs_tokens_and_not_documents() -> None:
    probabilities = np.array([[0.5, 0.5], [0.1, 0.9]])
    counts = csr_matrix(np.array([[3.0, 0], [1, 0]]))
    smoothed = (1 - metrics.SMOOTHING) * probabilities[:, 0] + metrics.SMOOTHING / 2

    expected = math.exp(-(3 * math.log(smoothed[0]) + math.log(smoothed[1])) / 4)
    assert metrics.perplexity(probabilities, counts) == pytest.approx(expected)


def test_halves_part_every_documents_tokens_and_leave_out_what_cannot_be_parted() -> None:
    counts = csr_matrix(np.random.default_rng(0).poisson(0.6, (200, 9)).astype(np.float32))

    first, second = metrics.halves(counts, 7)

    together = {tuple(row) for row in (first + second).toarray().tolist()}
    assert together <= {tuple(row) for row in counts.toarray().tolist()}
    assert (np.diff(first.indptr) > 0).all()
    assert (np.diff(second.indptr) > 0).all()
    assert first.shape[0] < 200


def test_neighbour_accuracy_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    train, test = rng.dirichlet(np.full(5, 0.3), 300), rng.dirichlet(np.full(5, 0.3), 100)
    train_labels, test_labels = (np.array(list("abcde"))[rows.argmax(axis=1)] for rows in (train, test))
    reference = KNeighborsClassifier(metrics.NEIGHBOURS).fit(np.sqrt(train), train_labels)

    ours = metrics.neighbour_accuracy(train, train_labels, test, test_labels)

    assert ours == pytest.approx(reference.score(np.sqrt(test), test_labels), abs=0.03)


LISTS = [[0, 1, 2, 3], [3, 4, 8, 11], [5, 6, 7, 9]]
BY_GENSIM = {3: (0.4555677040809221, -0.03434634608972375), 7: (0.6614480439932736, 0.1490183149236888)}
"""C_V and NPMI of LISTS in `short_texts` by width of the window, as gensim 4.4.0's CoherenceModel gives them."""


def short_texts() -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Texts without a word twice: of those, gensim takes a word out of a sliding window that still holds it."""
    rng = np.random.default_rng(0)
    themes = [np.arange(12), np.array([0, 1, 2, 3, 4, 8]), np.array([5, 6, 7, 9, 11, 3])]
    sizes = rng.integers(1, 13, size=90).tolist()
    return [rng.permutation(themes[number % 3])[:size].astype(np.int64) for number, size in enumerate(sizes)]


@pytest.mark.parametrize("width", BY_GENSIM)
def test_c_v_and_npmi_over_windows_are_gensims(width: int) -> None:
    topics = np.zeros((3, 12))
    for topic, words in enumerate(LISTS):
        topics[topic, words] = [4, 3, 2, 1]

    counts = metrics.cooccurrence(corpora.windows(short_texts(), width, 12))

    assert (metrics.c_v(counts, topics, 4), metrics.coherence(counts, topics, 4)) == pytest.approx(BY_GENSIM[width])


def test_a_word_that_no_window_holds_lowers_c_v_and_breaks_nothing() -> None:
    counts = metrics.cooccurrence(csr_matrix(np.array([[1.0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0]])))

    whole, broken = (metrics.c_v(counts, np.array([row]), 2) for row in ([2.0, 1, 0, 0], [2.0, 0, 0, 1]))

    assert whole == pytest.approx(1)
    assert broken == pytest.approx(0.5)


def test_a_document_is_flat_where_no_topic_leads_and_it_has_words_enough_to_tell() -> None:
    weights = np.array([[0.25, 0.25, 0.25, 0.25], [0.25, 0.25, 0.25, 0.25], [0.7, 0.1, 0.1, 0.1]])

    assert metrics.flat_share(weights, csr_matrix(np.array([[8.0, 0], [0, 7], [4, 4]]))) == 0.5


def test_a_regression_finds_labels_that_the_weights_tell() -> None:
    assert metrics.regression_accuracy(WEIGHTS, LABELS, WEIGHTS[::-1], LABELS[::-1]) == 1
