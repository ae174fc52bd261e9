"""Text in figures: fonts that have its glyphs, and lengths that leave room for everything else."""

from __future__ import annotations

import contextlib
import textwrap
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FIRST: Final = "DejaVu Sans"
"""Comes with matplotlib."""
_INK: Final = "#1b1e24"
_MARGIN_POINTS: Final = 16.0
"""Under the figure, where its provenance stands, and to its right, where the last number of an axis ends."""
_EXAMPLES: Final = 5
_CJK: Final = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH", "HALFWIDTH")
_BROAD: Final = frozenset("mwMW@%")
_EMOJI_FROM: Final = "\U0001f000"


def families_for(texts: Iterable[str]) -> tuple[list[str], set[str]]:
    """Return families of installed fonts that together have the glyphs of texts, and the characters that none has.

    matplotlib takes each glyph from the first family that has it.
    """
    missing = {character for text in texts for character in text if not character.isascii() and _is_drawn(character)}
    families = [_FIRST]
    missing -= _glyphs(font_manager.findfont(_FIRST))
    if not missing:
        return families, missing
    _know_what_was_installed_since()
    fonts = sorted((font.name, font.fname) for font in font_manager.fontManager.ttflist if _is_for_text(font))
    glyphs = {name: missing & _glyphs(file) for name, file in reversed(fonts)}
    while any(glyphs[name] & missing for name in glyphs):
        best = min(glyphs, key=lambda name: (-len(glyphs[name] & missing), name))
        families.append(best)
        missing -= glyphs[best]
    return families, missing


def sentence_on(missing: set[str]) -> str | None:
    """Return what to install for characters that no font has, None where there are none."""
    if not missing:
        return None
    packages = {_package_of(character) for character in missing}
    shown = " ".join(sorted(missing)[:_EXAMPLES])
    number = f"{len(missing)} character{'s' if len(missing) > 1 else ''}"
    return (
        f"no installed font has {number} of the figures' words ({shown}{' …' if len(missing) > _EXAMPLES else ''}): "
        f"install {' and '.join(sorted(packages))} (of Debian and Ubuntu; elsewhere the Noto fonts)"
    )


def shortened(text: str, cells: int) -> str:
    """Return a text in one line of at most so many cells, of which a wide character takes two."""
    line = " ".join(text.split())
    if _cells(line) <= cells:
        return line
    while line and _cells(line) > cells - 1:
        line = line[:-1]
    return f"{line.rstrip()}…"


def lay_out(figure: Figure, title: str, size: float, *, aside: float = 0) -> None:
    """Write a title over a figure, in as many lines as its width asks for, and lay the rest out under it.

    `aside` is the share of the figure's width that is taken at its right.
    """
    width, height = figure.get_size_inches()
    lines = textwrap.wrap(title, max(20, int(72 * width / (0.58 * size))))
    figure.text(0.012, 1 - 6 / 72 / height, "\n".join(lines), va="top", fontsize=size, color=_INK, linespacing=1.2)
    top = 1 - (len(lines) * 1.35 * size + 10) / 72 / height
    figure.tight_layout(rect=(0, _MARGIN_POINTS / 72 / height, 1 - aside - _MARGIN_POINTS / 72 / width, top))


def _cells(text: str) -> float:
    return sum(map(_cells_of, text))


def _cells_of(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return 2
    category = unicodedata.category(character)
    if category == "Mn":
        return 0
    return 1.75 if character in _BROAD else 1.25 if category == "Lu" else 1


def _is_for_text(font: font_manager.FontEntry) -> bool:
    # The font of last resort has a box for every character.
    return font.style == "normal" and not font.name.startswith("Last Resort")


def _is_drawn(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"}


def _glyphs(file: str) -> set[str]:
    # A file that is no font after all, such as one of coloured pictures, has no glyphs for us.
    with contextlib.suppress(OSError, RuntimeError):
        return set(map(chr, FT2Font(file).get_charmap()))
    return set()


def _know_what_was_installed_since() -> None:
    """Add the fonts that matplotlib's list of a former day lacks."""
    known = {font.fname for font in font_manager.fontManager.ttflist}
    for file in font_manager.findSystemFonts():
        if file not in known:
            with contextlib.suppress(OSError, RuntimeError):
                font_manager.fontManager.addfont(file)


def _package_of(character: str) -> str:
    if character >= _EMOJI_FROM and unicodedata.category(character) == "So":
        return "fonts-symbola"
    return "fonts-noto-cjk" if unicodedata.name(character, "").startswith(_CJK) else "fonts-noto-core"
