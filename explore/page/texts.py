"""The documents' texts, as they travel in the page: whole while they fit, else the beginning of each."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from typing import Final

MOST_BYTES: Final = 20_000_000
"""Of all texts, compressed."""
_EXCERPTS: Final = (None, 2000, 1000, 500, 250, 100, 30)
"""Characters of each text, the first that fit; None is all of it."""
_BEGINNING: Final = 160


def packed(texts: Sequence[str]) -> tuple[str, int | None]:
    """Return the texts, compressed and in letters, and how many characters of each there are; None for whole texts."""
    content, length = b"", None
    for length in _EXCERPTS:
        # U+0000 parts them.
        joined = "\0".join(text[:length].replace("\0", " ") for text in texts)
        content = gzip.compress(joined.encode("utf-8", "replace"), compresslevel=6, mtime=0)
        if len(content) <= MOST_BYTES:
            break
    return base64.b64encode(content).decode("ascii"), length


def beginning(text: str) -> str:
    """Return how a text begins, in one line."""
    return " ".join(text[: 4 * _BEGINNING].split())[:_BEGINNING]
