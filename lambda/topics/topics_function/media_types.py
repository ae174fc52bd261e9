"""Media types this function reads and writes, and how a Content-Type header is read."""

from __future__ import annotations

from typing import Final

from topics_function.problems import Code, Problem

TEXT_CSV: Final = "text/csv"
APPLICATION_JSON: Final = "application/json"
PROBLEM_JSON: Final = "application/problem+json"

UTF8_NAMES: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


def parse(header: str) -> tuple[str, dict[str, str]]:
    """Return the media type and its parameters, names in lower case, quotes removed."""
    essence, *pairs = header.split(";")
    parameters = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        parameters[name.strip().lower()] = value.strip().strip('"')
    return essence.strip().lower(), parameters


def content_type_of(header: str | None, readable: tuple[str, ...]) -> str:
    """Return the request's media type.

    Raises:
        Problem: `unsupported_content_type` or `unsupported_charset`, naming what is read.
    """
    allowed = ", ".join(readable)
    essence, parameters = parse(header or "")
    if essence not in readable:
        detail = f"Content-Type {essence[:80]!r} is not understood" if essence else "the request names no Content-Type"
        raise Problem(Code.UNSUPPORTED_CONTENT_TYPE, detail, allowed=allowed, headers={"accept": allowed})
    charset = parameters.get("charset", "utf-8").lower()
    if charset not in UTF8_NAMES:
        raise Problem(Code.UNSUPPORTED_CHARSET, f"charset {charset[:40]!r} is not understood", allowed="utf-8")
    return essence


def json_is_acceptable(header: str | None) -> None:
    """Check that the caller takes JSON.

    Raises:
        Problem: `not_acceptable`, naming what can be given.
    """
    if header is None or not header.strip():
        return
    for item in header.split(","):
        essence, parameters = parse(item)
        if essence in (APPLICATION_JSON, "application/*", "*/*", "*") and parameters.get("q", "1") not in ("0", "0.0"):
            return
    raise Problem(Code.NOT_ACCEPTABLE, "the answer is JSON, which Accept leaves out", allowed=APPLICATION_JSON)
