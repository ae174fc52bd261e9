"""What an inference request holds, decoded strictly to counts, and the answer's bytes. NumPy, SciPy and orjson only."""

from __future__ import annotations

import io
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson
from scipy.sparse import csr_matrix

from training_scripts import recordio
from training_scripts.content_types import (
    APPLICATION_JSON,
    APPLICATION_JSONLINES,
    INFERENCE_REQUEST_TYPES,
    INFERENCE_RESPONSE_TYPES,
    RECORDIO_PROTOBUF,
    TEXT_CSV,
    media_type,
)
from training_scripts.ntm.reading import csv_counts
from training_scripts.ntm.reading.counts import CountsError, refuse_negative
from training_scripts.unique_members import DuplicateMemberError, refuse_duplicates

Json = Any
"""A decoded JSON value: what a caller sent, of any shape until it has been checked."""

ROWS_AT_ONCE: Final = 8192
"""Documents of a request that are weighed, and written, at a time: bounds the memory beside the counts."""
TOPIC_WEIGHTS: Final = "topic_weights"
RAW_WEIGHTS: Final = "weights=raw"
_NUMBERS: Final = frozenset({int, float})
_LARGEST: Final = float(np.finfo(np.float32).max)
_ANY_TYPES: Final = frozenset({"", "*/*", "application/*"})


class UnsupportedMediaTypeError(ValueError):
    """A Content-Type that NTM does not read."""


class NotAcceptableError(ValueError):
    """An Accept that asks for nothing NTM writes."""


def decode(body: bytes, content_type: str, *, feature_dim: int) -> csr_matrix:
    """Return the request's documents, float32, shape (documents, feature_dim).

    Args:
        body: the request's bytes.
        content_type: its Content-Type header; empty means CSV, as the service's own default does.
        feature_dim: words of the vocabulary.

    Raises:
        UnsupportedMediaTypeError: none of text/csv, application/json, application/jsonlines, RecordIO-protobuf.
        CountsError: the first fault, with its row and column.
    """
    kind = media_type(content_type) or TEXT_CSV
    if kind not in INFERENCE_REQUEST_TYPES:
        raise UnsupportedMediaTypeError(
            f"Content-Type {content_type[:80]!r} is not one of {', '.join(INFERENCE_REQUEST_TYPES)}"
        )
    if not body.strip():
        raise CountsError("empty_body", None, None, "send at least one document")
    if kind == TEXT_CSV:
        return csv_counts.parse(body, feature_dim=feature_dim)
    if kind == RECORDIO_PROTOBUF:
        counts = _records(body, feature_dim)
    else:
        body = csv_counts.plain_body(body)
        counts = _from_instances(_lines(body) if kind == APPLICATION_JSONLINES else _instances(body), feature_dim)
    # As in CSV, a count too small for float32 is none.
    counts.eliminate_zeros()
    return counts


def response_type(accept: str) -> str:
    """Return the media type to answer with: the first of those asked for that there is, JSON where any will do.

    Raises:
        NotAcceptableError: the header names none that NTM writes.
    """
    asked = [media_type(part) for part in accept.split(",")]
    for kind in asked:
        if kind in INFERENCE_RESPONSE_TYPES:
            return kind
        if kind in _ANY_TYPES:
            return APPLICATION_JSON
    raise NotAcceptableError(f"Accept {accept[:80]!r} asks for none of {', '.join(INFERENCE_RESPONSE_TYPES)}")


def asks_for_raw_weights(accept: str) -> bool:
    """Return whether the header asks, by the parameter RAW_WEIGHTS of a media type, for weights that are not raised."""
    return any(
        parameter.strip().lower() == RAW_WEIGHTS for part in accept.split(",") for parameter in part.split(";")[1:]
    )


def encode(weights: npt.NDArray[np.float32], kind: str) -> bytes:
    """Return the answer: topic weights (documents, topics), in the media type `kind`."""
    if kind == APPLICATION_JSONLINES:
        return b"".join(
            orjson.dumps({TOPIC_WEIGHTS: row}, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)
            for row in weights
        )
    if kind == RECORDIO_PROTOBUF:
        records = io.BytesIO()
        recordio.write_labels(records, TOPIC_WEIGHTS, weights)
        return records.getvalue()
    # By parts: the objects of a document that is written take more than what is written.
    parts = [
        orjson.dumps(
            [{TOPIC_WEIGHTS: row} for row in weights[begin : begin + ROWS_AT_ONCE]], option=orjson.OPT_SERIALIZE_NUMPY
        )
        for begin in range(0, len(weights), ROWS_AT_ONCE)
    ]
    return b'{"predictions":[' + b",".join(part[1:-1] for part in parts) + b"]}"


def _records(body: bytes, feature_dim: int) -> csr_matrix:
    try:
        counts = recordio.read_records(body, feature_dim=feature_dim)
    except recordio.RecordError as error:
        raise CountsError(error.code, error.record, None, error.detail) from None
    refuse_negative(counts)
    return counts


