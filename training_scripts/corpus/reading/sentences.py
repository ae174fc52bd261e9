"""Where a text's sentences end."""

from __future__ import annotations

import re
from typing import Final

_MARKS: Final = r".!?\u2026\u037e\u061f\u06d4"
_MARKS_WITHOUT_BLANK: Final = r"\u3002\uff01\uff1f\u0964\u0965\u1362"
# One class of characters comes first, which `re` looks for quickly; a run of marks is tried at its begin alone.
_SENTENCE_END: Final = re.compile(
    rf"[{_MARKS}{_MARKS_WITHOUT_BLANK}\r\n]"
    rf"(?:(?<=[{_MARKS}])(?<![{_MARKS}]{{2}})[{_MARKS}]*+(?=\s)"
    rf"|(?<=[{_MARKS_WITHOUT_BLANK}])[{_MARKS_WITHOUT_BLANK}]*|(?<=[\r\n])[\r\n]*)"
)


def sentences_of(text: str) -> list[str]:
    """Return the sentences of a text, in order; a line's end ends one too."""
    return _SENTENCE_END.split(text)
