"""What a topic is called: its words, ranked for people. NumPy only."""

from __future__ import annotations

from typing import Final, TypedDict

import numpy as np
import numpy.typing as npt

from training_scripts.ntm.coherence import Ids, top_word_ids

Matrix = npt.NDArray[np.float32]

SHOWN_WORDS: Final = 10


class TopicEntry(TypedDict):
    """One topic in model.json."""

    id: int
    share: float
    words: list[str]
    weights: list[float]


def ranked_ids(topics: Matrix, number: int) -> Ids:
    """Return each topic's `number` most telling words, best first, shape (topics, number).

    The decoder is softmax(theta B + b): b holds how frequent each word is anyway, B how much more likely the topic
    makes it. B alone therefore is the weight against the background, and words that are everywhere do not lead.
    """
    return top_word_ids(topics, number)


def describe(topics: Matrix, shares: npt.NDArray[np.floating], words: list[str] | None) -> list[TopicEntry]:
    """Return the topics as model.json lists them.

    Args:
        topics: decoder B, (topics, feature_dim).
        shares: mean topic weight over the training documents, (topics,).
        words: by feature id; None names a word by its id.
    """
    ids = ranked_ids(topics, SHOWN_WORDS)
    shifted = np.exp(topics.astype(np.float64) - topics.max(axis=1, keepdims=True))
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
