"""The rule by which a new corpus finds words: one for each language, written to `surface_forms.json`.

A word is what the word boundaries of Unicode (UAX #29) make of one version of its data, with these exceptions:

- Words are parted at full stops, colons and underscores, and begin with a letter.
- Scripts without blanks between words are not parted: segmentation is another step's.
- Signs that are not seen vanish; ligatures and forms by width or position become their letters.
"""

# ruff: noqa: RUF001 the letters of other languages
from __future__ import annotations

import re
from functools import cache
from typing import Final

from training_scripts.corpus import unicode_words as unicode
from training_scripts.corpus.clitics import CLITICS, Clitics
from training_scripts.corpus.token_rule import SecondRule, TokenRule

_JOINERS: Final = r"\u200c\u200d"
_WITHOUT_JOINERS: Final = r"\x00-\u05ff\u1d00-\u1fff\u2c60-\u2c7f\ua640-\ua69f\ua720-\ua7ff"
"""Latin, Greek, Cyrillic, Armenian, Hebrew: scripts in which joiners are ornament."""
_ASTRAL: Final = r"\U00010000-\U0010ffff"
_ASCII_PATTERN: Final = "[a-z](?:[a-z0-9]+|'(?=[a-z]))+"
_SOFT_DOTTED: Final = ("i", "j", "J", "\u012e", "\u012f", "I\u0328", "i\u0328")
_CHILLUS: Final = dict(zip("ണനരലളക", "ൺൻർൽൾൿ", strict=True))
_TURKISH_CASE: Final = (("I", "ı"), ("İ", "i"))
_GREEK: Final = r"0-9a-z\u0300-\u03ff\u1f00-\u1fff"


@cache
def rule_for(language: str) -> TokenRule:
    """Return the rule by which the words of texts of a language are found."""
    has_dotless = language in {"az", "tr"}
    clitics = CLITICS.get(language, Clitics())
    mapped = dict(unicode.MAPPED)
    if has_dotless:
        mapped["ı"] = "\uff29"
    return SecondRule(
        {
            "unicode": unicode.VERSION,
            "special": f"[{_basic(mapped)}{unicode.UNASSIGNED}{_ASTRAL}]",
            "mapped": mapped,
            "kept": f"[{unicode.ASTRAL_INNER}]",
            "apart": f"[{unicode.APART}]+",
            "before": [
                # The commonest: as a special character it would take ten times as long.
                _replacement("\u2019", None, {}, "'"),
                # Joiners of the text's own; those that part its runs of marks come later.
                _replacement("\u034f", None, {}),
                # The mark of the basic plane that releases of Python sort in different ways: a joiner keeps its place.
                _replacement("\u0897", None, {}, "\u034f\u0897"),
                # A dot of its own above what has one: of a capital lowered, or as Lithuanian keeps it under an accent.
                _replacement(
                    "\u0307",
                    "[IiJj\u012e\u012f]\u0328?\u0307",
                    {"I\u0307": "i"} | {f"{c}\u0307": c for c in _SOFT_DOTTED},
                ),
                _replacement(
                    "\u0d4d\u200d", "[ണനരലളക]\u0d4d\u200d", {f"{k}\u0d4d\u200d": v for k, v in _CHILLUS.items()}
                ),
                *(_replacement(large, None, {}, small) for large, small in _TURKISH_CASE if has_dotless),
                *(
                    _replacement(joiner, f"{joiner}(?<=[{_WITHOUT_JOINERS}{_JOINERS}]{joiner})", {})
                    for joiner in "\u200c\u200d"
                ),
            ],
            # Which sigma a capital becomes is for its place in the word to say.
            "after": [
                _replacement("σ", f"σ(?![{_GREEK}])(?<=[{_GREEK}]σ)", {}, "ς"),
                _replacement("ς", f"ς(?=[{_GREEK}])", {}, "σ"),
            ],
            "pattern": _word(
                f"(?:[{unicode.LETTERS}]|{_astral(unicode.ASTRAL_LETTERS)})",
                f"(?:[{unicode.INNER}]+|{_astral(unicode.ASTRAL_INNER)}+)+",
            ),
            "basic_pattern": _word(f"[{unicode.LETTERS}]", f"[{unicode.INNER}]+"),
            "ascii_pattern": None if has_dotless else _ASCII_PATTERN,
            "clitics": {"begin": list(clitics.begin), "end": list(clitics.end)},
        }
    )


def _basic(mapped: dict[str, str]) -> str:
    return "".join(re.escape(character) for character in "".join(mapped.values()) if character <= "\uffff")


def _word(letter: str, run: str) -> str:
    """Return the pattern of a word: a letter with the run that follows it, or one that may stand alone."""
    within = (
        rf"(?:['\"\u00b7{_JOINERS}](?:(?<=')(?={letter})|(?<=[{_JOINERS}])[{_JOINERS}]*"
        rf"|(?<=[{unicode.HEBREW}]\")(?=[{unicode.HEBREW}])|(?<=l\u00b7)(?=l)){run})"
    )
    return f"{letter}(?:{run}{within}*|{within}+|(?<=[{unicode.ALONE}]))"


def _astral(characters: str) -> str:
    # `re` goes through the ranges beyond the basic plane one by one: it is kept from doing so for other characters.
    return f"(?=[{_ASTRAL}])[{characters}]"


def _replacement(where: str, pattern: str | None, by: dict[str, str], other: str = "") -> dict[str, object]:
    return {"where": where, "pattern": pattern, "by": by, "other": other}
