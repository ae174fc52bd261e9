"""Plain text of the small HTML that API references are written in."""

from __future__ import annotations

import html
import re

_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"""|</?([a-zA-Z][a-zA-Z0-9]*)(?:\s(?:[^<>"']|"[^"]*"|'[^']*')*)?/?>""",
    re.DOTALL,
)
_WITHIN_A_WORD = frozenset(
    [
        "a",
        "abbr",
        "b",
        "bold",
        "code",
        "em",
        "font",
        "i",
        "italic",
        "kbd",
        "mark",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "tt",
        "u",
    ]
)
_SPACES = re.compile(r"\s+")


def text_of_html(markup: str) -> str:
    """Return the text of `markup`: tags and comments taken out, entities resolved, white space made single spaces.

    Tags that stand within a line leave nothing behind, others part words: `<b>re</b>start<br>now` is "restart now".
    What looks like a tag but cannot be one, such as `a < b`, stays.
    """
    return _SPACES.sub(" ", html.unescape(_MARKUP.sub(_replacement, markup))).strip()


def _replacement(match: re.Match[str]) -> str:
    name = match[1]
    return "" if name and name.lower() in _WITHIN_A_WORD else " "
