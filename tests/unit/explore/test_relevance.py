"""Words by relevance, against the formula and a mixture that is worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from explore.page import relevance
from explore.topics import Words


def words_of(probabilities: np.ndarray, listed: int = 2) -> Words:
    topics, words = probabilities.shape
    top = np.argsort(-probabilities, axis=1)[:, :listed].astype(np.int32)
    names = [f"w{number}" for number in range(words)]
    return Words("m", "c", names, top, np.ones(top.shape), probabilities, [f"t{topic}" for topic in range(topics)])


def test_a_words_count_is_shared_out_by_the_mixture_of_its_documents() -> None:
    weights = np.array([[0.75, 0.25], [0.5, 0.5]], dtype=np.float32)
    probabilities = np.array([[0.6, 0.4], [0.2, 0.8]])
    found = relevance.counts_by_topic(weights, probabilities, csr_matrix(np.array([[8.0, 0], [2, 4]])))

    # 8 x .45 / .5 + 2 x .3 / .4, and 4 x .2 / .6
    np.testing.assert_allclose(found, [[8 * 0.9 + 2 * 0.75, 4 / 3], [8 * 0.1 + 2 * 0.25, 8 / 3]])


def test_counts_by_topic_sum_to_the_counts_however_they_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(4), 30).astype(np.float32)
    probabilities, counts = rng.dirichlet(np.ones(9), 4), csr_matrix(rng.poisson(1.0, (30, 9)).astype(float))
    whole = relevance.counts_by_topic(weights, probabilities, counts)
    monkeypatch.setattr(relevance, "_AT_ONCE", 28)

    np.testing.assert_allclose(relevance.counts_by_topic(weights, probabilities, counts), whole)
    np.testing.assert_allclose(whole.sum(axis=0), np.asarray(counts.sum(axis=0)).ravel())


@pytest.mark.parametrize("weight", [0, 0.35, 0.6, 1])
def test_the_page_has_the_words_that_come_first_at_every_value_of_the_slider(weight: float) -> None:
    rng = np.random.default_rng(1)
    words = words_of(rng.dirichlet(np.full(60, 0.3), 3), listed=5)
    totals = rng.integers(1, 100, 60).astype(np.float32)
    for topic, probabilities in enumerate(words.probabilities):
        score = weight * np.log(probabilities) + (1 - weight) * np.log(probabilities / (totals / totals.sum()))
        assert set(np.argsort(-score)[:5]) <= set(relevance.candidates(words, topic, totals))


def test_the_models_own_words_come_first_and_in_its_order() -> None:
    words = words_of(np.random.default_rng(2).dirichlet(np.full(20, 0.3), 2), listed=4)

    for topic in range(2):
        found = relevance.candidates(words, topic, np.ones(20, dtype=np.float32))
        assert found[:4] == words.top[topic].tolist()
        assert len(set(found)) == len(found)


def test_a_word_that_the_documents_do_not_have_is_told_with_a_count_of_none() -> None:
    probabilities = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    told = relevance.told(
        words_of(probabilities), np.array([[0.5, 0.5]], dtype=np.float32), csr_matrix(np.array([[0.0, 3, 1]]))
    )

    assert told["tokens"] == 4
    assert told["words"][0] == ["w0", 0, []]  # type: ignore[index]
    [(word, count, topics)] = [each for each in told["words"] if each[0] == "w1"]  # type: ignore[attr-defined]
    assert (word, count, topics) == ("w1", 3, [[0, 1.8], [1, 1.2]])
