"""Word-embedding topic coherence (WETC), where the auxiliary channel brings embeddings. NumPy only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from training_scripts.ntm.failure import ClientError

if TYPE_CHECKING:
    from pathlib import Path

    from training_scripts.ntm.coherence import Ids

EMBEDDINGS_FILE: Final = "embeddings.txt"

Matrix = npt.NDArray[np.float32]


def read_embeddings(path: Path, words: list[str]) -> dict[int, Matrix]:
    """Return unit vectors by feature id, from GloVe's text format: a word and its numbers a line.

    Raises:
        ClientError: a line of the vocabulary's words is not of the first one's length, or not of numbers.
    """
    ids = {word: number for number, word in enumerate(words)}
    vectors: dict[int, Matrix] = {}
    length = 0
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            word, *cells = line.rstrip("\n").split(" ")
            if word not in ids:
                continue
            try:
                vector = np.array([float(cell) for cell in cells], dtype=np.float32)
            except ValueError:
                raise ClientError(
                    f"{path.name}, line {number}: the vector of {word!r} holds what is no number"
                ) from None
            length = length or vector.size
            size = float(np.linalg.norm(vector))
            if vector.size != length or not 0 < size < np.inf:
                raise ClientError(
                    f"{path.name}, line {number}: {word!r} has {vector.size} numbers, not {length} finite ones"
                )
            vectors[ids[word]] = vector / size
    return vectors


def word_embedding_coherence(ids: Ids, vectors: dict[int, Matrix]) -> npt.NDArray[np.float64]:
    """Return each topic's mean cosine over pairs of its words that have a vector (Ding, Nallapati and Xiang 2018)."""
    scores = np.zeros(len(ids))
    for topic, row in enumerate(ids.tolist()):
        known = [vectors[word] for word in row if word in vectors]
        if len(known) > 1:
            cosines = np.stack(known) @ np.stack(known).T
            scores[topic] = (cosines.sum() - np.trace(cosines)) / (len(known) * (len(known) - 1))
    return scores
