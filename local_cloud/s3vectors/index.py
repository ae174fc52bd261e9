"""One vector index in memory. Its search is exact, where S3 Vectors' is approximate."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from local_cloud.shared.service_errors import validation_error
from local_cloud.shared.wire import JsonObject, Node


@dataclass
class VectorIndex:
    """Vectors of one dimension by their keys.

    Attributes:
        arn: of the index.
        name: of the index.
        dimension: length of a vector.
        metric: euclidean or cosine.
    """

    arn: str
    name: str
    dimension: int
    metric: str
    created: float
    metadata_configuration: JsonObject
    _vectors: dict[str, list[float]] = field(default_factory=dict)
    _metadata: dict[str, JsonObject] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, vectors: Sequence[Node]) -> None:
        """Store vectors, in the place of those of the same keys; none where one of them is wrong."""
        checked = [(vector.text("key"), self.checked(vector.node("data")), vector) for vector in vectors]
        with self._lock:
            for key, data, vector in checked:
                self._vectors[key] = data
                self._metadata[key] = vector.node("metadata").values

    def delete(self, keys: Iterable[str]) -> None:
        """Remove vectors; those that are not there are no error."""
        with self._lock:
            for key in keys:
                self._vectors.pop(key, None)
                self._metadata.pop(key, None)

    def get(self, keys: Sequence[str], *, data: bool, metadata: bool) -> list[JsonObject]:
        """Return vectors by key; those that are not there are left out."""
        with self._lock:
            return [self._told(key, data=data, metadata=metadata) for key in keys if key in self._vectors]

    def page(self, start: int, size: int, *, data: bool, metadata: bool) -> tuple[list[JsonObject], bool]:
        """Return `size` vectors from number `start` on, and whether there are more."""
        with self._lock:
            keys = sorted(self._vectors)
            vectors = [self._told(key, data=data, metadata=metadata) for key in keys[start : start + size]]
            return vectors, start + size < len(keys)

    def nearest(self, query: Node, number: int, *, distance: bool, metadata: bool) -> list[JsonObject]:
        """Return the nearest vectors, nearest first."""
        wanted = self.checked(query)
        # Loaded by the first search: the emulator starts without it.
        np: Any = importlib.import_module("numpy")
        with self._lock:
            keys = list(self._vectors)
            if not keys:
                return []
            matrix = np.asarray([self._vectors[key] for key in keys], dtype=np.float32)
            row = np.asarray(wanted, dtype=np.float32)
            if self.metric == "cosine":
                norms = np.linalg.norm(matrix, axis=1) * np.linalg.norm(row)
                distances = 1 - matrix @ row / norms
            else:
                distances = np.linalg.norm(matrix - row, axis=1)
            best = np.argsort(distances, kind="stable")[:number].tolist()
            neighbours: list[JsonObject] = [
                {
                    "key": keys[place],
                    **({"distance": float(distances[place])} if distance else {}),
                    **({"metadata": self._metadata[keys[place]]} if metadata else {}),
                }
                for place in best
            ]
            return neighbours

    def checked(self, data: Node) -> list[float]:
        """Return the numbers of a vector.

        Raises:
            ServiceError: it has another dimension than the index.
        """
        values = data.values.get("float32")
        numbers = (
            [float(value) for value in values if isinstance(value, int | float)] if isinstance(values, list) else []
        )
        if len(numbers) != self.dimension:
            raise validation_error(
                f"Invalid record: vector must have length {self.dimension}, but has length {len(numbers)}"
            )
        return numbers

    def _told(self, key: str, *, data: bool, metadata: bool) -> JsonObject:
        return {
            "key": key,
            **({"data": {"float32": self._vectors[key]}} if data else {}),
            **({"metadata": self._metadata[key]} if metadata else {}),
        }
