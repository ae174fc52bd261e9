"""JSON Lines requests: one instance a line, or one `{"document": "raw text"}` a line. Pure."""

from __future__ import annotations

from typing import Final

from topics_function.reading import json_codec
from topics_function.reading.batch import check_number_of_rows
from topics_function.reading.bodies import plain_body
from url_functions import strict_json
from url_functions.problems import Code, Problem

DOCUMENT: Final = "document"


def lines_of(body: bytes, *, max_rows: int) -> list[bytes]:
    """Return the lines, without the empty one after a final newline.

    Raises:
        Problem: `not_utf8`, `empty_body` or `too_many_rows`.
    """
    body = plain_body(body)
    if not body.strip():
        raise Problem(Code.EMPTY_BODY, "the body has no line", allowed="at least one instance or document")
    check_number_of_rows(body.count(b"\n", 0, -1) + 1, max_rows)
    lines = body.split(b"\n")
    if not lines[-1].strip():
        del lines[-1]
    return lines


def holds_documents(lines: list[bytes]) -> bool:
    """Tell whether the first line is a raw document: the others then have to be documents as well."""
    try:
        first = strict_json.load(lines[0], row=1)
    except Problem:
        return False
    return isinstance(first, dict) and DOCUMENT in first


def documents_of(lines: list[bytes]) -> list[str | Problem]:
    """Return each line's text, or what is wrong with the line."""
    return [_document(line, row) for row, line in enumerate(lines, start=1)]


def _document(line: bytes, row: int) -> str | Problem:
    try:
        content = strict_json.load(line, row=row)
    except Problem as problem:
        return problem
    if isinstance(content, dict) and content.keys() == {DOCUMENT} and isinstance(content[DOCUMENT], str):
        text: str = content[DOCUMENT]
        return text
    detail = f"line {row} is no document, as the first line is"
    return Problem(Code.WRONG_SHAPE, detail, row=row, pointer="", allowed='{"document": "raw text"}')


def instance_rows(lines: list[bytes], *, feature_dim: int) -> list[bytes | Problem]:
    """Return the record of each line, or what is wrong with it; pointers are within the line."""
    return [_instance(line, row, feature_dim) for row, line in enumerate(lines, start=1)]


def _instance(line: bytes, row: int, feature_dim: int) -> bytes | Problem:
    try:
        content = strict_json.load(line, row=row)
    except Problem as problem:
        return problem
    return json_codec.instance_row(content, row, "", feature_dim)
