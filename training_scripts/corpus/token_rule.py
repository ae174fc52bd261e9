"""How the words of a text are found: the rule that a corpus's `surface_forms.json` carries. Standard library only.

One file for the preparation and for the topics function, whose asset has it by a link: both count the same words. A
corpus keeps the rule that it was prepared by, whatever a later release makes of text.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final, Literal

from .stream_safe import stream_safe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Normalisation = Literal["NFC", "NFD", "NFKC", "NFKD"]


class FirstRule:
    """The rule of version 1: a pattern over text in a normal form and in lower case.

    Raises:
        KeyError, TypeError, re.error: `content` is no such rule.
    """

    version: Final = 1

    def __init__(self, content: Mapping[str, object]) -> None:
        self._content = {name: content[name] for name in ("pattern", "lowercase")}
        self._content["normalisation"] = content.get("normalisation")
        self._lowercase = bool(content["lowercase"])
        self._normalisation = _normalisation(content.get("normalisation"))
        self._find = _finder(content["pattern"])

    def encoded(self) -> dict[str, object]:
        """Return the rule's members of `surface_forms.json`."""
        return {"schema_version": self.version, **self._content}

    def normalised(self, text: str) -> str:
        """Return `text` as its words are looked for."""
        if self._normalisation is not None and not text.isascii():
            text = unicodedata.normalize(self._normalisation, stream_safe(text))
        return text.lower() if self._lowercase else text

    def tokens_of(self, text: str) -> list[str]:
        """Return the words of a text, in order."""
        return self._find(self.normalised(text))


TokenRule = FirstRule


def rule_of(content: Mapping[str, object]) -> TokenRule:
    """Return the rule that the members of a `surface_forms.json` give, of whichever version.

    Raises:
        KeyError, TypeError, re.error: they give none.
    """
    if (version := content["schema_version"]) != FirstRule.version:
        raise TypeError(f"schema_version is {version!r}, this reads 1")
    return FirstRule(content)


def _normalisation(name: object) -> Normalisation | None:
    if name is None or name in ("NFC", "NFD", "NFKC", "NFKD"):
        return name
    raise TypeError(f"normalisation is {name!r}, allowed are NFC, NFD, NFKC and NFKD")


def _finder(pattern: object) -> Callable[[str], list[str]]:
    if not isinstance(pattern, str):
        raise TypeError("pattern is not a string")
    return re.compile(pattern).findall
