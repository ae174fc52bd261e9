"""All that the page and the figures show, put together once."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

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
from explore.topics import Topic, Words
from explore.vectors import Matrix, TopicVectors, load_topic_vectors
from training_scripts.array_files import ArrayFileError, read_npy
from training_scripts.corpus.progress import Progress

from similar_function.index import DocumentIndex

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST_POINTS: Final = 100_000
"""Documents on the map; of more, a random sample is shown, and the page says so."""
NEAREST_DOCUMENTS: Final = 5
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
        nearest: points of the most similar topics to each point's, (points, NEAREST_DOCUMENTS).
        distances: theirs, Hellinger's.
        words: the model's.
        counts: words of the documents, (documents, words).
        texts: by id; empty where there are only counts.
        dates: of documents that have one, by id.
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
    nearest: npt.NDArray[np.uint32]
    distances: Matrix
    words: Words
    counts: csr_matrix
    texts: dict[str, str]
    dates: dict[str, date]
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
    file: Path,
    model: Path,
    documents: CountedDocuments,
    *,
    dates: dict[str, date],
    cache: Path,
    method: Method,
    seed: int,
    progress: Progress,
) -> Study:
    """Read the vectors and the model, and work out what there is to show.

    Args:
        file: topic vectors.
        model: the folder of the model that made them.
        documents: of the same corpus: their counts tell coherence, their texts are shown.
        dates: of documents, by id.
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
    progress.tell("looking for the nearest documents")
    nearest, distances = _nearest(vectors, rows)
    return Study(
        vectors=vectors,
        topics=described,
        tree=tree,
        advice=grouping.advise(words, described, vectors, documents.known),
        confusion=confusion.confusion_of(vectors, tree.order),
        rows=rows,
        positions=positions,
        method=method,
        nearest=nearest,
        distances=distances,
        words=words,
        counts=documents.known,
        texts=dict(zip(documents.ids, documents.texts, strict=True)) if documents.texts else {},
        dates=dates,
        labels=labels,
        topic_marks=palette.marks(
            palette.centres_of(positions, dominant, vectors.num_topics), [topic.dominant for topic in described]
        ),
        label_marks=palette.marks(
            palette.centres_of(positions, of_point, len(labels)), [sizes[label] for label in labels]
        ),
    )


def _nearest(vectors: TopicVectors, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.uint32], Matrix]:
    places = [str(place) for place in range(len(rows))]
    index = DocumentIndex.build(vectors.weights[rows], places, places, model=vectors.model, corpus=vectors.corpus)
    neighbours = [index.of_document(place, NEAREST_DOCUMENTS) for place in places]
    return (
        np.array([[int(one.id) for one in near] for near in neighbours], dtype=np.uint32),
        np.array([[one.distance for one in near] for near in neighbours], dtype=np.float32),
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
