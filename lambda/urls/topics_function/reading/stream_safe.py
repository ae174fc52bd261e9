"""Text of which no run of combining marks is longer than 30: the Stream-Safe Text Format of UAX #15. Pure.

Normalising sorts the marks of a run, in a time that grows with the square of the run's length. No language writes such
runs. One file for the preparation and for the topics function, whose asset has it by a link: both count the same words.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import takewhile
from typing import Final

MOST_MARKS: Final = 30
"""Most non-starters in a row, counted in the compatibility decomposition (UAX #15, section 13)."""
JOINER: Final = "\u034f"
"""COMBINING GRAPHEME JOINER: no mark is sorted across it."""

# At most 3 non-starters end the decomposition of a letter, and at most 2 are that of a mark: 3 + 13 * 2 are few enough.
_FEWEST_SUSPECTS: Final = 14
# Marks are neither ASCII nor white space, and no part of words but for the two voiced sound marks of halfwidth kana.
_MARK: Final = r"[^\x00-\x7f\w\s]"
_HALFWIDTH_MARKS: Final = "\uff9e\uff9f"
_STRIDE: Final = _FEWEST_SUSPECTS // 2
_find_near_marks: Final = re.compile(f"{_MARK}{{2}}").search
_runs: Final = re.compile(f"{_MARK}{{{_FEWEST_SUSPECTS},}}")
_runs_with_halfwidth: Final = re.compile(f"(?:{_MARK}|[{_HALFWIDTH_MARKS}]){{{_FEWEST_SUSPECTS},}}")


def stream_safe(text: str) -> str:
    """Return `text` with a joiner before each mark that would be the 31st in a row; other text as it is."""
    if text.isascii():
        return text
    if "\uff9e" in text or "\uff9f" in text:
        return _runs_with_halfwidth.sub(_joined, text)
    # Every seventh character is enough to look at: a run has two of them, one after the other. Most text has no two.
    return _runs.sub(_joined, text) if _find_near_marks(text[::_STRIDE]) else text


def _joined(run: re.Match[str]) -> str:
    pieces: list[str] = []
    begin = run.start()
    marks = _marks_of(run.string[begin - 1])[1] if begin else 0
    for character in run[0]:
        first, last, is_mark = _marks_of(character)
        if marks + first > MOST_MARKS:
            pieces.append(JOINER)
            marks = 0
        pieces.append(character)
        marks = marks + first if is_mark else last
    return "".join(pieces)


@lru_cache(maxsize=4096)
def _marks_of(character: str) -> tuple[int, int, bool]:
    """Return how many non-starters a character's decomposition starts and ends with, and whether it has no other."""
    classes = [unicodedata.combining(part) for part in unicodedata.normalize("NFKD", character)]
    first = sum(1 for _ in takewhile(bool, classes))
    return first, sum(1 for _ in takewhile(bool, reversed(classes))), first == len(classes)
