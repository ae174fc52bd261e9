"""Documents of similar topics: `python -m explore.similar --help`.

Nearest by Hellinger distance, H(p, q) = sqrt(1 - sum_k sqrt(p_k q_k)), which is the Euclidean distance of the square
roots of the topic weights divided by sqrt(2): so an index for Euclidean distance finds them (usearch, HNSW: Malkov and
Yashunin 2016).
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from usearch.index import Index

from explore import options as common
from explore.errors import ExploreError
from explore.files import written_whole
from explore.score import DEFAULT_FILE
from explore.vectors import load_topic_vectors

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from explore.vectors import Matrix, TopicVectors

PROGRAM: Final = "python -m explore.similar"
DEFAULT_FOLDER: Final = Path("build/similar")
INDEX_FILE, DOCUMENTS_FILE = "index.usearch", "documents.json"
"""The documents are written last: a folder with them is whole."""
SCHEMA_VERSION: Final = 1
NEIGHBOURS: Final = 10
_CONNECTIVITY: Final = 32
_SEARCHED: Final = 256
"""How many candidates a search keeps: what recall at 10 of .99 takes, with room to spare."""


@dataclass(frozen=True)
class Similar:
    """A document and how far it is."""

    id: str
    label: str
    distance: float
    """Hellinger: 0 for the same topics, 1 for none in common."""


class SimilarDocuments:
    """An index over the topic vectors of one model."""

    def __init__(self, index: Index, ids: list[str], labels: list[str], *, model: str, corpus: str) -> None:
        self._index = index
        self._ids, self._labels = ids, labels
        self._place = {name: place for place, name in enumerate(ids)}
        self.model, self.corpus = model, corpus

    @classmethod
    def build(cls, vectors: TopicVectors) -> SimilarDocuments:
        """Index the documents that have topics."""
        index = _empty(vectors.num_topics)
        # One thread: the order of insertion shapes the graph, and the same vectors shall give the same index.
        index.add(np.arange(len(vectors.ids)), np.sqrt(vectors.weights), threads=1)
        return cls(index, vectors.ids, vectors.labels, model=vectors.model, corpus=vectors.corpus)

    def save(self, folder: Path) -> None:
        """Write the index into `folder`.

        Raises:
            ExploreError: it cannot be written.
        """
        (folder / DOCUMENTS_FILE).unlink(missing_ok=True)
        with written_whole(folder / INDEX_FILE) as partial:
            self._index.save(str(partial))
        told = {
            "schema_version": SCHEMA_VERSION,
            "model": self.model,
            "corpus": self.corpus,
            "topics": self._index.ndim,
            "ids": self._ids,
            "labels": self._labels,
        }
        with written_whole(folder / DOCUMENTS_FILE) as partial:
            partial.write_text(json.dumps(told, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> SimilarDocuments:
        """Read the index in `folder`.

        Raises:
            ExploreError: there is none, or it is damaged.
        """
        try:
            told = json.loads((folder / DOCUMENTS_FILE).read_text(encoding="utf-8"))
            if told["schema_version"] != SCHEMA_VERSION:
                raise ExploreError(f"{folder} has schema_version {told['schema_version']}, not {SCHEMA_VERSION}")
            index = _empty(told["topics"])
            index.load(str(folder / INDEX_FILE))
        except FileNotFoundError:
            raise ExploreError(f"{folder} holds no index of similar documents: make one with {PROGRAM} index") from None
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            if isinstance(error, ExploreError):
                raise
            raise ExploreError(f"the index in {folder} is damaged: {error!r}") from None
        if len(index) != len(told["ids"]):
            raise ExploreError(f"the index in {folder} is damaged: it is not of the documents beside it")
        return cls(index, told["ids"], told["labels"], model=told["model"], corpus=told["corpus"])

    def of_document(self, name: str, number: int = NEIGHBOURS) -> list[Similar]:
        """Return the documents nearest to one of the index, itself left out.

        Raises:
            ExploreError: the index has no such document.
        """
        place = self._place.get(name)
        if place is None:
            raise ExploreError(f"the index has no document {name!r}: it may be without a known word")
        roots: Any = self._index.get(place)
        found = self._search(np.asarray(roots, dtype=np.float32), number + 1)
        return [similar for similar in found if similar.id != name][:number]

    def of_weights(self, weights: Matrix, number: int = NEIGHBOURS) -> list[Similar]:
        """Return the documents nearest to topic weights, shape (topics,).

        Raises:
            ExploreError: they are not of as many topics as the index.
        """
        if weights.shape != (self._index.ndim,):
            raise ExploreError(f"there are {weights.size} topic weights, where the index has {self._index.ndim} topics")
        return self._search(np.sqrt(np.asarray(weights, dtype=np.float32)), number)

    def _search(self, roots: Matrix, number: int) -> list[Similar]:
        matches = self._index.search(roots, min(number, len(self._ids)), threads=1)
        return [
            Similar(self._ids[int(key)], self._labels[int(key)], float(np.sqrt(max(float(distance), 0.0) / 2)))
            for key, distance in zip(matches.keys, matches.distances, strict=True)
        ]


def _empty(topics: int) -> Index:
    return Index(
        ndim=topics,
        metric="l2sq",
        dtype="f32",
        connectivity=_CONNECTIVITY,
        expansion_add=_SEARCHED,
        expansion_search=_SEARCHED,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    return common.run("similar", lambda: _index(options) if options.command == "index" else _find(options))


def _index(options: argparse.Namespace) -> None:
    folder: Path = options.index
    if folder.exists() and any(folder.iterdir()):
        # Only what this program has written is ever replaced.
        if not {path.name for path in folder.iterdir()} <= {INDEX_FILE, DOCUMENTS_FILE}:
            raise ExploreError(f"{folder} holds something else than an index, so nothing is written there")
        shutil.rmtree(folder)
    vectors = load_topic_vectors(options.vectors)
    SimilarDocuments.build(vectors).save(folder)
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder}: {len(vectors.ids):,} documents of {vectors.num_topics} topics, {size / 1e6:.1f} MB")
    print(f"  model   {vectors.model}\n  corpus  {vectors.corpus}")


def _find(options: argparse.Namespace) -> None:
    for similar in SimilarDocuments.load(options.index).of_document(options.id, options.number):
        print(f"{similar.distance:.4f}  {similar.id}  {similar.label}")


def _parser() -> common.Parser:
    parser = common.Parser(prog=PROGRAM, description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    index = commands.add_parser("index", help="build an index over topic vectors")
    index.add_argument("--vectors", type=Path, default=DEFAULT_FILE, metavar="FILE", help=f"({DEFAULT_FILE})")
    find = commands.add_parser("find", help="list the documents nearest to one")
    find.add_argument("id", help="the document's id")
    find.add_argument("--number", type=int, default=NEIGHBOURS, metavar="N", help=f"how many ({NEIGHBOURS})")
    for command in (index, find):
        command.add_argument("--index", type=Path, default=DEFAULT_FOLDER, metavar="DIR", help=f"({DEFAULT_FOLDER})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
