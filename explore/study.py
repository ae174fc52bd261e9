"""All that the page and the figures show, put together once."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from explore import confusion, grouping, palette, topics
from explore.confusion import Confusion
from explore.documents import CountedDocuments
from explore.errors import ExploreError
from explore.files import written_whole
from explore.grouping import Advice, Tree
from explore.map import Method, Positions, map_of
from explore.palette import Mark
from explore.topics import Topic
from explore.vectors import Matrix, TopicVectors, load_topic_vectors
from training_scripts.array_files import ArrayFileError, read_npy
from training_scripts.corpus.progress import Progress

MOST_POINTS: Final = 100_000
"""Documents on the map; of more, a random sample is shown, and the page says so."""
_MAP_VERSION: Final = 2
"""Counted up where the same settings give another map."""


@dataclass(frozen=True)
class Study:
    """What is known about a model and the documents it was asked for.

    Attributes:
        vectors: of all documents.
        topics: in the order of their ids.
        rows: of `vectors`, those that are on the map.
        positions: of those, shape (points, 2).
        method: how they were found.
        snippets: the beginnings of the texts, by id; empty where there are only counts.
        labels: distinct labels, the commonest first.
        topic_marks: how each topic is drawn.
        label_marks: how each label is.
    """

    vectors: TopicVectors
    topics: list[Topic]
    tree: Tree
    advice: list[Advice]
    confusion: Confusion | None
    rows: npt.NDArray[np.int64]
    positions: Positions
    method: Method
    snippets: dict[str, str]
    labels: list[str]
    topic_marks: list[Mark]
    label_marks: list[Mark]

    @property
    def dominant(self) -> npt.NDArray[np.int64]:
        """The strongest topic of each point."""
        return np.asarray(self.vectors.weights[self.rows].argmax(axis=1))

    @property
    def label_numbers(self) -> npt.NDArray[np.int64]:
        """The number of each point's label."""
        number = {label: place for place, label in enumerate(self.labels)}
        return np.array([number[self.vectors.labels[row]] for row in self.rows], dtype=np.int64)


def study(
    file: Path, model: Path, documents: CountedDocuments, *, cache: Path, method: Method, seed: int, progress: Progress
) -> Study:
    """Read the vectors and the model, and work out what there is to show.

    Args:
        file: topic vectors.
        model: the folder of the model that made them.
        documents: of the same corpus: their counts tell coherence, their texts are shown.
        cache: folder where the map, the slow part, is kept for the next run.
        method: of the map.
        seed: of the map, and of the sample where there are too many documents.
        progress: told of each stage.

    Raises:
        ExploreError: the three do not belong together.
    """
    vectors = load_topic_vectors(file)
    if vectors.corpus != documents.corpus:
        raise ExploreError(
            f"{file} is of corpus {vectors.corpus[:12]}, and the documents are of {documents.corpus[:12]}"
        )
    words = topics.Words.read(model)
    progress.tell("telling the topics")
    described = topics.describe(words, vectors, documents.known)
    tree = grouping.tree_of(words)
    rows = np.sort(np.random.default_rng(seed).permutation(len(vectors.ids))[:MOST_POINTS])
    positions = _map(vectors.weights[rows], cache, method=method, seed=seed, progress=progress)
    sizes = dict.fromkeys(vectors.labels, 0)
    for label in vectors.labels:
        sizes[label] += 1
    labels = sorted(sizes, key=lambda label: (-sizes[label], label))
    numbers = {label: place for place, label in enumerate(labels)}
    of_point = np.array([numbers[vectors.labels[row]] for row in rows])
    dominant = vectors.weights[rows].argmax(axis=1)
    return Study(
        vectors=vectors,
        topics=described,
        tree=tree,
        advice=grouping.advise(words, described, vectors, documents.known),
        confusion=confusion.confusion_of(vectors, tree.order),
        rows=rows,
        positions=positions,
        method=method,
        snippets=dict(zip(documents.ids, documents.snippets, strict=True)) if documents.snippets else {},
        labels=labels,
        topic_marks=palette.marks(
            palette.centres_of(positions, dominant, vectors.num_topics), [topic.dominant for topic in described]
        ),
        label_marks=palette.marks(
            palette.centres_of(positions, of_point, len(labels)), [sizes[label] for label in labels]
        ),
    )


def _map(weights: Matrix, cache: Path, *, method: Method, seed: int, progress: Progress) -> Positions:
    digest = hashlib.sha256(np.ascontiguousarray(weights).tobytes()).hexdigest()
    kept = cache / f"map-{method}-{seed}-{digest[:16]}-{_MAP_VERSION}.npy"
    with contextlib.suppress(FileNotFoundError, ArrayFileError):
        # One that is damaged is made again.
        kept_positions: Positions = read_npy(kept)
        if kept_positions.shape == (weights.shape[0], 2):
            return kept_positions
    positions = map_of(weights, method=method, seed=seed, progress=progress)
    with written_whole(kept) as partial, partial.open("wb") as stream:
        np.save(stream, positions)
    return positions
