"""How the words of a text are found: the rule that a corpus's `surface_forms.json` carries. Standard library only.

One file for the preparation and for the topics function, whose asset has it by a link: both count the same words. A
corpus keeps the rule that it was prepared by, whatever a later release makes of text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeVar

from .stream_safe import stream_safe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Normalisation = Literal["NFC", "NFD", "NFKC", "NFKD"]

APOSTROPHE: Final = "'"
_KEPT_CHARACTERS: Final = 4096
_has_astral: Final = re.compile("[\U00010000-\U0010ffff]").search
_SIGNS: Final = "\u2013\u2014\u2018\u2019\u201c\u201d\u2026"
"""Dashes, quotation marks and dots: English texts have these and ASCII, and else emoji."""
_EMOJI: Final = "\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f900-\U0001f9ff\U0001fa70-\U0001faff"

Kind = TypeVar("Kind")


class TokenRule(Protocol):
    """A rule of either version."""

    def encoded(self) -> dict[str, object]:
        """Return the rule's members of `surface_forms.json`, `schema_version` among them."""

    def normalised(self, text: str) -> str:
        """Return `text` as its words are looked for."""

    def tokens_of(self, text: str) -> list[str]:
        """Return the words of a text, in order."""


def rule_of(content: Mapping[str, object]) -> TokenRule:
    """Return the rule that the members of a `surface_forms.json` give, of either version.

    Raises:
        KeyError, TypeError, re.error: they give none.
    """
    version = content["schema_version"]
    if version not in (1, 2):
        raise TypeError(f"schema_version is {version!r}, this reads 1 and 2")
    return FirstRule(content) if version == 1 else SecondRule(_member(content, "rule", dict))


class FirstRule:
    """A pattern over text in a normal form, then in lower case, as the running Python has these."""

    def __init__(self, content: Mapping[str, object]) -> None:
        pattern, normalisation = _member(content, "pattern", str), content.get("normalisation")
        self._content = {"pattern": pattern, "lowercase": content["lowercase"], "normalisation": normalisation}
        self._lowercase = bool(content["lowercase"])
        self._normalisation = _normalisation(normalisation)
        self._find = re.compile(pattern).findall

    def encoded(self) -> dict[str, object]:
        """Return the rule's members of `surface_forms.json`."""
        return {"schema_version": 1, **self._content}

    def normalised(self, text: str) -> str:
        """Return `text` as its words are looked for."""
        if self._normalisation is not None and not text.isascii():
            text = unicodedata.normalize(self._normalisation, stream_safe(text))
        return text.lower() if self._lowercase else text

    def tokens_of(self, text: str) -> list[str]:
        """Return the words of a text, in order."""
        return self._find(self.normalised(text))


