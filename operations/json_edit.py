"""One value of a JSON text, replaced or added, with every other byte left as it is: people lay such files out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEP: Final = "  "
_SPACE: Final = " \t\r\n"
_DECODER: Final = json.JSONDecoder()


@dataclass(frozen=True)
class _Object:
    """Where an object and its members lie in the text: from `{` to past `}`, and each value's beginning and end."""

    begin: int
    end: int
    members: dict[str, tuple[int, int]]
    first_key: int | None


def with_value(text: str, path: Sequence[str], value: object) -> str:
    """Return `text` with `value` at `path`; objects that are missing on the way are added.

    Args:
        text: a JSON object.
        path: names of members, from the outermost.
        value: what JSON can say.

    Raises:
        ValueError: the text is no JSON, or something on the way is no object.
    """
    json.loads(text)
    at = _object(text, _skip(text, 0))
    for depth, name in enumerate(path):
        rest = path[depth + 1 :]
        if name not in at.members:
            return _added(text, at, name, _nested(rest, value))
        begin, end = at.members[name]
        if not rest:
            return text[:begin] + json.dumps(value, ensure_ascii=False) + text[end:]
        if text[begin] != "{":
            raise ValueError(f"{'.'.join(path[: depth + 1])} is no object")
        at = _object(text, begin)
    raise ValueError("a path has a name or more")


def _nested(path: Sequence[str], value: object) -> object:
    for name in reversed(path):
        value = {name: value}
    return value


def _added(text: str, at: _Object, name: str, value: object) -> str:
    outer = _indent(text, at.begin)
    inner = _indent(text, at.first_key) if at.first_key is not None else outer + _STEP
    dumped = json.dumps(value, indent=len(_STEP), ensure_ascii=False).replace("\n", f"\n{inner}")
    member = f"{json.dumps(name, ensure_ascii=False)}: {dumped}"
    if not at.members:
        return f"{text[: at.begin]}{{\n{inner}{member}\n{outer}}}{text[at.end :]}"
    last = max(end for _, end in at.members.values())
    return f"{text[:last]},\n{inner}{member}{text[last:]}"


def _indent(text: str, place: int) -> str:
    line = text[text.rfind("\n", 0, place) + 1 : place]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _object(text: str, begin: int) -> _Object:
    members: dict[str, tuple[int, int]] = {}
    place = _skip(text, begin + 1)
    first = None if text[place] == "}" else place
    while text[place] != "}":
        name, place = _DECODER.raw_decode(text, place)
        value = _skip(text, _skip(text, place) + 1)
        _, place = _DECODER.raw_decode(text, value)
        members[name] = (value, place)
        place = _skip(text, place)
        if text[place] == ",":
            place = _skip(text, place + 1)
    return _Object(begin, place + 1, members, first)


def _skip(text: str, place: int) -> int:
    while text[place] in _SPACE:
        place += 1
    return place
