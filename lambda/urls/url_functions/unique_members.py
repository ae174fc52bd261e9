"""JSON objects that name each member once: RFC 8259 leaves open which of two of one name counts. Pure.

One file for all that reads JSON of others; the topics function and the client have it by a link.
"""

from __future__ import annotations

import json
from typing import Final

SHOWN_CHARACTERS: Final = 40


class DuplicateMemberError(ValueError):
    """An object names a member twice; `name` is the member's, cut short."""

    def __init__(self, name: str) -> None:
        self.name = name[:SHOWN_CHARACTERS]
        super().__init__(f"an object names the member {self.name!r} twice")


def unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return the object of these members: what `json.loads` takes as its `object_pairs_hook`.

    Raises:
        DuplicateMemberError: two have one name.
    """
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DuplicateMemberError(_first_repeated(pairs))
    return members


def refuse_duplicates(text: bytes, parsed: object) -> None:
    """Refuse what another parser has read from `text`, where it has dropped members of a name that came before.

    The text is parsed again only where it has more colons than `parsed` has members: in names or in strings.

    Raises:
        DuplicateMemberError: an object names a member twice.
        ValueError: the objects are nested too deeply to say.
    """
    if text.count(b":") == _members_of(parsed):
        return
    try:
        json.loads(text, object_pairs_hook=unique_members, parse_int=len, parse_float=len)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _members_of(parsed: object) -> int:
    """Return how many members the objects have; lists that start with something else are passed over."""
    members = 0
    waiting = [parsed]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            members += len(value)
            waiting += value.values()
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            waiting += value
    return members


def _first_repeated(pairs: list[tuple[str, object]]) -> str:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return name
        seen.add(name)
    raise ValueError("no member is repeated")
