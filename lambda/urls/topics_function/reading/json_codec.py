"""JSON requests: SageMaker's dense and sparse instances, and raw documents. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from topics_function.reading import records
from topics_function.reading.batch import check_number_of_rows
from url_functions.limits import LARGEST_ZERO, MAX_COUNT
from url_functions.problems import Code, Problem
from url_functions.strict_json import load

if TYPE_CHECKING:
    from collections.abc import Iterable

INSTANCES: Final = "instances"
DOCUMENTS: Final = "documents"
CORPUS_VERSION: Final = "corpus_version"

_INSTANCE_FORMS: Final = (
    '{"features":[counts]}, {"data":{"features":{"values":[counts]}}} or '
    '{"data":{"features":{"keys":[ids],"shape":[width],"values":[counts]}}}'
)
_NUMBERS: Final = frozenset({int, float})
# What is left of UTF-8 without these begins a character of four bytes.


@dataclass(frozen=True, slots=True)
class JsonRequest:
    """What a JSON body asks for: either `instances` or `documents`, unchecked beyond being a list."""

    instances: list[object] | None
    documents: list[object] | None
    corpus_version: str | None


def request_of(body: bytes, *, max_rows: int) -> JsonRequest:
    """Read the body's outer object.

    Raises:
        Problem: of `load`, `wrong_shape`, `empty_body` (an empty list) or `too_many_rows`.
    """
    parsed = load(body)
    if not isinstance(parsed, dict):
        raise _wrong_shape("", "the body is not an object", 'an object with "instances" or "documents"')
    known = (INSTANCES, DOCUMENTS, CORPUS_VERSION)
    for name in parsed:
        if name not in known:
            raise _wrong_shape(f"/{_escaped(name)}", "the body has a member that is not known", ", ".join(known))
    if (INSTANCES in parsed) == (DOCUMENTS in parsed):
        raise _wrong_shape("", "the body needs exactly one of instances and documents", '"instances" or "documents"')
    name = INSTANCES if INSTANCES in parsed else DOCUMENTS
    rows = parsed[name]
    if not isinstance(rows, list):
        raise _wrong_shape(f"/{name}", f"{name} is not a list", "a list")
    if not rows:
        raise Problem(Code.EMPTY_BODY, f"{name} is empty", pointer=f"/{name}", allowed="at least one document")
    check_number_of_rows(len(rows), max_rows)
    version = parsed.get(CORPUS_VERSION)
    if version is not None and not isinstance(version, str):
        raise _wrong_shape(f"/{CORPUS_VERSION}", "corpus_version is not a string", "the corpus hash as a string")
    return JsonRequest(
        instances=rows if name == INSTANCES else None,
        documents=rows if name == DOCUMENTS else None,
        corpus_version=version,
    )


def instance_rows(instances: Iterable[object], *, feature_dim: int) -> list[bytes | Problem]:
    """Return the record of each instance, or what is wrong with it, in order."""
    return [
        instance_row(instance, number, f"/{INSTANCES}/{number - 1}", feature_dim)
        for number, instance in enumerate(instances, start=1)
    ]


def instance_row(instance: object, row: int, pointer: str, feature_dim: int) -> bytes | Problem:
    """Return the record of one instance, or its problem."""
    try:
        keys, values = _counts_of(instance, row, pointer, feature_dim)
    except Problem as problem:
        return problem
    if not keys:
        return Problem(
            Code.NO_KNOWN_WORDS,
            f"document {row} counts no word, so the model would only guess",
            row=row,
            pointer=pointer,
            allowed="documents with at least one count above 0",
        )
    return records.of_counts(keys, values, feature_dim)


def _counts_of(instance: object, row: int, pointer: str, feature_dim: int) -> tuple[list[int], list[int | float]]:
    if isinstance(instance, dict) and instance.keys() == {"features"}:
        return _dense(instance["features"], row, f"{pointer}/features", feature_dim)
    if isinstance(instance, dict) and instance.keys() == {"data"}:
        data = instance["data"]
        features = data.get("features") if isinstance(data, dict) and data.keys() == {"features"} else None
        place = f"{pointer}/data/features"
        if isinstance(features, dict) and features.keys() == {"values"}:
            return _dense(features["values"], row, f"{place}/values", feature_dim)
        if isinstance(features, dict) and {"keys", "values"} <= features.keys() <= {"keys", "values", "shape"}:
            return _sparse(features, row, place, feature_dim)
    raise _wrong_shape(pointer, f"instance {row} has none of the forms an instance may have", _INSTANCE_FORMS, row)


def _dense(values: object, row: int, pointer: str, feature_dim: int) -> tuple[list[int], list[int | float]]:
    counts = _checked_counts(values, row, pointer)
    if len(counts) != feature_dim:
        raise _wrong_width(f"has {len(counts)} counts", row, pointer, feature_dim)
    # Most are 0 itself, which takes no comparison.
    keys = [key for key, count in enumerate(counts) if count and count > LARGEST_ZERO]
    return keys, [count for count in counts if count and count > LARGEST_ZERO]


def _sparse(features: dict[str, object], row: int, place: str, feature_dim: int) -> tuple[list[int], list[int | float]]:
    shape = features.get("shape", [feature_dim])
    if not isinstance(shape, list) or not shape or not all(type(side) is int for side in shape):
        raise _wrong_shape(f"{place}/shape", "shape is not a list of integers", f"[{feature_dim}]", row)
    if shape not in ([feature_dim], [1, feature_dim]):
        raise _wrong_width(f"has shape {str(shape[:4])[:60]}", row, f"{place}/shape", feature_dim)
    counts = _checked_counts(features["values"], row, f"{place}/values")
    keys = features["keys"]
    if not isinstance(keys, list):
        raise _wrong_shape(f"{place}/keys", "keys is not a list", "a list of word ids", row)
    if len(keys) != len(counts):
        raise _wrong_shape(place, f"{len(keys)} keys, but {len(counts)} values", "as many keys as values", row)
    for index, key in enumerate(keys):
        if type(key) is not int or not 0 <= key < feature_dim:
            raise Problem(
                Code.KEY_OUT_OF_RANGE,
                f"key {str(key)[:40] if type(key) is int else _json_type(key)} is not the id of a word",
                row=row,
                pointer=f"{place}/keys/{index}",
                allowed=f"integers from 0 to {feature_dim - 1}",
            )
    if len(set(keys)) != len(keys):
        index = _first_repeated(keys)
        raise Problem(
            Code.DUPLICATE_KEY,
            f"key {keys[index]} is given twice",
            row=row,
            pointer=f"{place}/keys/{index}",
            allowed="each word id once",
        )
    present = [(key, count) for key, count in zip(keys, counts, strict=True) if count > LARGEST_ZERO]
    return [key for key, _ in present], [count for _, count in present]


def _first_repeated(keys: list[int]) -> int:
    seen: set[int] = set()
    for index, key in enumerate(keys):
        if key in seen:
            return index
        seen.add(key)
    raise ValueError("no key is repeated")


def _checked_counts(values: object, row: int, pointer: str) -> list[int | float]:
    if not isinstance(values, list):
        raise _wrong_shape(pointer, "the counts are not a list", "a list of numbers", row)
    # The whole row is checked in C first; the fault is looked for only where there is one.
    if values and not (_NUMBERS.issuperset(map(type, values)) and math.isfinite(_sum(values))):
        raise _first_fault(values, row, pointer)
    if values and not 0 <= min(values) <= max(values) <= MAX_COUNT:
        raise _first_fault(values, row, pointer)
    return values


def _sum(values: list[int | float]) -> float:
    try:
        return float(sum(values))
    except OverflowError:
        return math.inf


def _first_fault(values: list[object], row: int, pointer: str) -> Problem:
    allowed = f"a finite count from 0 to {MAX_COUNT}"
    for index, value in enumerate(values):
        place = f"{pointer}/{index}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            detail = f"a count is of type {_json_type(value)}"
            return Problem(Code.WRONG_SHAPE, detail, row=row, column=index + 1, pointer=place, allowed=allowed)
        code, what = _fault_of(value)
        if code is not None:
            detail = f"the count of word {index} {what}"
            return Problem(code, detail, row=row, column=index + 1, pointer=place, allowed=allowed)
    return Problem(Code.NOT_FINITE, "the sum of the counts is not finite", row=row, pointer=pointer, allowed=allowed)


def _fault_of(value: float) -> tuple[Code | None, str]:
    # Only comparisons: an integer too long for a float must not reach math.isfinite.
    if 0 <= value <= MAX_COUNT:
        return None, ""
    if value in (math.inf, -math.inf) or not (value < 0 or value > 0):
        return Code.NOT_FINITE, "is not finite"
    return (Code.NEGATIVE_COUNT, "is negative") if value < 0 else (Code.COUNT_TOO_LARGE, f"is above {MAX_COUNT}")


def _json_type(value: object) -> str:
    names = {type(None): "null", bool: "boolean", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "unknown")


def _wrong_width(what: str, row: int, pointer: str, feature_dim: int) -> Problem:
    return Problem(
        Code.WRONG_WIDTH,
        f"document {row} {what}, where the vocabulary has {feature_dim} words",
        row=row,
        pointer=pointer,
        allowed=f"{feature_dim} counts a document",
    )


def _wrong_shape(pointer: str, detail: str, allowed: str, row: int | None = None) -> Problem:
    return Problem(Code.WRONG_SHAPE, detail, pointer=pointer, row=row, allowed=allowed)


def _escaped(name: str) -> str:
    # RFC 6901, section 3; cut, since a caller's member name may be a document.
    return name[:40].replace("~", "~0").replace("/", "~1")
