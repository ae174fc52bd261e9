"""Media types this function reads and writes, and how Content-Type and Accept headers are read (RFC 9110)."""

from __future__ import annotations

from typing import Final

from url_functions.problems import Code, Problem

TEXT_CSV: Final = "text/csv"
TEXT_PLAIN: Final = "text/plain"
APPLICATION_JSON: Final = "application/json"
APPLICATION_JSONLINES: Final = "application/jsonlines"
NDJSON: Final = "application/x-ndjson"
RECORDIO_PROTOBUF: Final = "application/x-recordio-protobuf"
PROBLEM_JSON: Final = "application/problem+json"

READABLE: Final = (TEXT_CSV, APPLICATION_JSON, APPLICATION_JSONLINES, NDJSON, RECORDIO_PROTOBUF, TEXT_PLAIN)
"""Content types of a request for scoring."""

WRITABLE: Final = (APPLICATION_JSON, APPLICATION_JSONLINES, NDJSON, TEXT_CSV)
"""Content types of its answer, the first where the caller does not mind."""

UTF8_NAMES: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


def parse(header: str) -> tuple[str, dict[str, str]]:
    """Return the media type and its parameters, names in lower case, quotes removed."""
    essence, *pairs = header.split(";")
    parameters = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        parameters[name.strip().lower()] = value.strip().strip('"')
    return essence.strip().lower(), parameters


def content_type_of(header: str | None) -> str:
    """Return the media type of a request for scoring.

    Raises:
        Problem: `unsupported_content_type` or `unsupported_charset`, naming what is read.
    """
    allowed = ", ".join(READABLE)
    essence, parameters = parse(header or "")
    if essence not in READABLE:
        detail = f"Content-Type {essence[:80]!r} is not understood" if essence else "the request names no Content-Type"
        raise Problem(Code.UNSUPPORTED_CONTENT_TYPE, detail, allowed=allowed, headers={"accept": allowed})
    charset = parameters.get("charset", "utf-8").lower()
    if charset not in UTF8_NAMES:
        raise Problem(Code.UNSUPPORTED_CHARSET, f"charset {charset[:40]!r} is not understood", allowed="utf-8")
    return essence


def negotiate(accept: str | None, offered: tuple[str, ...] = WRITABLE) -> str:
    """Return the offered type that the caller likes best; of equals, the first offered.

    Raises:
        Problem: `not_acceptable`, naming what can be given.
    """
    if accept is None or not accept.strip():
        return offered[0]
    wishes = [(essence, _quality(parameters)) for essence, parameters in map(parse, accept.split(","))]
    best = max(offered, key=lambda media_type: _liking(media_type, wishes))
    if _liking(best, wishes) <= 0:
        allowed = ", ".join(offered)
        raise Problem(Code.NOT_ACCEPTABLE, "Accept leaves out everything that can be given here", allowed=allowed)
    return best


def _quality(parameters: dict[str, str]) -> float:
    try:
        return min(1.0, max(0.0, float(parameters.get("q", "1"))))
    except ValueError:
        return 1.0


def _liking(media_type: str, wishes: list[tuple[str, float]]) -> float:
    # The most specific range that matches decides (RFC 9110, 12.5.1).
    kind = media_type.partition("/")[0]
    for wanted in ((media_type,), (f"{kind}/*",), ("*/*", "*")):
        matching = [quality for essence, quality in wishes if essence in wanted]
        if matching:
            return max(matching)
    return 0.0
