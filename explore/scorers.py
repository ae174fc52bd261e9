"""Who computes topic weights: a model folder here, or what is deployed (`operations.deployed_scorers`), alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import numpy as np

from explore.documents import CountedDocuments
from explore.errors import ExploreError
from explore.vectors import Matrix
from training_scripts.corpus.progress import Progress
from training_scripts.ntm import artifact
from training_scripts.ntm.inference import NtmInference

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LOCAL_ROWS: Final = 4096


class Scored(NamedTuple):
    """Topic weights of some documents."""

    weights: Matrix
    model: str
    corpus: str
    """The corpus that the model says it was trained on; empty where it does not say."""
    vocabulary: str = ""
    """The hash of the vocabulary that it says it counts by; empty where it does not say."""


class Scorer(Protocol):
    """Gives documents their topic weights."""

    def blocks(self, counts: csr_matrix) -> Iterator[csr_matrix]:
        """Cut documents into what is scored at a time."""

    def score(self, counts: csr_matrix) -> Scored:
        """Return the topic weights of one block."""


def score_all(scorer: Scorer, documents: CountedDocuments, progress: Progress) -> tuple[Matrix, str]:
    """Return the topic weights of all documents with a known word, in order, and the model's version.

    Raises:
        ExploreError: the model is of another vocabulary, changed on the way, or could not be asked.
    """
    known = documents.known
    if not known.shape[0]:
        raise ExploreError("none of the documents has a word of the vocabulary")
    weights: list[Matrix] = []
    versions: set[str] = set()
    done = 0
    for block in scorer.blocks(known):
        answer = scorer.score(block)
        # Another corpus of the same vocabulary has the same columns: prepared with --vocabulary, for example.
        is_same = documents.corpus == answer.corpus or documents.vocabulary == answer.vocabulary
        if answer.corpus and not is_same:
            raise ExploreError(
                f"the model {answer.model} was trained on corpus {answer.corpus[:12]}, and these documents were "
                f"counted by the vocabulary of corpus {documents.corpus[:12]}"
            )
        weights.append(answer.weights)
        versions.add(answer.model)
        if len(versions) > 1:
            raise ExploreError(f"the model changed from one request to the next: {' and '.join(sorted(versions))}")
        done += block.shape[0]
        progress.tell(f"{done:,} of {known.shape[0]:,} documents scored")
    return np.concatenate(weights), versions.pop()


class LocalModel:
    """A model folder of the open NTM."""

    def __init__(self, folder: Path) -> None:
        """Load the model.

        Raises:
            ExploreError: the folder holds none.
        """
        try:
            model = artifact.read(folder)
            self._inference = NtmInference(model)
        except artifact.ArtifactError as error:
            raise ExploreError(str(error)) from None
        self._model: str = model.document["model_version"]
        self._corpus: str = model.document.get("corpus_hash") or ""
        self._vocabulary: str = model.document.get("vocabulary_hash") or ""

    def blocks(self, counts: csr_matrix) -> Iterator[csr_matrix]:
        """Cut documents into blocks whose hidden layers fit into a cache."""
        if counts.shape[1] != self._inference.feature_dim:
            raise ExploreError(
                f"the model {self._model} knows {self._inference.feature_dim} words, and these documents were counted "
                f"by a vocabulary of {counts.shape[1]}"
            )
        for first in range(0, counts.shape[0], LOCAL_ROWS):
            yield counts[first : first + LOCAL_ROWS]

    def score(self, counts: csr_matrix) -> Scored:
        """Return the topic weights of one block."""
        return Scored(self._inference.topic_weights(counts), self._model, self._corpus, self._vocabulary)
