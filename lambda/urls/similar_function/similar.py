"""What is searched for, and Hellinger distance. Pure, and without NumPy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

NEIGHBOURS: Final = 10
MOST_NEIGHBOURS: Final = 50
"""Most documents that one search gives."""


@dataclass(frozen=True, slots=True)
class Similar:
    """A document and how far it is."""

    id: str
    label: str
    distance: float
    """Hellinger: 0 for the same topics, 1 for none in common."""


class UnknownDocumentError(KeyError):
    """The index has no such document."""


class WrongTopicsError(ValueError):
    """Topic weights of another number of topics than the index has."""


class Searcher(Protocol):
    """An index of the documents of one model."""

    @property
    def model(self) -> str:
        """The version of the model that gave the topic weights."""
        ...

    @property
    def corpus(self) -> str:
        """The version of the corpus whose vocabulary the documents were counted by."""
        ...

    @property
    def documents(self) -> int:
        """How many documents it has."""
        ...

    def of_document(self, name: str, number: int = NEIGHBOURS) -> list[Similar]:
        """Return the documents nearest to one of the index, itself left out.

        Raises:
            UnknownDocumentError: the index has no such document.
        """
        ...

    def of_weights(self, weights: Sequence[float], number: int = NEIGHBOURS) -> list[Similar]:
        """Return the documents nearest to topic weights.

        Raises:
            WrongTopicsError: they are not of as many topics as the index.
        """
        ...


def roots_of(weights: Sequence[float]) -> list[float]:
    """Return the square roots: their Euclidean distance is the Hellinger distance times sqrt(2)."""
    return [math.sqrt(max(weight, 0.0)) for weight in weights]


def hellinger(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the Hellinger distance of two documents by the square roots of their topic weights.

    H(p, q) = sqrt(sum_k (sqrt(p_k) - sqrt(q_k))^2 / 2).
    """
    return math.sqrt(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) / 2)
