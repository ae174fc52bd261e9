"""How topics and labels meet: which topics the documents of each label are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from explore.vectors import TopicVectors

SHOWN_LABELS: Final = 40


@dataclass(frozen=True)
class Confusion:
    """Mean topic weights by label.

    Attributes:
        labels: those with most documents, at most SHOWN_LABELS, ordered by the topic that they have most of.
        sizes: documents of each.
        weights: shape (labels, topics); each row sums to 1. Columns in the order asked for.
        agreement: normalised mutual information of the documents' strongest topics and their labels, 0 to 1.
        purity: share of the documents whose label is the commonest of their strongest topic.
        left_out: labels that are not shown.
    """

    labels: list[str]
    sizes: list[int]
    weights: npt.NDArray[np.float64]
    agreement: float
    purity: float
    left_out: int


def confusion_of(vectors: TopicVectors, order: Sequence[int]) -> Confusion | None:
    """Return how topics, in `order`, and labels meet; None where the documents have fewer than two labels."""
    sizes = Counter(vectors.labels)
    if len(sizes) < 2:  # noqa: PLR2004 -- a single label says nothing
        return None
    # Imported here: a second, which unlabelled documents need not pay.
    from sklearn.metrics import normalized_mutual_info_score  # noqa: PLC0415

    labels = np.array(vectors.labels)
    strongest = vectors.weights.argmax(axis=1)
    shown = sorted(sizes, key=lambda label: (-sizes[label], label))[:SHOWN_LABELS]
    means = np.stack([vectors.weights[labels == label].mean(axis=0, dtype=np.float64)[list(order)] for label in shown])
    rows = sorted(range(len(shown)), key=lambda row: (int(means[row].argmax()), shown[row]))
    commonest = sum(Counter(labels[strongest == topic]).most_common(1)[0][1] for topic in np.unique(strongest))
    return Confusion(
        labels=[shown[row] for row in rows],
        sizes=[sizes[shown[row]] for row in rows],
        weights=means[rows],
        agreement=float(normalized_mutual_info_score(labels, strongest)),
        purity=commonest / labels.size,
        left_out=len(sizes) - len(shown),
    )
