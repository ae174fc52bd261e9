"""Write training_scripts/corpus/unicode_words.py: what one version of Unicode says of the characters of words.

    python3.11 -m venv build/unicode
    build/unicode/bin/pip install regex==2026.11.19 unicodedata2==16.0.0 uniseg==0.10.1
    build/unicode/bin/python scripts/unicode_words.py

It needs Python 3.11, the oldest that the project runs on: what is newer than its Unicode 14 is what newer releases of
Python lower and compose in another way.
"""

# mypy: ignore-errors
# ruff: noqa: INP001, RUF001 the letters of other languages
from __future__ import annotations

import unicodedata as oldest
from pathlib import Path

import regex
import unicodedata2 as data
from uniseg.wordbreak import WordBreak, word_break

VERSION = "16.0.0"
TARGET = Path(__file__).parents[1] / "training_scripts" / "corpus" / "unicode_words.py"
ALL = [chr(point) for point in range(0x110000)]
ASSIGNED = [c for c in ALL if data.category(c) != "Cn"]
NEWER = {c for c in ASSIGNED if oldest.category(c) == "Cn"}

JOINERS = set("\u200c\u200d")
GRAPHEME_JOINER = "\u034f"
BLANKS = set("\u3164\uffa0")
"""HANGUL FILLER, full and half width: letters to Unicode, blanks to the reader."""
SYMBOL_SCRIPTS = ("Braille", "SignWriting")
"""Scripts whose letters are symbols to Unicode."""
ONE_CHARACTER_SCRIPTS = ("Hiragana", "Katakana", "Yi", "Cuneiform", "Egyptian_Hieroglyphs", "Anatolian_Hieroglyphs")
"""Beside ideographs and Hangul syllables: scripts of which one character may be a word."""
APOSTROPHES = "\u2018\u2019\u201b\u02bb\u02bc\u055a\u05f3\uff07"
POSITIONS = {"<initial>", "<medial>", "<final>", "<isolated>"}
NO_LIGATURES = set("\u0e33\u0eb3\u0587")
"""Letters of Thai, Lao and Armenian as these are written today, whatever they are composed of."""
IOTA = "\u0345"
"""COMBINING GREEK YPOGEGRAMMENI folds to a letter, which its compositions do not."""
VANISHING_TONES = set("\u055b\u055c\u055e")
"""Armenian writes emphasis, exclamation and question above a vowel, within the word."""


def having(name: str) -> set[str]:
    """Return the assigned characters of a property."""
    matches = regex.compile(rf"\p{{{name}}}").match
    return {c for c in ASSIGNED if not "\ud800" <= c <= "\udfff" and matches(c)}


def classes() -> dict[str, set[str]]:
    """Return the characters that words begin with, go on with, and consist of alone, and those of Hebrew."""
    category = {c: data.category(c) for c in ASSIGNED}
    breaks = {c: word_break(c) for c in ASSIGNED}
    symbols = {c for script in SYMBOL_SCRIPTS for c in having(f"Script={script}") if category[c] == "So"} - {"\u2800"}
    letters = {c for c in ASSIGNED if category[c][0] == "L" or category[c] == "Nl"} | symbols
    letters |= {c for c in ASSIGNED if breaks[c] is WordBreak.ALETTER and category[c] == "So"}
    of_words = (WordBreak.ALETTER, WordBreak.HEBREW_LETTER, WordBreak.NUMERIC, WordBreak.EXTEND, WordBreak.FORMAT)
    inner = {c for c in ASSIGNED if breaks[c] in of_words or category[c][0] == "M"} | letters
    inner |= {c for c in ASSIGNED if breaks[c] is WordBreak.KATAKANA and category[c] != "So"}
    # Formulae have digits below the line, as words have them upon it; those above it are notes and powers.
    inner |= set("₀₁₂₃₄₅₆₇₈₉")
    # Colours of the skin go with emoji.
    inner -= having("Emoji_Modifier")
    alone = having("Ideographic") | having("Script=Hangul") & having("Hangul_Syllable_Type=LV")
    alone |= having("Hangul_Syllable_Type=LVT")
    for script in ONE_CHARACTER_SCRIPTS:
        alone |= having(f"Script={script}")
    alone &= {c for c in letters if category[c] != "Lm"}
    ignorable = having("Default_Ignorable_Code_Point")
    vanishing = {c for c in inner if c in ignorable and category[c][0] != "L"} - JOINERS - {GRAPHEME_JOINER}
    vanishing |= VANISHING_TONES
    hebrew = {c for c in ASSIGNED if breaks[c] is WordBreak.HEBREW_LETTER} | {
        c for c in having("Script=Hebrew") if category[c] == "Mn"
    }
    return {
        "letters": letters - BLANKS,
        "inner": inner - BLANKS - vanishing - JOINERS,
        "alone": alone,
        "hebrew": hebrew,
        "vanishing": vanishing,
    }


