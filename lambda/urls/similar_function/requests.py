"""What a caller asks for: which document, and how many like it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from similar_function.problems import SimilarProblem
from similar_function.similar import MOST_NEIGHBOURS, NEIGHBOURS
from url_functions import strict_json
from url_functions.media_types import APPLICATION_JSON, TEXT_PLAIN, UTF8_NAMES, parse
from url_functions.options import refuse_unknown
from url_functions.plain_text import PlainTextError, decoded, plain
from url_functions.problems import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

ID: Final = "id"
NUMBER: Final = "number"
DOCUMENT: Final = "document"
MAX_DOCUMENT_BYTES: Final = 1024 * 1024
"""Largest request: a document much longer than those that a topic model is of."""
MAX_ID_CHARS: Final = 1024
"""Longest id: what S3 Vectors takes as a key."""


def number_of(query: Mapping[str, str], *beside: str) -> int:
    """Return how many documents are asked for, of a query that may have only that and `beside`.

    Raises:
        Problem: `invalid_parameter`.
    """
    refuse_unknown(query, (*beside, NUMBER))
    text = query.get(NUMBER, str(NEIGHBOURS))
    if (
        text.isascii()
        and text.isdigit()
        and len(text) <= len(str(MOST_NEIGHBOURS))
        and 1 <= int(text) <= MOST_NEIGHBOURS
    ):
        return int(text)
    allowed = f"whole numbers from 1 to {MOST_NEIGHBOURS}"
    raise SimilarProblem(Code.INVALID_PARAMETER, f"{NUMBER} is {text[:40]!r}", parameter=NUMBER, allowed=allowed)


def id_of(query: Mapping[str, str]) -> str:
    """Return the id that is asked for.

    Raises:
        Problem: `invalid_parameter`.
    """
    name = query.get(ID, "")
    if not name:
        detail = "the request names no document"
        raise SimilarProblem(Code.INVALID_PARAMETER, detail, parameter=ID, allowed="the id of a document")
    if len(name) > MAX_ID_CHARS:
        detail, allowed = f"id has {len(name)} characters", f"at most {MAX_ID_CHARS} characters"
        raise SimilarProblem(Code.INVALID_PARAMETER, detail, parameter=ID, allowed=allowed)
    return name


def content_type_of(header: str | None) -> str:
    """Return the media type of a document that is sent.

    Raises:
        Problem: `unsupported_content_type` or `unsupported_charset`.
    """
    allowed = f"{APPLICATION_JSON}, {TEXT_PLAIN}"
    essence, parameters = parse(header or "")
    if essence not in (APPLICATION_JSON, TEXT_PLAIN):
        detail = f"Content-Type {essence[:80]!r} is not understood" if essence else "the request names no Content-Type"
        raise SimilarProblem(Code.UNSUPPORTED_CONTENT_TYPE, detail, allowed=allowed, headers={"accept": allowed})
    charset = parameters.get("charset", "utf-8").lower()
    if charset not in UTF8_NAMES:
        raise SimilarProblem(Code.UNSUPPORTED_CHARSET, f"charset {charset[:40]!r} is not understood", allowed="utf-8")
    return essence


def document_of(body: bytes, content_type: str) -> str:
    """Return the document of a body: all of it as text, or `{"document": "text"}`.

    Raises:
        Problem: `not_utf8`, `wrong_shape`, or those of `strict_json.load`.
    """
    if content_type != TEXT_PLAIN:
        return _document_of_json(strict_json.load(body))
    try:
        return decoded(plain(body))
    except PlainTextError as error:
        raise SimilarProblem(Code.NOT_UTF8, f"the body {error}") from None


def _document_of_json(content: object) -> str:
    allowed = '{"document": "raw text"}'
    if not isinstance(content, dict) or set(content) != {DOCUMENT}:
        raise SimilarProblem(Code.WRONG_SHAPE, "the body is no object with one document", pointer="", allowed=allowed)
    document = content[DOCUMENT]
    if not isinstance(document, str):
        raise SimilarProblem(Code.WRONG_SHAPE, "the document is no text", pointer=f"/{DOCUMENT}", allowed=allowed)
    return document
