"""Where a text's sentences end."""

from __future__ import annotations

import re
from typing import Final

_SENTENCE_END: Final = re.compile(
    r"[.!?\u2026\u037e\u061f\u06d4]+(?=\s)|[\u3002\uff01\uff1f\u0964\u0965\u1362]+|[\r\n]+"
)


def sentences_of(text: str) -> list[str]:
    """Return the sentences of a text, in order; a line's end ends one too."""
    return _SENTENCE_END.split(text)