class SecondRule:
    """A pattern whose classes are spelt out, over text brought to one form alike by every release of Python.

    `content` has these members:
        unicode: the version of Unicode that the rule is of.
        before, after: replacements before the text is put in lower case and composed, and after: each is looked for
            where the text holds `where`. Matches of `pattern` become what `by` has for them, or else `other`; without a
            pattern, `where` itself becomes `other`.
        special: a pattern of the characters that are looked at one by one, all beyond the basic plane among them.
        mapped: what becomes of special characters: the characters by the text that stands for them.
        kept: a pattern of the special characters that are none of these and stay; the others part words.
        apart: a pattern of what releases of Python would sort or compose in different ways; it is left alone.
        pattern: what a word is.
        basic_pattern: the same where no character is beyond the basic plane: `re` is quick with these alone.
        ascii_pattern: the same in ASCII; null where that changes by more than lower case.
        clitics: what an apostrophe cuts off at the begin and at the end of a word.
    """

    def __init__(self, content: Mapping[str, object]) -> None:
        self._content = content
        mapped = _member(content, "mapped", dict)
        self._mapped: dict[str, str] = {character: text for text, group in mapped.items() for character in group}
        self._special = re.compile(_member(content, "special", str)).subn
        self._is_kept = re.compile(_member(content, "kept", str)).match
        self._standing_for = lru_cache(_KEPT_CHARACTERS)(self._look_up)
        self._apart = re.compile(f"({_member(content, 'apart', str)})").split
        self._before = [_replacement(item) for item in _member(content, "before", list)]
        self._after = [_replacement(item) for item in _member(content, "after", list)]
        self._pattern = _member(content, "pattern", str)
        self._find_in_basic = re.compile(_member(content, "basic_pattern", str)).findall
        ascii_pattern = content["ascii_pattern"]
        self._find_in_ascii = None if ascii_pattern is None else re.compile(str(ascii_pattern)).findall
        self._has_others = re.compile(r"[^\x00-\x7f]").search
        clitics = _member(content, "clitics", dict)
        self._begins, self._ends = frozenset(clitics["begin"]), frozenset(clitics["end"])
        self._cuts = bool(self._begins or self._ends)
        self._apostrophes = [sign for sign in _SIGNS if self.normalised(f"x{sign}x") == "x'x"]
        if self._find_in_ascii is not None:
            # What needs no look of its own: it is an apostrophe or parts words, as a question mark does.
            known = [*self._apostrophes, *(sign for sign in _SIGNS if self._parts(sign))]
            known += [_EMOJI] if self._standing_for(_EMOJI[0]) == " " else []
            self._has_others = re.compile(f"[^\x00-\x7f{''.join(known)}]").search

    def __reduce__(self) -> tuple[type[SecondRule], tuple[Mapping[str, object]]]:
        return SecondRule, (self._content,)

    def encoded(self) -> dict[str, object]:
        """Return the rule's members of `surface_forms.json`."""
        return {"schema_version": 2, "rule": self._content}

    def normalised(self, text: str) -> str:
        """Return `text` as its words are looked for."""
        return self._normalised(text)[0]

    @cached_property
    def _find_in_any(self) -> Callable[[str], list[str]]:
        # Compiling it takes longer than all else of a rule, and few texts need it.
        return re.compile(self._pattern).findall

    def _normalised(self, text: str) -> tuple[str, Callable[[str], list[str]]]:
        """Return the text in its form, and what finds words in it."""
        if self._find_in_ascii is not None and text.isascii():
            return text.lower(), self._find_in_ascii
        for where, replaced in self._before:
            if where in text:
                text = replaced(text)
        text, found = self._special(lambda match: self._standing_for(match[0]), text)
        text = text.lower()
        if found and self._find_in_ascii is not None and text.isascii():
            return text, self._find_in_ascii
        is_basic = not found or _has_astral(text) is None
        if is_basic:
            text = _composed(text)
        else:
            pieces = self._apart(text)
            pieces[::2] = map(_composed, pieces[::2])
            text = "".join(pieces)
        for where, replaced in self._after:
            if where in text:
                text = replaced(text)
        return text, self._find_in_basic if is_basic else self._find_in_any

    def tokens_of(self, text: str) -> list[str]:
        """Return the words of a text, in order."""
        if not (text.isascii() or self._has_others(text)):
            for sign in self._apostrophes:
                text = text.replace(sign, APOSTROPHE)
            text = text.encode("ascii", "replace").decode("ascii")
        text, find = self._normalised(text)
        tokens = find(text)
        if self._cuts and APOSTROPHE in text:
            cut = self._without_clitics
            tokens = [word for token in tokens if (word := cut(token) if APOSTROPHE in token else token)]
        return tokens

    def _parts(self, sign: str) -> bool:
        return self.tokens_of(f"ab{sign}ab") == ["ab", "ab"]

    def _look_up(self, character: str) -> str:
        return self._mapped.get(character, character if self._is_kept(character) else " ")

    def _without_clitics(self, token: str) -> str:
        """Return a word without what is cut to it; nothing where one letter is left."""
        head, _, rest = token.partition(APOSTROPHE)
        if head in self._begins and APOSTROPHE not in rest:
            return rest if len(rest) > 1 else ""
        parts = token.split(APOSTROPHE)
        begin, end = 0, len(parts)
        while begin + 1 < end and parts[begin] in self._begins:
            begin += 1
        while begin + 1 < end and parts[end - 1] in self._ends:
            end -= 1
        if end - begin == len(parts):
            return token
        stem = APOSTROPHE.join(parts[begin:end])
        return stem if len(stem) > 1 else ""


def _replacement(content: object) -> tuple[str, Callable[[str], str]]:
    """Return what a text holds where a replacement is to be made, and what makes it."""
    if not isinstance(content, dict):
        raise TypeError("a replacement is not an object")
    where, other = _member(content, "where", str), _member(content, "other", str)
    if content["pattern"] is None:
        return where, lambda text: text.replace(where, other)
    by, sub = _member(content, "by", dict), re.compile(_member(content, "pattern", str)).sub
    return where, lambda text: sub(lambda match: by.get(match[0], other), text)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", stream_safe(text))


def _normalisation(name: object) -> Normalisation | None:
    if name is None or name in ("NFC", "NFD", "NFKC", "NFKD"):
        return name
    raise TypeError(f"normalisation is {name!r}, allowed are NFC, NFD, NFKC and NFKD")


def _member(content: Mapping[str, object], name: str, kind: type[Kind]) -> Kind:
    member = content[name]
    if not isinstance(member, kind):
        raise TypeError(f"{name} is not a {kind.__name__}")
    return member
