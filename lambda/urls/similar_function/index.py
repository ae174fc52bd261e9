"""An index over topic vectors that fits into a function, in one file.

Nearest by Hellinger distance, H(p, q) = sqrt(1 - sum_k sqrt(p_k q_k)), which is the Euclidean distance of the square
roots of the topic weights divided by sqrt(2): so an index for Euclidean distance finds them (usearch, HNSW: Malkov and
Yashunin 2016).
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from usearch.index import Index

from similar_function.similar import NEIGHBOURS, Similar, UnknownDocumentError, WrongTopicsError

if TYPE_CHECKING:
    from collections.abc import Sequence

Matrix = npt.NDArray[np.float32]

SCHEMA_VERSION: Final = 1
_INDEX, _DOCUMENTS = "index.usearch", "documents.json"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can name: the same vectors give the same file."""
_CONNECTIVITY: Final = 32
_SEARCHED: Final = 256
"""How many candidates a search keeps: what recall at 10 of .99 takes, with room to spare."""


class IndexFileError(ValueError):
    """A file that is no index, or a damaged one. The message is a clause of a sentence."""


class DocumentIndex:
    """An index over the topic vectors of one model. Safe to search from several threads."""

    def __init__(self, index: Index, ids: list[str], labels: list[str], *, model: str, corpus: str) -> None:
        self._index = index
        self._ids, self._labels = ids, labels
        self._place = {name: place for place, name in enumerate(ids)}
        self.model, self.corpus = model, corpus

    @classmethod
    def build(cls, weights: Matrix, ids: list[str], labels: list[str], *, model: str, corpus: str) -> DocumentIndex:
        """Index documents by their topic weights, shape (documents, topics)."""
        index = _empty(weights.shape[1])
        # One thread: the order of insertion shapes the graph, and the same vectors shall give the same index.
        index.add(np.arange(len(ids)), np.sqrt(weights), threads=1)
        return cls(index, ids, labels, model=model, corpus=corpus)

    @property
    def documents(self) -> int:
        """How many documents it has."""
        return len(self._ids)

    @property
    def topics(self) -> int:
        """How many topics they have."""
        return int(self._index.ndim)

    def to_bytes(self) -> bytes:
        """Return the file."""
        told = {
            "schema_version": SCHEMA_VERSION,
            "model": self.model,
            "corpus": self.corpus,
            "topics": self.topics,
            "ids": self._ids,
            "labels": self._labels,
        }
        contents = {
            _DOCUMENTS: json.dumps(told, ensure_ascii=False).encode("utf-8"),
            _INDEX: bytes(self._index.save() or b""),
        }
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, content in contents.items():
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> DocumentIndex:
        """Read the file.

        Raises:
            IndexFileError: says what is wrong with it.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                _refuse_compressed(archive.infolist())
                told = json.loads(archive.read(_DOCUMENTS))
                _refuse_another_schema(told["schema_version"])
                index = _empty(told["topics"])
                index.load(archive.read(_INDEX))
            ids, labels, model, corpus = told["ids"], told["labels"], str(told["model"]), str(told["corpus"])
            number = len(ids)
        except IndexFileError:
            raise
        except (zipfile.BadZipFile, EOFError, LookupError, OverflowError, RuntimeError, TypeError, ValueError) as error:
            raise IndexFileError(f"is damaged: {type(error).__name__}") from None
        if not len(index) == number == len(labels):
            raise IndexFileError("is damaged: it is not of the documents beside it")
        return cls(index, ids, labels, model=model, corpus=corpus)

    def of_document(self, name: str, number: int = NEIGHBOURS) -> list[Similar]:
        """Return the documents nearest to one of the index, itself left out; see `Searcher`."""
        place = self._place.get(name)
        if place is None:
            raise UnknownDocumentError(name)
        roots: Any = self._index.get(place)
        found = self._search(np.asarray(roots, dtype=np.float32), number + 1)
        return [similar for similar in found if similar.id != name][:number]

    def of_weights(self, weights: Sequence[float] | Matrix, number: int = NEIGHBOURS) -> list[Similar]:
        """Return the documents nearest to topic weights, shape (topics,); see `Searcher`."""
        row = np.asarray(weights, dtype=np.float32)
        if row.shape != (self.topics,):
            raise WrongTopicsError(f"there are {row.size} topic weights, where the index has {self.topics} topics")
        return self._search(np.sqrt(np.maximum(row, 0)), number)

    def _search(self, roots: Matrix, number: int) -> list[Similar]:
        matches = self._index.search(roots, min(number, len(self._ids)), threads=1)
        return [
            Similar(self._ids[int(key)], self._labels[int(key)], float(np.sqrt(max(float(distance), 0.0) / 2)))
            for key, distance in zip(matches.keys, matches.distances, strict=True)
        ]


def _refuse_another_schema(version: object) -> None:
    if version != SCHEMA_VERSION:
        raise IndexFileError(f"has schema_version {version}, not {SCHEMA_VERSION}")


def _refuse_compressed(members: list[zipfile.ZipInfo]) -> None:
    """A compressed file may unpack to far more than it takes; an index is never one."""
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise IndexFileError("is damaged: it is compressed")


def _empty(topics: int) -> Index:
    return Index(
        ndim=topics,
        metric="l2sq",
        dtype="f32",
        connectivity=_CONNECTIVITY,
        expansion_add=_SEARCHED,
        expansion_search=_SEARCHED,
    )
