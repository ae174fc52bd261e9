"""On which line of a JSON text each value stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final, TypeAlias

Path: TypeAlias = tuple[str, ...]
"""The way to a value: keys, and places in lists as digits."""

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


def line_index(text: str) -> dict[Path, int]:
    """Return the line, from 1, of every value of a JSON text; a member's is that of its key."""
    lines: dict[Path, int] = {}
    _read(_words(text), (), lines)
    return lines


def _words(text: str) -> Iterator[tuple[str, int]]:
    line, before = 1, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", before, match.start())
        before = match.start()
        yield match.group(), line


def _read(words: Iterator[tuple[str, int]], path: Path, found: dict[Path, int]) -> str:
    """Read one value; return the word that ended it, which for an empty list or object is its own end."""
    word, line = next(words)
    found.setdefault(path, line)
    if word == "{":
        _read_members(words, path, found)
    elif word == "[":
        number = 0
        while _read(words, (*path, str(number)), found) != "]":
            if next(words)[0] == "]":
                break
            number += 1
        else:
            del found[*path, str(number)]
    return word


def _read_members(words: Iterator[tuple[str, int]], path: Path, found: dict[Path, int]) -> None:
    for word, line in words:
        if word == "}":
            return
        if word == ",":
            continue
        key = str(json.loads(word))
        found[*path, key] = line
        next(words)
        _read(words, (*path, key), found)
