"""How topics group: a tree of them by their words, and which might be one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from explore.topics import Topic, Words, hellinger, npmi
from explore.vectors import TopicVectors
from training_scripts.ntm.coherence import top_word_ids

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

COHERENCE_LOSS: Final = 0.02
"""How much less coherent, in NPMI, one topic may be than the two that it would stand for."""
SHARED_WORDS: Final = 2
"""Of the ten words of each: fewer in common and readers see two subjects."""


@dataclass(frozen=True)
class Tree:
    """Topics joined step by step, the nearest first (average linkage of Hellinger distances).

    Attributes:
        steps: shape (topics - 1, 4), as scipy.cluster.hierarchy.linkage returns them.
        order: the topics from left to right, so that neighbours are alike.
    """

    steps: npt.NDArray[np.float64]
    order: list[int]


@dataclass(frozen=True)
class Advice:
    """Two topics that might be one, and why."""

    topics: tuple[int, int]
    distance: float
    words: list[str]
    """Of the topic that they would be."""
    reason: str


def tree_of(words: Words) -> Tree:
    """Return the tree of a model's topics."""
    steps = linkage(squareform(hellinger(words.probabilities), checks=False), "average", optimal_ordering=True)
    return Tree(np.asarray(steps), [int(topic) for topic in leaves_list(steps)])


def advise(words: Words, topics: Sequence[Topic], vectors: TopicVectors, counts: csr_matrix) -> list[Advice]:
    """Return the pairs of topics that look like one, nearest first; often there are none.

    Two topics are advised to be merged when each is the other's nearest, they have at least SHARED_WORDS of their ten
    words in common, and the topic that they would be, the mean of their word weights by share, is no less coherent
    than they are on average, by more than COHERENCE_LOSS.
    """
    distances = hellinger(words.probabilities)
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argmin(axis=1)
    found = []
    for one in range(words.num_topics):
        other = int(nearest[one])
        if other < one or nearest[other] != one:
            continue
        shared = [word for word in topics[one].words if word in topics[other].words]
        shares = np.array([topics[one].share, topics[other].share])
        merged = np.zeros((1, len(words.words)), dtype=np.float32)
        np.add.at(
            merged[0], words.top[[one, other]].ravel(), (shares[:, None] * words.top_weights[[one, other]]).ravel()
        )
        ids = top_word_ids(merged, words.top.shape[1])
        coherence = float(npmi(counts, ids)[0])
        before = float(shares @ [topics[one].coherence, topics[other].coherence] / shares.sum())
        if len(shared) < SHARED_WORDS or coherence < before - COHERENCE_LOSS:
            continue
        together = float(np.corrcoef(vectors.weights[:, one], vectors.weights[:, other])[0, 1])
        found.append(
            Advice(
                topics=(one, other),
                distance=float(distances[one, other]),
                words=[words.words[word] for word in ids[0]],
                reason=(
                    f"Each is the other's nearest, they share {', '.join(shared)}, and as one topic their coherence "
                    f"would be {coherence:.2f} where it is {before:.2f} now. Their weights in documents correlate by "
                    f"{together:.2f}."
                ),
            )
        )
    return sorted(found, key=lambda advice: advice.distance)
