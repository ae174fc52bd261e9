"""Function URL events (payload version 2.0) as requests, and answers as Lambda returns them. Pure."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypedDict
from urllib.parse import parse_qsl

from url_functions.media_types import PROBLEM_JSON
from url_functions.problems import Code, Problem

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNKNOWN_SHARE_HEADER: Final = "x-unknown-word-share"
GZIP: Final = "gzip"
IDENTITY: Final = "identity"
_REPLACEMENT: Final = "\ufffd"
_GZIP_WINDOW: Final = 31
_FIRST_PIECE_BYTES: Final = 256
_LARGEST_PIECE_BYTES: Final = 1 << 18


class UrlAnswer(TypedDict):
    """What Lambda makes an HTTP answer of."""

    statusCode: int
    headers: dict[str, str]
    body: str
    isBase64Encoded: bool


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; header names in lower case. The body is still as it came: see `body_of`."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    request_id: str
    raw_body: str | None
    is_base64: bool


@dataclass(slots=True)
class Answer:
    """An answer before it is put in Lambda's form."""

    status: int
    content_type: str
    body: str
    headers: dict[str, str] = field(default_factory=dict)

    def to_lambda(self) -> UrlAnswer:
        """Return the answer as the Function URL takes it."""
        headers = {"content-type": self.content_type, "cache-control": "no-store", **self.headers}
        return {"statusCode": self.status, "headers": headers, "body": self.body, "isBase64Encoded": False}


def problem_answer(problem: Problem, request_id: str | None) -> Answer:
    """Return the answer that tells a problem."""
    headers = dict(problem.headers)
    if problem.retry_after_s is not None:
        headers["retry-after"] = str(problem.retry_after_s)
    return Answer(problem.status, PROBLEM_JSON, problem.to_json(request_id), headers)


def request_of(event: object) -> Request:
    """Read a Function URL event.

    Raises:
        Problem: `not_a_url_event` where the event has not the form of payload version 2.0, `invalid_parameter` where
            a parameter is given twice.
    """
    if not isinstance(event, Mapping):
        raise Problem(Code.NOT_A_URL_EVENT, "the event is not an object")
    context = event.get("requestContext")
    http = context.get("http") if isinstance(context, Mapping) else None
    method = http.get("method") if isinstance(http, Mapping) else None
    path = event.get("rawPath")
    if not isinstance(context, Mapping) or not isinstance(method, str) or not isinstance(path, str):
        raise Problem(Code.NOT_A_URL_EVENT, "the event has no requestContext.http.method or no rawPath")
    body = event.get("body")
    if body is not None and not isinstance(body, str):
        raise Problem(Code.NOT_A_URL_EVENT, "the event's body is not a string")
    request_id = context.get("requestId")
    return Request(
        method=method.upper(),
        path=path,
        headers=_headers_of(event.get("headers")),
        query=_query_of(event.get("rawQueryString")),
        request_id=request_id if isinstance(request_id, str) else "",
        raw_body=body,
        is_base64=event.get("isBase64Encoded") is True,
    )


def _query_of(text: object) -> dict[str, str]:
    pairs = parse_qsl(text, keep_blank_values=True) if isinstance(text, str) else []
    query: dict[str, str] = {}
    for name, value in pairs:
        if name in query:
            detail = f"the parameter {name[:40]!r} is given twice"
            raise Problem(Code.INVALID_PARAMETER, detail, parameter=name[:40], allowed="each parameter once")
        query[name] = value
    return query


def _headers_of(headers: object) -> dict[str, str]:
    if not isinstance(headers, Mapping):
        return {}
    return {str(name).lower(): value for name, value in headers.items() if isinstance(value, str)}


def body_of(request: Request, *, max_bytes: int) -> bytes:
    """Return the request's body, out of base64 and gzip, at most `max_bytes` long.

    Raises:
        Problem: `empty_body`, `not_base64`, `not_gzip`, `not_utf8`, `unsupported_encoding` or `body_too_large`.
    """
    body = _transported_body(request)
    encoding = request.headers.get("content-encoding", IDENTITY).strip().lower() or IDENTITY
    if encoding in (GZIP, "x-gzip"):
        body = _gunzip(body, max_bytes)
    elif encoding != IDENTITY:
        allowed = f"{GZIP}, {IDENTITY}"
        raise Problem(
            Code.UNSUPPORTED_ENCODING,
            f"Content-Encoding {encoding[:40]!r} is not understood",
            allowed=allowed,
            headers={"accept-encoding": allowed},
        )
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    if not body:
        raise Problem(Code.EMPTY_BODY, "the request has no body", allowed="at least one document")
    return body


def _transported_body(request: Request) -> bytes:
    raw = request.raw_body or ""
    if request.is_base64:
        try:
            return base64.b64decode(raw, validate=True)
        except (binascii.Error, ValueError):
            raise Problem(Code.NOT_BASE64, "the body cannot be decoded as base64") from None
    try:
        body = raw.encode("utf-8")
    except UnicodeEncodeError:
        raise Problem(Code.NOT_UTF8, "the body holds lone surrogates, which no UTF-8 text has") from None
    # What Lambda takes for text by its content type comes as characters: bytes that are none would have been replaced.
    if _REPLACEMENT in raw and request.headers.get("content-length", str(len(body))) != str(len(body)):
        raise Problem(
            Code.NOT_UTF8,
            "the body holds bytes that are not UTF-8, which were replaced on its way here",
            allowed="UTF-8; gzip under a content type that is not taken for text, such as application/jsonlines",
        )
    return body


def _gunzip(compressed: bytes, max_bytes: int) -> bytes:
    body = bytearray()
    view = memoryview(compressed)
    position = 0
    # A gzip body may be several members, one after the other (RFC 1952, 2.2), and each may be tiny or all of it.
    while position < len(view):
        member = zlib.decompressobj(_GZIP_WINDOW)
        size = _FIRST_PIECE_BYTES
        while not member.eof:
            # What a member has not taken is copied: pieces grow with the member, so that this stays a part of its size.
            piece = member.unconsumed_tail or view[position : position + size]
            if not piece:
                raise Problem(Code.NOT_GZIP, "the gzip body ends before its data does")
            if piece is not member.unconsumed_tail:
                position += len(piece)
                size = min(2 * size, _LARGEST_PIECE_BYTES)
            try:
                body += member.decompress(piece, min(max_bytes - len(body) + 1, _LARGEST_PIECE_BYTES))
            except zlib.error:
                raise Problem(Code.NOT_GZIP, "the body cannot be decompressed as gzip") from None
            if len(body) > max_bytes:
                raise _too_large(max_bytes)
        position -= len(member.unused_data)
    return bytes(body)


def _too_large(max_bytes: int) -> Problem:
    return Problem(
        Code.BODY_TOO_LARGE,
        f"the body is larger than {max_bytes} bytes once decompressed",
        allowed=f"{max_bytes} bytes; send the documents in several requests",
    )
