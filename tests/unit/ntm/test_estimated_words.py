from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.sparse import csr_matrix, hstack
from scipy.special import softmax

from training_scripts.ntm.coherence import top_word_ids
from training_scripts.ntm.learning.estimated_words import estimate_topics

Planted = Callable[[int, int], csr_matrix]


def answered(documents: int) -> np.ndarray:
    """What a model with soft, noisy answers says of planted documents, whose topics come in turn."""
    rng = np.random.default_rng(0)
    return np.asarray(
        softmax(1.5 * np.eye(4)[np.arange(documents) % 4] + 0.3 * rng.standard_normal((documents, 4)), axis=1)
    )


def test_planted_words_are_found_from_weights_and_counts_alone(planted: Planted) -> None:
    estimate = estimate_topics(answered(200), planted(200, 1))

    blocks = [set((row // 10).tolist()) for row in top_word_ids(estimate, 10)]
    assert blocks == [{0}, {1}, {2}, {3}]


def test_a_word_that_is_everywhere_leads_no_topic(planted: Planted) -> None:
    everywhere = csr_matrix(np.full((200, 1), 50.0, np.float32))

    estimate = estimate_topics(answered(200), hstack([planted(200, 1), everywhere], format="csr"))

    assert 40 not in top_word_ids(estimate, 10)


def test_a_word_never_seen_is_ranked_last(planted: Planted) -> None:
    unseen = csr_matrix((200, 1), dtype=np.float32)

    estimate = estimate_topics(answered(200), hstack([unseen, planted(200, 1)], format="csr"))

    assert (top_word_ids(estimate, 41)[:, -1] == 0).all()


def test_weights_of_other_documents_are_refused(planted: Planted) -> None:
    with pytest.raises(ValueError, match="199 rows of weights for 200 documents"):
        estimate_topics(answered(199), planted(200, 1))
