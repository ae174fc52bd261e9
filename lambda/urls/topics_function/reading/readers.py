"""From a body and its Content-Type to what is to be scored: counts, or documents still to be counted. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from topics_function.reading import csv_codec
from url_functions import media_types
from url_functions.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Rows = list[bytes | Problem]
"""The record of each document, or what is wrong with the document."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of counts. `rows_of` checks them against a width, and may be called again with another."""

    rows_of: Callable[[int], Rows]
    corpus_version: str | None = None


@dataclass(frozen=True, slots=True)
class Documents:
    """Raw texts; in the place of one that cannot be read stands its problem."""

    texts: Sequence[object]
    pointer_of: Callable[[int], str | None]
    corpus_version: str | None = None


def read(body: bytes, content_type: str, *, max_rows: int) -> Counts | Documents:
    """Read a request for scoring; `content_type` is one of `media_types.READABLE`.

    Raises:
        Problem: where the body as a whole cannot be read.
    """
    if content_type == media_types.TEXT_CSV:
        return Counts(lambda width: csv_codec.rows_of(body, feature_dim=width, max_rows=max_rows))
    return _RARER[content_type](body, max_rows)


def _read_json(body: bytes, max_rows: int) -> Counts | Documents:
    # Loaded where needed, like the other codecs: a function that is sent CSV alone never pays for them.
    from topics_function.reading import json_codec  # noqa: PLC0415

    request = json_codec.request_of(body, max_rows=max_rows)
    if request.documents is not None:
        return Documents(request.documents, f"/{json_codec.DOCUMENTS}/{{}}".format, request.corpus_version)
    instances = request.instances or []
    return Counts(
        lambda width: json_codec.instance_rows(instances, feature_dim=width),
        request.corpus_version,
    )


def _read_json_lines(body: bytes, max_rows: int) -> Counts | Documents:
    from topics_function.reading import json_lines_codec  # noqa: PLC0415

    lines = json_lines_codec.lines_of(body, max_rows=max_rows)
    if json_lines_codec.holds_documents(lines):
        return Documents(json_lines_codec.documents_of(lines), lambda _index: f"/{json_lines_codec.DOCUMENT}")
    return Counts(lambda width: json_lines_codec.instance_rows(lines, feature_dim=width))


def _read_recordio(body: bytes, max_rows: int) -> Counts:
    from topics_function.reading import recordio_codec  # noqa: PLC0415

    return Counts(lambda width: recordio_codec.rows_of(body, feature_dim=width, max_rows=max_rows))


def _read_text(body: bytes, _max_rows: int) -> Documents:
    from topics_function.reading import bodies  # noqa: PLC0415 - as above

    return Documents([bodies.text_of(body)], lambda _index: None)


_RARER: dict[str, Callable[[bytes, int], Counts | Documents]] = {
    media_types.APPLICATION_JSON: _read_json,
    media_types.APPLICATION_JSONLINES: _read_json_lines,
    media_types.NDJSON: _read_json_lines,
    media_types.RECORDIO_PROTOBUF: _read_recordio,
    media_types.TEXT_PLAIN: _read_text,
}
