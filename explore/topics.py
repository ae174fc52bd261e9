"""What is told about each topic: its words, size, coherence, most typical documents and nearest topics."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from explore.errors import ExploreError
from explore.vectors import TopicVectors
from training_scripts.ntm import artifact
from training_scripts.ntm.coherence import Cooccurrence, mean_npmi, uniqueness_by_topic
from training_scripts.ntm.sums import Alone

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Ids = npt.NDArray[np.int32]
Distances = npt.NDArray[np.float64]

TYPICAL_DOCUMENTS: Final = 5
NEAREST_TOPICS: Final = 3


@dataclass(frozen=True)
class Words:
    """A model's topics as distributions over words.

    Attributes:
        model: the model's version.
        corpus: the corpus that it was trained on; empty where it does not say.
        words: by word id.
        top: the words that each topic is told by, best first, as the model itself lists them: ids, (topics, listed).
        top_weights: how much each tells about its topic, (topics, listed).
        probabilities: each topic's distribution over words, (topics, words); each row sums to 1.
        labels: of the topics; of a model without labels the first three words.
    """

    model: str
    corpus: str
    words: list[str]
    top: Ids
    top_weights: Distances
    probabilities: Distances
    labels: list[str]

    @classmethod
    def read(cls, folder: Path) -> Words:
        """Read a model folder of the open NTM.

        Raises:
            ExploreError: the folder holds none.
        """
        try:
            model = artifact.read(folder)
        except artifact.ArtifactError as error:
            raise ExploreError(str(error)) from None
        decoder = model.arrays["topics"]
        # The decoder, softmax(theta B + b), at the corner where theta is the one topic.
        logits = decoder.astype(np.float64) + model.arrays["background"]
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        file = folder / artifact.VOCABULARY_FILE
        names = map(str, range(decoder.shape[1]))
        words = file.read_text(encoding="utf-8").splitlines() if file.is_file() else list(names)
        if len(words) != decoder.shape[1]:
            raise ExploreError(f"{file} has {len(words)} words, where the model has {decoder.shape[1]}")
        id_of = {word: number for number, word in enumerate(words)}
        listed = model.document["topics"]
        return cls(
            model=model.document["model_version"],
            corpus=model.document.get("corpus_hash") or "",
            words=words,
            top=np.array([[id_of[word] for word in topic["words"]] for topic in listed], dtype=np.int32),
            top_weights=np.array([topic["weights"] for topic in listed]),
            probabilities=raised / raised.sum(axis=1, keepdims=True),
            labels=[topic.get("label") or ", ".join(topic["words"][:3]) for topic in listed],
        )

    @property
    def num_topics(self) -> int:
        """How many topics there are."""
        return int(self.top.shape[0])


@dataclass(frozen=True)
class Topic:
    """One topic.

    Attributes:
        id: its number in the model.
        words: the words that tell most about it, best first.
        word_probabilities: the probability of each in the topic.
        share: mean of its weights over the documents.
        dominant: how many documents it is the strongest topic of.
        coherence: mean NPMI of the pairs of its words over the documents.
        uniqueness: TU, 1 where no other topic lists one of its words.
        typical: rows of the documents with most of it.
        nearest: the topics with the most similar words, with their Hellinger distances.
        label: two or three words that say what it is about.
    """

    id: int
    words: list[str]
    word_probabilities: list[float]
    share: float
    dominant: int
    coherence: float
    uniqueness: float
    typical: list[int]
    nearest: list[tuple[int, float]]
    label: str


def describe(words: Words, vectors: TopicVectors, counts: csr_matrix) -> list[Topic]:
    """Return the topics in the order of their ids.

    Args:
        words: the model's.
        vectors: of the documents, from that model.
        counts: word counts of the documents, (documents, words), to tell coherence by.

    Raises:
        ExploreError: the vectors are another model's.
    """
    if vectors.model != words.model:
        raise ExploreError(f"the vectors are of model {vectors.model}, and the model folder holds {words.model}")
    if vectors.num_topics != words.num_topics:
        raise ExploreError(f"the vectors have {vectors.num_topics} topics, and the model has {words.num_topics}")
    if words.corpus and words.corpus != vectors.corpus:
        raise ExploreError(f"the vectors are of corpus {vectors.corpus[:12]}, and the model of {words.corpus[:12]}")
    ids = words.top
    coherence = npmi(counts, ids)
    uniqueness = uniqueness_by_topic(ids)
    dominant = np.bincount(vectors.weights.argmax(axis=1), minlength=words.num_topics)
    shares = vectors.weights.mean(axis=0, dtype=np.float64)
    distances = hellinger(words.probabilities)
    return [
        Topic(
            id=topic,
            words=[words.words[word] for word in ids[topic]],
            word_probabilities=[float(words.probabilities[topic, word]) for word in ids[topic]],
            share=float(shares[topic]),
            dominant=int(dominant[topic]),
            coherence=float(coherence[topic]),
            uniqueness=float(uniqueness[topic]),
            typical=_largest(vectors.weights[:, topic], TYPICAL_DOCUMENTS),
            nearest=[
                (other, float(distances[topic, other]))
                for other in _largest(-distances[topic], NEAREST_TOPICS + 1)
                if other != topic
            ][:NEAREST_TOPICS],
            label=words.labels[topic],
        )
        for topic in range(words.num_topics)
    ]


def npmi(counts: csr_matrix, ids: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    """Return the mean NPMI of each row of word ids over the documents `counts`; see `coherence.npmi_of_pairs`."""
    return mean_npmi(Cooccurrence(counts, cluster=Alone()).npmi(ids), ids.shape[1])


def hellinger(probabilities: Distances) -> Distances:
    """Return the Hellinger distance of every two rows: sqrt(1 - sum_w sqrt(p_w q_w)), 0 for equals, 1 at most."""
    roots = np.sqrt(probabilities)
    affinity = np.clip(roots @ roots.T, 0, 1)
    np.fill_diagonal(affinity, 1)
    return np.asarray(np.sqrt(1 - affinity))


def _largest(values: npt.NDArray[np.floating], number: int) -> list[int]:
    return [int(row) for row in np.argsort(-values, kind="stable")[:number]]
