"""The NMF start, NPMI, topic uniqueness and the words of topics."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.decomposition import NMF

from training_scripts.ntm import coherence, topic_words
from training_scripts.ntm.coherence import Cooccurrence
from training_scripts.ntm.learning import nmf
from training_scripts.ntm.sums import Alone

Planted = Callable[[int, int], csr_matrix]

# Four documents over words a b c d: a and b always together, c in all, d alone and never with a.
FOUR = csr_matrix(np.array([[1, 2, 1, 0], [3, 1, 1, 0], [0, 0, 1, 5], [0, 0, 2, 0]], dtype=np.float32))


def error(matrix: np.ndarray, loadings: np.ndarray) -> float:
    """What least squares with those topics leaves of the matrix, as a share; the weights refitted freely."""
    fit = matrix @ np.linalg.pinv(loadings) @ loadings
    return float(np.linalg.norm(matrix - fit) / np.linalg.norm(matrix))


def test_the_factorisation_is_as_close_as_scikit_learns(planted: Planted) -> None:
    matrix = planted(120, 3)
    reference = NMF(6, init="nndsvda", solver="cd", max_iter=500, random_state=0).fit(matrix).components_

    ours = nmf.factorise(matrix, topics=6, seed=0, cluster=Alone(), iterations=200)

    assert (ours >= 0).all()
    np.testing.assert_allclose(ours.sum(axis=1), 1, rtol=1e-5)
    assert error(matrix.toarray(), ours) <= error(matrix.toarray(), reference) + 0.01


def test_more_topics_than_words_still_factorise() -> None:
    loadings = nmf.factorise(FOUR, topics=7, seed=0, cluster=Alone())

    assert np.isfinite(loadings).all()


def test_npmi_is_one_together_minus_one_apart_and_zero_by_chance() -> None:
    table = Cooccurrence(FOUR, cluster=Alone()).npmi(np.array([[0, 1, 3, 2]], np.int32))[0]

    assert table[0, 1] == pytest.approx(1)
    assert table[0, 2] == -1
    assert table[0, 3] == pytest.approx(0, abs=1e-6)
    np.testing.assert_array_equal(np.diag(table), 0)


def test_npmi_is_buomas_formula() -> None:
    # d with c: one of four documents holds both, d is in one, c in four.
    counts = csr_matrix(np.array([[1, 1], [1, 0], [0, 1], [1, 1], [0, 0]], np.float32))

    table = Cooccurrence(counts, cluster=Alone()).npmi(np.array([[0, 1]], np.int32))[0]

    assert table[0, 1] == pytest.approx(math.log((2 / 5) / (3 / 5 * 3 / 5)) / -math.log(2 / 5))


def test_expected_npmi_discounts_what_few_documents_show() -> None:
    counts = np.array([[[3.0, 3.0], [3.0, 3.0]], [[60.0, 60.0], [60.0, 60.0]]])

    rare, common = coherence.expected_npmi(counts, 1000.0, 0.1)[:, 0, 1]

    assert rare == pytest.approx((1 - math.exp(-0.3)) - math.exp(-0.3))
    assert common > 0.99


def test_topic_uniqueness_counts_a_word_of_two_topics_half() -> None:
    assert coherence.uniqueness_by_topic(np.array([[0, 1], [1, 2]], np.int32)).tolist() == [0.75, 0.75]


def test_top_words_come_highest_first_and_ties_by_id() -> None:
    scores = np.array([[0.0, 3.0, 1.0, 3.0, 2.0]], np.float32)

    assert coherence.top_word_ids(scores, 3).tolist() == [[1, 3, 4]]
    assert coherence.top_word_ids(scores, 99).tolist() == [[1, 3, 4, 2, 0]]


def test_of_two_words_that_a_topic_raises_alike_the_more_frequent_leads() -> None:
    topics = np.array([[2.0, 2.0, 1.5]], np.float32)
    background = np.log(np.array([0.001, 0.01, 0.9], np.float32))

    assert topic_words.ranked_ids(topics, background, 3).tolist() == [[2, 1, 0]]
    assert topic_words.ranked_ids(topics - np.array([0, 0, 2], np.float32), background, 3).tolist() == [[1, 0, 2]]
