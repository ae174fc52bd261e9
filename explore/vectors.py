"""Topic vectors of a whole corpus, in one Parquet file.

Columns: `id` and `label` (strings), `topic_0` … `topic_<K-1>` (float32, null where there are none), `reason` (why there
are none, otherwise null), `model` and `corpus` (the versions that made them). Every document has a row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import parquet

from explore.documents import NO_KNOWN_WORD, CountedDocuments, named_labels
from explore.errors import ExploreError
from explore.files import written_whole

Matrix = npt.NDArray[np.float32]

_TOPIC_COLUMN: Final = re.compile(r"topic_(\d+)")
_TEXT_COLUMNS: Final = ("id", "label", "reason", "model", "corpus")
_SUM_TOLERANCE: Final = 1e-3
"""Topic weights sum to 1; JSON's decimals and float32 sums leave a little."""

DEFAULT_FILE: Final = Path("build/vectors.parquet")
"""Where commands write topic vectors and read them, unless told otherwise."""


@dataclass(frozen=True)
class TopicVectors:
    """The documents that have topics, and beside them those that have none.

    Attributes:
        weights: topic weights theta, shape (documents, topics), float32, C-contiguous, each row sums to 1.
        ids: of each row.
        labels: of each row.
        model: the version of the model.
        corpus: the version of the corpus whose vocabulary the documents were counted by.
        without: why a document has no vector, by id.
    """

    weights: Matrix
    ids: list[str]
    labels: list[str]
    model: str
    corpus: str
    without: dict[str, str]

    @property
    def num_topics(self) -> int:
        """Length of a vector."""
        return int(self.weights.shape[1])


def write_topic_vectors(file: Path, documents: CountedDocuments, weights: Matrix, *, model: str) -> None:
    """Write the vectors of `documents`.

    Args:
        file: replaced when all has been written.
        documents: in the order of the rows.
        weights: topic weights of the documents that have a known word, in their order, (known documents, topics).
        model: the version of the model that gave them.

    Raises:
        ExploreError: the weights are not those of these documents, or the file cannot be written.
    """
    known = documents.is_known
    _check(weights, int(known.sum()))
    table = pa.table(
        {
            "id": pa.array(documents.ids, pa.string()),
            "label": pa.array(documents.labels, pa.string()),
            **{f"topic_{topic}": _spread(weights[:, topic], known) for topic in range(weights.shape[1])},
            "reason": pa.array([None if has else NO_KNOWN_WORD for has in known], pa.string()),
            "model": _constant(model, len(documents.ids)),
            "corpus": _constant(documents.corpus, len(documents.ids)),
        }
    )
    with written_whole(file) as partial:
        parquet.write_table(table, partial, compression="zstd")


def load_topic_vectors(file: Path) -> TopicVectors:
    """Read a file of topic vectors.

    Its `weights` are what scikit-learn and SageMaker's k-NN take as they are:

    >>> vectors = load_topic_vectors(Path("build/vectors.parquet"))       # doctest: +SKIP
    ... KNeighborsClassifier().fit(vectors.weights, vectors.labels)

    Raises:
        ExploreError: there is none, it is something else, or no document has a vector.
    """
    try:
        table = parquet.read_table(file)
    except FileNotFoundError:
        raise ExploreError(f"{file} is not there: python -m operations.score writes such files") from None
    except (OSError, pa.ArrowInvalid) as error:
        raise ExploreError(f"{file} is no Parquet file: {error}") from None
    names = [name for name in table.column_names if _TOPIC_COLUMN.fullmatch(name)]
    if missing := [name for name in (*_TEXT_COLUMNS, "topic_0") if name not in table.column_names]:
        raise ExploreError(f"{file} has no column {missing[0]}, so it is no file of topic vectors")
    columns = [f"topic_{topic}" for topic in range(len(names))]
    if set(columns) != set(names):
        raise ExploreError(f"{file} has {len(names)} columns of topics, but not {columns[-1]}")
    reasons: list[str | None] = table["reason"].to_pylist()
    known = np.array([reason is None for reason in reasons], dtype=bool)
    if not known.any():
        raise ExploreError(f"none of the {len(reasons)} documents in {file} has a topic vector")
    weights = np.empty((int(known.sum()), len(columns)), dtype=np.float32)
    for topic, name in enumerate(columns):
        weights[:, topic] = table[name].to_numpy()[known]
    if not np.isfinite(weights).all():
        raise ExploreError(f"{file} has documents with neither topic weights nor a reason")
    ids, labels = table["id"].to_pylist(), named_labels(table["label"].to_pylist())
    rows = np.flatnonzero(known)
    return TopicVectors(
        weights=weights,
        ids=[ids[row] for row in rows],
        labels=[labels[row] for row in rows],
        model=_one(file, table, "model"),
        corpus=_one(file, table, "corpus"),
        without={ids[row]: reason for row, reason in enumerate(reasons) if reason is not None},
    )


def _check(weights: Matrix, documents: int) -> None:
    if weights.ndim != 2 or weights.shape[0] != documents:  # noqa: PLR2004 -- documents and topics
        raise ExploreError(f"there are {weights.shape[0]} topic vectors for {documents} documents with known words")
    sums = weights.sum(axis=1)
    if weights.size and not (np.isfinite(sums).all() and np.abs(sums - 1).max() < _SUM_TOLERANCE):
        row = int(np.argmax(~(np.abs(sums - 1) < _SUM_TOLERANCE)))
        raise ExploreError(f"the topic weights of document {row + 1} sum to {sums[row]:.4f}, not to 1")


def _spread(values: Matrix, known: npt.NDArray[np.bool_]) -> pa.Array:
    column = np.zeros(known.size, dtype=np.float32)
    column[known] = values
    return pa.array(column, pa.float32(), mask=~known)


def _constant(value: str, rows: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32)), pa.array([value]))


def _one(file: Path, table: pa.Table, name: str) -> str:
    versions: list[str] = table[name].unique().to_pylist()
    if len(versions) != 1:
        raise ExploreError(f"{file} holds vectors of {len(versions)} {name} versions: a file is of one")
    return versions[0]
