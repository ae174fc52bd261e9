"""The part of JSONPath that SageMaker's batch transform and data capture documentation names, and no more of it.

Root `$`; a child as `.name` or `['name']`; several children `['one','two']`; an element `[0]`, the last one `[-1]`,
several `[0,2]`; a slice `[1:]`, whose end is not in it; and `*` for every child or element.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from local_cloud.shared.wire import JsonValue

Step: TypeAlias = "Names | Indexes | Slice | Wildcard"

_TOKEN = re.compile(
    r"""
      \.(?P<dotted>[^.\[\]*'"\s]+)
    | \.?\[\s*(?P<quoted>'[^']*'(?:\s*,\s*'[^']*')*|"[^"]*"(?:\s*,\s*"[^"]*")*)\s*\]
    | \.?\[\s*(?P<numbers>-?\d+(?:\s*,\s*-?\d+)*)\s*\]
    | \.?\[\s*(?P<start>-?\d+)?\s*:\s*(?P<end>-?\d+)?\s*\]
    | (?P<any>\.\*|\.?\[\s*\*\s*\])
    """,
    re.VERBOSE,
)
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


class JsonPathError(ValueError):
    """An expression that is not understood, or a document that does not have what it names."""


@dataclass(frozen=True)
class Names:
    """Children by name: one, or several that make an object."""

    names: tuple[str, ...]

    def select(self, value: JsonValue) -> JsonValue:
        """Return the child, or an object of the children."""
        if not isinstance(value, Mapping):
            raise JsonPathError(f"there is no object to take {', '.join(self.names)} from")
        missing = [name for name in self.names if name not in value]
        if missing:
            raise JsonPathError(f"there is no {', '.join(missing)}")
        if len(self.names) == 1:
            return value[self.names[0]]
        return {name: value[name] for name in self.names}


@dataclass(frozen=True)
class Indexes:
    """Elements by number: one, or several that make an array. A negative number counts from the end."""

    numbers: tuple[int, ...]

    def select(self, value: JsonValue) -> JsonValue:
        """Return the element, or an array of the elements."""
        items = _array(value)
        missing = [number for number in self.numbers if not -len(items) <= number < len(items)]
        if missing:
            raise JsonPathError(f"there is no element {missing[0]} in an array of {len(items)}")
        return items[self.numbers[0]] if len(self.numbers) == 1 else [items[number] for number in self.numbers]


@dataclass(frozen=True)
class Slice:
    """Elements from `start` up to, and without, `end`."""

    start: int | None
    end: int | None

    def select(self, value: JsonValue) -> JsonValue:
        """Return an array of the elements."""
        return list(_array(value)[self.start : self.end])


@dataclass(frozen=True)
class Wildcard:
    """Every child or element."""

    def select(self, value: JsonValue) -> JsonValue:
        """Return an array of them."""
        return list(value.values()) if isinstance(value, Mapping) else list(_array(value))


class JsonPath:
    """A compiled expression.

    Raises:
        JsonPathError: the expression has another form than those above.
    """

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self._steps = tuple(_steps(expression))
        self._apply = _compiled(self._steps)

    @property
    def is_root(self) -> bool:
        """Whether it selects everything."""
        return not self._steps

    def select(self, document: JsonValue) -> JsonValue:
        """Return the part of a document that the expression names.

        Raises:
            JsonPathError: the document has no such part.
        """
        return self._apply(document)


def _steps(expression: str) -> list[Step]:
    if not expression.startswith("$"):
        raise JsonPathError(f"{expression!r} does not begin with $")
    steps: list[Step] = []
    at = 1
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None:
            raise JsonPathError(f"{expression!r} is not understood from {expression[at:]!r} on")
        steps.append(_step(match))
        at = match.end()
    return steps


def _step(match: re.Match[str]) -> Step:
    if match["dotted"]:
        return Names((match["dotted"],))
    if match["quoted"]:
        return Names(tuple(single or double for single, double in _QUOTED.findall(match["quoted"])))
    if match["numbers"]:
        return Indexes(tuple(int(number) for number in match["numbers"].split(",")))
    if match["any"]:
        return Wildcard()
    return Slice(*(int(bound) if bound else None for bound in (match["start"], match["end"])))


def _compiled(steps: Sequence[Step]) -> Callable[[JsonValue], JsonValue]:
    if not steps:
        return lambda value: value
    first, rest = steps[0], _compiled(steps[1:])
    if isinstance(first, Wildcard | Slice):
        return lambda value: list(_found(rest, _array(first.select(value))))
    return lambda value: rest(first.select(value))


def _found(select: Callable[[JsonValue], JsonValue], items: Sequence[JsonValue]) -> Iterator[JsonValue]:
    """Yield what is found in each; an item that does not have it is left out."""
    for item in items:
        try:
            yield select(item)
        except JsonPathError:
            continue


def _array(value: JsonValue) -> Sequence[JsonValue]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise JsonPathError("there is no array to take elements from")
    return value
