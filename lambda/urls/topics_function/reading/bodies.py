"""Bodies of text: without a byte order mark, their lines ended by LF, and refused where they are no UTF-8. Pure."""

from __future__ import annotations

from url_functions.plain_text import PlainTextError, decoded, plain
from url_functions.problems import Code, Problem


def plain_body(body: bytes) -> bytes:
    """Return a body of text without its byte order mark, its lines ended by LF.

    Raises:
        Problem: `not_utf8` where its first bytes are those of another encoding, of compression, or of no text.
    """
    try:
        return plain(body)
    except PlainTextError as error:
        raise Problem(Code.NOT_UTF8, f"the body {error}", allowed="UTF-8") from None


def text_of(body: bytes) -> str:
    """Return the text of a body.

    Raises:
        Problem: `not_utf8`, also where it holds a NUL byte.
    """
    try:
        return decoded(plain_body(body))
    except PlainTextError as error:
        raise Problem(Code.NOT_UTF8, f"the body {error}", row=1, allowed="UTF-8") from None
