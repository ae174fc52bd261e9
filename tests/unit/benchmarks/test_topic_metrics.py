from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.neighbors import KNeighborsClassifier

from benchmarks.topics import metrics

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
