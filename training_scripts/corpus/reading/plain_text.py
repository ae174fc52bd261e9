"""What of a document is text to be counted: the part of `surface_forms.json` before the words. Standard library only.

One file for the preparation and for the topics function, whose asset has it by a link. An older corpus has none of its
members, and its documents are counted as they are.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SEGMENTED: Final = "\u200b"
"""A text that ends with it, ZERO WIDTH SPACE, says that its words are parted, however long they are."""


class PlainText:
    """Takes out of documents what is no word of theirs, and tells texts whose words nothing parts.

    Args:
        content: members of a `surface_forms.json`: `markup`, `ignored` and `unsegmented`, each of which may be missing.

    Attributes:
        scripts: how texts of each script that the vocabulary has are parted, by the script's name.

    Raises:
        KeyError, TypeError, re.error: a member is not what the preparation writes.
    """

    def __init__(self, content: Mapping[str, object]) -> None:
        self._content = {name: content[name] for name in ("markup", "ignored", "unsegmented") if name in content}
        markup, ignored, scripts = (_members(content.get(name)) for name in ("markup", "ignored", "unsegmented"))
        self._markup = _Markup(markup) if markup else None
        signs = _members(ignored.get("signs"))
        # Most documents have no address, and few searches of a character or two have to tell so.
        self._signs = [(first, [str(sign) for sign in _list(whole)]) for first, whole in signs.items()]
        self._ignored = re.compile(str(ignored["pattern"])) if ignored else None
        self.scripts = {name: Script(_members(members)) for name, members in scripts.items()}

    def encoded(self) -> dict[str, object]:
        """Return the members of `surface_forms.json`."""
        return self._content

    def text_of(self, document: str) -> str:
        """Return the text of a document: without markup, addresses of the web and of mail."""
        if self._markup is not None and ("<" in document or "&" in document):
            document = self._markup.text_of(document)
        if self._ignored is not None:
            for first, signs in self._signs:
                if first in document and any(sign in document for sign in signs):
                    return self._ignored.sub(" ", document)
        return document

    def unsegmented(self, text: str) -> str | None:
        """Return the name of the script of a text whose words are not parted; None for any other text."""
        if not self.scripts or text.isascii() or text.endswith(SEGMENTED):
            return None
        return next((name for name, script in self.scripts.items() if script.is_unsegmented(text)), None)


class Script:
    """A script, or several that are written together, in which words may stand side by side without a space.

    A text is unsegmented where a quarter of its characters or more are of the script, and half of those or more stand
    in unbroken runs of `least` or more; of `least_without_blank`, where it has several runs and no `blank` between two.
    """

    def __init__(self, members: Mapping[str, object]) -> None:
        self.runs = re.compile(str(members["runs"]))
        self._words = re.compile(str(members["words"])) if "words" in members else None
        self._least = int(str(members["least"]))
        self._least_without_blank = int(str(members.get("least_without_blank", self._least)))
        self._find_blank = re.compile(str(members.get("blank", ""))).search
        self.by = str(members.get("by", ""))

    def is_unsegmented(self, text: str) -> bool:
        """Whether the words of a text of this script are not parted."""
        of_script = in_long = 0
        runs = self.runs.findall(text)
        least = self._least_without_blank if len(runs) > 1 and not self._find_blank(text) else self._least
        for run in runs:
            of_script += len(run)
            # A run of katakana is a single foreign word, however long.
            if len(run) >= least and not (self._words and self._words.fullmatch(run)):
                in_long += len(run)
        return 0 < in_long >= of_script / 2 and of_script >= len(text) / 4


class _Markup:
    """HTML: `sign` tells it, `hidden` is shown to nobody, `inline` are tags within a word, `tag` is any."""

    def __init__(self, members: Mapping[str, object]) -> None:
        self._always = bool(members.get("always"))
        self._rounds = int(str(members["rounds"]))
        self._sign, self._inline, self._tag, self._reference = (
            re.compile(str(members[name])) for name in ("sign", "inline", "tag", "reference")
        )
        self._hidden = [tuple(re.compile(str(end)) for end in _list(ends)) for ends in _list(members["hidden"])]

    def text_of(self, document: str) -> str:
        for number in range(self._rounds):
            before = document
            if "<" in document and ((self._always and not number) or self._sign.search(document)):
                for opening, closing in self._hidden:
                    document = _without(document, opening, closing)
                document = self._tag.sub(" ", self._inline.sub("", document))
            if "&" in document:
                document = self._reference.sub(_resolved, document)
            if document == before:
                break
        return document


def _without(text: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> str:
    """Return a text without what stands between an opening and its closing; what nothing closes stays."""
    kept, at = [], 0
    while (start := opening.search(text, at)) and (end := closing.search(text, start.end())):
        kept.append(text[at : start.start()])
        at = end.end()
    return " ".join([*kept, text[at:]])


def _resolved(match: re.Match[str]) -> str:
    character = html.unescape(match[0])
    return " " if character == "\xa0" else character


def _members(value: object) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is not an object")
    return value


def _list(value: object) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return value