def mapping(found: dict[str, set[str]]) -> dict[str, str]:
    """Return what stands for a character: nothing, another letter, or several."""
    by: dict[str, str] = dict.fromkeys(found["vanishing"], "")
    for c in ASSIGNED:
        kind, _, parts = data.decomposition(c).partition(" ")
        if kind in {"<wide>", "<narrow>"} and (target := chr(int(parts, 16))) in found["inner"]:
            by[c] = target
        elif (
            kind in POSITIONS
            or _is_ligature(c, kind, parts)
            or c in "\ufb20\ufb21\ufb22\ufb23\ufb24\ufb25\ufb26\ufb27\ufb28"
        ):
            by[c] = data.normalize("NFKC", c)
        if (
            (folded := c.casefold()) != c.lower()
            and len(folded) == 1
            and folded.lower() == folded
            and c not in by
            and c not in {IOTA, "ς"}
        ):
            by[c] = folded
        if c <= "\uffff" < max(composed := data.normalize("NFC", c)):
            # An ideograph of the basic plane that stands for one beyond it.
            by[c] = composed
        if c in NEWER and data.category(c) == "Lu":
            by[c] = _small(c)
        if c in NEWER and data.decomposition(c)[:1] not in {"", "<"}:
            by[c] = data.normalize("NFD", c)
    by |= dict.fromkeys(APOSTROPHES, "'") | {"\u05f4": '"', "Σ": "σ", "\u0130": "i"} | dict.fromkeys(BLANKS, " ")
    return {c: _followed(by, text) for c, text in by.items()}


def _followed(by: dict[str, str], text: str) -> str:
    return "".join(by.get(c, c) for c in text)


def _is_ligature(c: str, kind: str, parts: str) -> bool:
    """Whether it is two letters or more written as one."""
    return kind == "<compat>" and " " in parts and data.category(c)[0] == "L" and c not in NO_LIGATURES


def _small(c: str) -> str:
    """Return the small letter of a capital that the oldest Python does not know."""
    return data.lookup(data.name(c).replace("CAPITAL", "SMALL"))


def apart() -> set[str]:
    """Return the characters that releases of Python compose or sort in different ways."""
    parts = {p for c in NEWER if data.decomposition(c)[:1] not in {"", "<"} for p in [c, *data.normalize("NFD", c)]}
    return {c for c in NEWER if data.combining(c)} | (parts & NEWER)


def plane_0(characters: set[str]) -> set[str]:
    """Return those of the basic plane: `re` looks them up, where it goes through all other ranges one by one."""
    return {c for c in characters if c <= "\uffff"}


def beyond(characters: set[str]) -> set[str]:
    """Return the others."""
    return characters - plane_0(characters)


def ranges(characters: set[str]) -> str:
    """Return the inside of a class of `re` that matches these characters."""
    points = sorted(map(ord, characters))
    text, start = "", 0
    while start < len(points):
        end = start
        while end + 1 < len(points) and points[end + 1] == points[end] + 1:
            end += 1
        text += (
            _escaped(points[start]) + ("-" if end > start + 1 else "") + (_escaped(points[end]) if end > start else "")
        )
        start = end + 1
    return text


def _escaped(point: int) -> str:
    character = chr(point)
    if character.isascii() and character.isalnum():
        return character
    return f"\\u{point:04x}" if character <= "\uffff" else f"\\U{point:08x}"


def main() -> None:
    """Write the module."""
    if oldest.unidata_version != "14.0.0" or data.unidata_version != VERSION:
        raise SystemExit(f"Unicode 14.0.0 of Python 3.11 and {VERSION} of unicodedata2 are needed")
    character_classes = classes()
    by = mapping(character_classes)
    unassigned = {c for c in ALL if data.category(c) == "Cn"}
    lines = [
        f'"""What Unicode {VERSION} says of the characters of words. Written by scripts/unicode_words.py."""',
        "",
        "# ruff: noqa: E501, Q000",
        "# fmt: off",
        "from __future__ import annotations",
        "",
        "from typing import Final",
        "",
        f'VERSION: Final = "{VERSION}"',
    ]
    documented = {
        "LETTERS": ("Words begin with one of these, or of the next.", ranges(plane_0(character_classes["letters"]))),
        "ASTRAL_LETTERS": ("Those beyond the basic plane.", ranges(beyond(character_classes["letters"]))),
        "INNER": (
            "Words go on with these, or the next: letters, digits, marks.",
            ranges(plane_0(character_classes["inner"])),
        ),
        "ASTRAL_INNER": ("Those beyond the basic plane.", ranges(beyond(character_classes["inner"]))),
        "ALONE": (
            "One of these may be a word: ideographs, Hangul syllables, kana, signs.",
            ranges(character_classes["alone"]),
        ),
        "HEBREW": (
            "Letters and points between which a quotation mark is a gershayim.",
            ranges(character_classes["hebrew"]),
        ),
        "UNASSIGNED": (
            "No characters of the basic plane; they part words, whatever they become.",
            ranges(plane_0(unassigned)),
        ),
        "APART": (
            "What releases of Python with another Unicode compose or sort in another way.",
            ranges(beyond(apart())),
        ),
    }
    for name, (doc, text) in documented.items():
        lines += [f'{name}: Final = r"{text}"', f'"""{doc}"""']
    keys = sorted(by, key=lambda c: (by[c], c))
    values = (f"{value!a}: {''.join(c for c in keys if by[c] == value)!a}" for value in sorted(set(by.values())))
    lines += [f"MAPPED: Final = {{{', '.join(values)}}}", '"""The characters that each text stands for."""', ""]
    TARGET.write_text("\n".join(lines), encoding="utf-8")
    print(
        f"{TARGET}: {', '.join(f'{name} {len(chars)}' for name, chars in character_classes.items())}, mapped {len(by)}"
    )


if __name__ == "__main__":
    main()