def _instances(body: bytes) -> list[Json]:
    document = _json(body, None)
    instances = document.get("instances") if isinstance(document, dict) else None
    if not isinstance(instances, list):
        raise CountsError("bad_json", None, None, 'the body is not an object with a list called "instances"')
    if not instances:
        raise CountsError("empty_body", None, None, "send at least one instance")
    return instances


def _lines(body: bytes) -> list[Json]:
    return [_json(line, row) for row, line in enumerate(body.rstrip().split(b"\n"), start=1)]


def _json(text: bytes, row: int | None) -> Json:
    what = "body" if row is None else "line"
    try:
        parsed = orjson.loads(text)
        refuse_duplicates(text, parsed)
    except DuplicateMemberError as error:
        raise CountsError("duplicate_member", row, None, str(error)) from None
    except ValueError as error:
        raise CountsError("bad_json", row, None, f"the {what} is not JSON: {error}") from None
    return parsed


def _from_instances(instances: list[Json], feature_dim: int) -> csr_matrix:
    columns: list[npt.NDArray[np.int64]] = []
    values: list[npt.NDArray[np.float64]] = []
    for row, instance in enumerate(instances, start=1):
        found, numbers = _instance(instance, row, feature_dim)
        columns.append(found)
        values.append(numbers)
    ends = np.cumsum([0, *(found.size for found in columns)])
    shape = (len(instances), feature_dim)
    counts = csr_matrix((np.concatenate(values).astype(np.float32), np.concatenate(columns), ends), shape=shape)
    counts.sort_indices()
    return counts


def _instance(instance: Json, row: int, feature_dim: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    features = instance.get("features") if isinstance(instance, dict) else None
    if features is None and isinstance(instance, dict) and isinstance(instance.get("data"), dict):
        features = instance["data"].get("features")
    if isinstance(features, dict):
        if "keys" in features:
            return _sparse(features, row, feature_dim)
        features = features.get("values")
    if not isinstance(features, list):
        raise CountsError(
            "bad_instance",
            row,
            None,
            'it is neither {"features": [...]} nor {"data": {"features": {"keys", "shape", "values"}}}',
        )
    if len(features) != feature_dim:
        raise CountsError(
            "wrong_width", row, None, f"it has {len(features)} numbers, where the vocabulary has {feature_dim} words"
        )
    numbers = _counts(features, row)
    filled = np.flatnonzero(numbers)
    return filled, numbers[filled]


def _sparse(
    features: dict[str, Json], row: int, feature_dim: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    keys, values, shape = features["keys"], features.get("values"), features.get("shape", [feature_dim])
    if not isinstance(keys, list) or not isinstance(values, list) or not isinstance(shape, list):
        raise CountsError("bad_instance", row, None, '"keys", "shape" and "values" are not all lists')
    if len(keys) != len(values):
        raise CountsError("key_count", row, None, f"it has {len(keys)} keys for {len(values)} values")
    if not shape or shape[-1] != feature_dim or any(size != 1 for size in shape[:-1]):
        raise CountsError(
            "wrong_width", row, None, f"its shape is {_shown(shape[:4])}, where the vocabulary has {feature_dim} words"
        )
    for position, key in enumerate(keys, start=1):
        if type(key) is not int or not 0 <= key < feature_dim:
            raise CountsError(
                "key_out_of_range", row, position, f"key {_shown(key)} is no feature id of 0 to {feature_dim - 1}"
            )
    found = np.array(keys, dtype=np.int64)
    if len(set(keys)) != len(keys):
        first = dict(zip(reversed(keys), range(len(keys), 0, -1), strict=True))
        repeated = next(position for position, key in enumerate(keys, start=1) if first[key] != position)
        raise CountsError("duplicate_key", row, repeated, f"key {keys[repeated - 1]} is given twice")
    return found, _counts(values, row)


def _counts(cells: list[Json], row: int) -> npt.NDArray[np.float64]:
    # By type and not by trying: NumPy would read "1" and true as numbers.
    if not set(map(type, cells)) <= _NUMBERS:
        column = next(column for column, cell in enumerate(cells, start=1) if type(cell) not in _NUMBERS)
        raise CountsError("not_a_number", row, column, f"{_shown(cells[column - 1])} is not a count")
    numbers = np.array(cells, dtype=np.float64)
    faulty = np.flatnonzero(~((numbers >= 0) & (numbers <= _LARGEST)))
    if faulty.size:
        raise CountsError(
            "negative_count", row, int(faulty[0]) + 1, f"{cells[faulty[0]]} is not a finite count of 0 or more"
        )
    return numbers


def _shown(value: Json) -> str:
    """Return the beginning of a value; of what holds others only what it is, since it may be as deep as it likes."""
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(part, dict | list) for part in value)):
        return f"a nested {'object' if isinstance(value, dict) else 'list'}"
    return repr(value)[:40]
