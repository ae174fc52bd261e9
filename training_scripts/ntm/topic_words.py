"""What a topic is called: its words, ranked for people. NumPy only."""

from __future__ import annotations

from typing import Final, TypedDict

import numpy as np
import numpy.typing as npt

from training_scripts.ntm.coherence import Ids, top_word_ids

Matrix = npt.NDArray[np.float32]

SHOWN_WORDS: Final = 10
BACKGROUND_SHARE: Final = 0.25


class TopicEntry(TypedDict):
    """One topic in model.json."""

    id: int
    share: float
    words: list[str]
    weights: list[float]


def relevance(topics: Matrix, background: Matrix) -> Matrix:
    """Return how telling each word is of each topic, shape (topics, words).

    The decoder is softmax(theta B + b): b holds how frequent each word is anyway, B how much more likely the topic
    makes it. B alone would lead with words that are rare elsewhere, B + b with words that are frequent everywhere;
    B + BACKGROUND_SHARE * b is the relevance of Sievert and Shirley 2014 (LDAvis), with their lambda = 0.25.
    """
    return topics + np.float32(BACKGROUND_SHARE) * background


def ranked_ids(topics: Matrix, background: Matrix, number: int) -> Ids:
    """Return each topic's `number` most relevant words, best first, shape (topics, number)."""
    return top_word_ids(relevance(topics, background), number)


def describe(
    topics: Matrix, background: Matrix, shares: npt.NDArray[np.floating], words: list[str] | None
) -> list[TopicEntry]:
    """Return the topics as model.json lists them.

    Args:
        topics: decoder B, (topics, feature_dim).
        background: decoder b, (feature_dim,).
        shares: mean topic weight over the training documents, (topics,).
        words: by feature id; None names a word by its id.
    """
    scores = relevance(topics, background)
    ids = top_word_ids(scores, SHOWN_WORDS)
    shifted = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    weights = np.take_along_axis(shifted / shifted.sum(axis=1, keepdims=True), ids, axis=1)
    return [
        TopicEntry(
            id=topic,
            share=round(float(shares[topic]), 6),
            words=[words[word] if words else str(word) for word in row],
            weights=[round(float(weight), 6) for weight in weights[topic]],
        )
        for topic, row in enumerate(ids.tolist())
    ]
