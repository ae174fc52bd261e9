"""JSON of the wire, typed: what a request may hold, and a reader that gives it Python types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
JsonObject: TypeAlias = "Mapping[str, JsonValue]"
MutableJson: TypeAlias = "dict[str, JsonValue]"


@dataclass(frozen=True)
class Node:
    """A structure of a validated request. A member of another type than asked for is a programming error."""

    values: JsonObject

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        """Return a string member."""
        value = self.values.get(name)
        return default if value is None else str(value)

    def integer(self, name: str, default: int = 0) -> int:
        """Return an integer member."""
        return int(self.number(name, default))

    def number(self, name: str, default: float = 0.0) -> float:
        """Return a numeric member."""
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, int | float):
            raise TypeError(f"{name} is {value!r}, no number")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean member."""
        value = self.values.get(name)
        return default if value is None else bool(value)

    def node(self, name: str) -> Node:
        """Return a structure member; empty where it is absent."""
        value = self.values.get(name)
        return Node(value if isinstance(value, Mapping) else {})

    def nodes(self, name: str) -> list[Node]:
        """Return a list of structures; empty where it is absent."""
        return [Node(item) for item in self._items(name) if isinstance(item, Mapping)]

    def texts(self, name: str) -> list[str]:
        """Return a list of strings; empty where it is absent."""
        return [str(item) for item in self._items(name)]

    def mapping(self, name: str) -> dict[str, str]:
        """Return a map of strings; empty where it is absent."""
        return {key: str(value) for key, value in self.node(name).values.items()}

    def _items(self, name: str) -> Iterator[JsonValue]:
        value = self.values.get(name)
        if isinstance(value, Sequence) and not isinstance(value, str):
            yield from value
