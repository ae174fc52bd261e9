"""Word-embedding topic coherence (WETC), where the auxiliary channel brings embeddings. NumPy only."""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from training_scripts.plain_text import lines_of, opened

if TYPE_CHECKING:
    from pathlib import Path

    from training_scripts.ntm.coherence import Ids

EMBEDDINGS_FILE: Final = "embeddings.txt"
_HEADER: Final = re.compile(rb"[0-9]+\s+[0-9]+")
"""The first line of word2vec and fastText: how many words, of how many numbers."""
_LINES_LOOKED_AT: Final = 1000

Matrix = npt.NDArray[np.float32]


class Embeddings(NamedTuple):
    """The vectors of a vocabulary's words, and what the file held beside them."""

    vectors: dict[int, Matrix]
    """Unit vectors by feature id."""
    length: int
    passed_over: int
    """Lines that are no vector."""

    def summary(self, words: int) -> str:
        """Return what was found for a vocabulary of so many words."""
        found = f"{len(self.vectors):,} of {words:,} words have a vector of {self.length} numbers"
        return f"{EMBEDDINGS_FILE}: {found}; {self.passed_over:,} lines that are no vector were passed over"


def read_embeddings(path: Path, words: list[str]) -> Embeddings:
    """Return unit vectors by feature id, from the text format of GloVe, word2vec and fastText: a word and its numbers.

    The length of the vectors is that of most of the first lines. A line is passed over and counted if it has fewer
    numbers, if it is not UTF-8, or if a word of the vocabulary has zeros alone or what is no finite number. The header
    of word2vec and fastText is no vector, and not counted. A word may hold blanks, as some of GloVe's do.

    Raises:
        PlainTextError: the file is damaged, or no text.
        OSError: it cannot be read.
    """
    ids = {word.encode(): number for number, word in enumerate(words)}
    vectors: dict[int, Matrix] = {}
    passed_over = 0
    with path.open("rb") as stream:
        lines = (line.rstrip() for line in lines_of(opened(stream)))
        first = list(islice(lines, _LINES_LOOKED_AT))
        if first and _HEADER.fullmatch(first[0]):
            del first[0]
        widths = Counter(len(line.split()) for line in first)
        length = max(widths, key=lambda width: (widths[width], width), default=1) - 1
        for line in chain(first, lines):
            word, *cells = line.rsplit(None, length) or [b""]
            number = ids.get(word)
            if number is None:
                passed_over += len(cells) < length or not _is_utf8(word)
            elif (vector := _unit_vector(cells, length)) is None:
                passed_over += 1
            else:
                vectors[number] = vector
    return Embeddings(vectors, length, passed_over)


def _is_utf8(word: bytes) -> bool:
    try:
        word.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unit_vector(cells: list[bytes], length: int) -> Matrix | None:
    try:
        numbers = np.array([float(cell) for cell in cells])
    except ValueError:
        return None
    size = float(np.linalg.norm(numbers))
    return (numbers / size).astype(np.float32) if numbers.size == length and 0 < size < np.inf else None


def word_embedding_coherence(ids: Ids, vectors: dict[int, Matrix]) -> npt.NDArray[np.float64]:
    """Return each topic's mean cosine over pairs of its words that have a vector (Ding, Nallapati and Xiang 2018)."""
    scores = np.zeros(len(ids))
    for topic, row in enumerate(ids.tolist()):
        known = [vectors[word] for word in row if word in vectors]
        if len(known) > 1:
            cosines = np.stack(known) @ np.stack(known).T
            scores[topic] = (cosines.sum() - np.trace(cosines)) / (len(known) * (len(known) - 1))
    return scores
