"""What a cell of a row of counts may be. One file for the model server and for the topics function, which links to it.

The pattern is unambiguous: each cell can be read in one way only, so that a refusal takes no longer than a match.
"""

from __future__ import annotations

import re
from typing import Final

MOST_CHARACTERS: Final = 64
"""Longest cell, without the blanks around it. A float64 in full takes 24."""
NUMBER: Final = re.compile(rb"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
NOT_FINITE: Final = re.compile(rb"[+-]?(?:nan|inf(?:inity)?)", re.IGNORECASE)
_SHOWN_CHARACTERS: Final = 40


def shown(cell: bytes) -> str:
    """Return how a cell is shown where it is refused: its beginning, quoted."""
    return repr(cell[:_SHOWN_CHARACTERS].decode("utf-8", "replace"))
