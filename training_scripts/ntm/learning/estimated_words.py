"""Words of topics from what any topic model answers: topic weights, and the counts they were inferred from.

For the built-in image, whose artifact does not tell its topics, and for any other model behind an endpoint. NumPy and
SciPy only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Matrix = npt.NDArray[np.float32]

SMOOTHING_TOKENS: Final = 20.0
"""Tokens of the background added to each topic's own: a word that a topic holds once is no word of the topic."""


def estimate_topics(weights: npt.NDArray[np.floating], counts: csr_matrix) -> Matrix:
    """Return each topic's weight of each word against the background, shape (topics, words), to be ranked like B.

    A token of word w in document d belongs to topic k in proportion to theta_dk. To tell topics apart also where the
    weights are flat, as a softmax's are, a topic's weight counts as far as it is above its own mean. With p_k the word
    distribution of the topic's tokens and u that of all tokens, the estimate is log((p_k + s u) / ((1 + s) u)), where s
    is SMOOTHING_TOKENS over the topic's tokens.

    Args:
        weights: theta, (documents, topics).
        counts: the same documents, (documents, words).

    Raises:
        ValueError: weights and counts are not of the same documents, or hold none.
    """
    if weights.shape[0] != counts.shape[0] or not counts.nnz:
        raise ValueError(f"{weights.shape[0]} rows of weights for {counts.shape[0]} documents of {counts.nnz} counts")
    above = np.maximum(weights - weights.mean(axis=0), 0.0)
    tokens = np.asarray((counts.T @ above).T, dtype=np.float64)
    background = np.asarray(counts.sum(axis=0), dtype=np.float64).ravel()
    seen = background > 0
    background /= background.sum()
    totals = tokens.sum(axis=1, keepdims=True)
    estimate = np.full(tokens.shape, -np.inf)
    mixed = (tokens + SMOOTHING_TOKENS * background) / (totals + SMOOTHING_TOKENS)
    estimate[:, seen] = np.log(mixed[:, seen] / background[seen])
    # A word that no document holds is nobody's; a finite bottom keeps it out of every list.
    floor = float(estimate[:, seen].min()) - 1.0
    return np.asarray(np.where(np.isfinite(estimate), estimate, floor), dtype=np.float32)
