"""Search over training jobs: by what describing them tells, by their metrics, hyperparameters and tags.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Filter.html tells the operators and what they compare.
"""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from local_cloud.shared.service_errors import ServiceError, validation_error
from local_cloud.shared.service_model import Shape
from local_cloud.shared.wire import JsonObject, JsonValue, Node

Value: TypeAlias = "float | str"

TEXT, NUMBER, TIME, EITHER = "text", "number", "time", "either"
_KINDS = {"integer": NUMBER, "long": NUMBER, "float": NUMBER, "double": NUMBER, "timestamp": TIME}
_BY_NAME = {"Metrics": NUMBER, "HyperParameters": EITHER, "Tags": TEXT}
"""Properties whose second part is a name of the job's own."""
_ORDERED: Mapping[str, Callable[[Value, Value], bool]] = {
    "GreaterThan": operator.gt, "GreaterThanOrEqualTo": operator.ge, "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}  # fmt: skip


def matching(records: Sequence[JsonObject], expression: Node, shape: Shape) -> list[JsonObject]:
    """Return the records that an expression finds.

    Args:
        records: as DescribeTrainingJob tells them, with `Tags` besides.
        expression: a SearchExpression of filters.
        shape: of a record.

    Raises:
        ServiceError: a filter names no property, or compares it by what its type does not know.
    """
    filters = expression.nodes("Filters")
    if not filters:
        raise validation_error("SearchExpression must have a filter.")
    kinds = [_kind(shape, item.text("Name")) for item in filters]
    holds = any if expression.text("Operator") == "Or" else all
    return [
        record
        for record in records
        if holds([_passes(record, item, kind) for item, kind in zip(filters, kinds, strict=True)])
    ]


def ordered(records: Sequence[JsonObject], name: str, shape: Shape, *, descending: bool) -> list[JsonObject]:
    """Return records by a property; those that do not have it come last.

    Raises:
        ServiceError: there is no such property.
    """
    kind = _kind(shape, name)
    values = [next(map(_sorted_as, _values(record, name, kind)), None) for record in records]
    known = [(value, record) for value, record in zip(values, records, strict=True) if value is not None]
    known.sort(key=lambda item: (isinstance(item[0], str), item[0]), reverse=descending)
    return [record for _, record in known] + [
        record for value, record in zip(values, records, strict=True) if value is None
    ]


def _sorted_as(value: Value) -> Value:
    number = _number(value) if isinstance(value, str) else value
    return value if number is None else number


def _kind(shape: Shape, name: str) -> str:
    head, _, rest = name.partition(".")
    if head in _BY_NAME and rest:
        return _BY_NAME[head]
    for part in name.split("."):
        shape = shape.member if shape.type_name == "list" else shape
        if shape.type_name != "structure" or part not in shape.members:
            raise _unknown(name)
        shape = shape.members[part]
    if shape.type_name in {"structure", "list", "map"}:
        raise _unknown(name)
    return _KINDS.get(shape.type_name, TEXT)


def _passes(record: JsonObject, item: Node, kind: str) -> bool:
    asked, name, wanted = item.text("Operator", "Equals"), item.text("Name"), item.text("Value")
    values = list(_values(record, name, kind))
    if asked in {"Exists", "NotExists"}:
        return bool(values) == (asked == "Exists")
    if "Value" not in item:
        raise validation_error(f"The filter of {name} needs a value.")
    if asked in {"Contains", "In"}:
        if kind in {NUMBER, TIME}:
            raise validation_error(f"{asked} is supported for text properties only, and {name} is none.")
        choices = wanted.split(",")
        return any(str(value) in choices if asked == "In" else wanted in str(value) for value in values)
    if asked in _ORDERED and kind == TEXT:
        raise validation_error(f"{asked} is not supported for text properties, and {name} is one.")
    pairs = [_comparable(value, wanted, kind) for value in values]
    if asked in _ORDERED:
        return any(type(one) is type(other) and _ORDERED[asked](one, other) for one, other in pairs)
    return any(one == other for one, other in pairs) == (asked == "Equals")


def _comparable(value: Value, wanted: str, kind: str) -> tuple[Value, Value]:
    if kind == TEXT:
        return str(value), wanted
    if kind == TIME:
        try:
            moment = dt.datetime.fromisoformat(wanted)
        except ValueError:
            raise validation_error(f"{wanted} is no time such as 2026-01-31T12:00:00.") from None
        return float(value), (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
    number = _number(wanted)
    if kind == NUMBER and number is None:
        raise validation_error(f"{wanted} is no number.")
    own = _number(str(value))
    if number is None or own is None:
        return str(value), wanted
    # A decimal hyperparameter is an integer to a value that is one.
    return (float(int(own)) if kind == EITHER and wanted.lstrip("-").isdecimal() else own), number


def _values(record: JsonObject, name: str, kind: str) -> Iterator[Value]:
    head, _, rest = name.partition(".")
    node = Node(record)
    if head == "Metrics":
        yield from (
            each.number("Value") for each in node.nodes("FinalMetricDataList") if each.text("MetricName") == rest
        )
    elif head == "Tags":
        yield from (each.text("Value") for each in node.nodes("Tags") if each.text("Key") == rest)
    elif head == "HyperParameters":
        given = node.mapping("HyperParameters")
        if rest in given:
            yield given[rest]
    else:
        yield from (
            float(value)
            if kind in {NUMBER, TIME} and isinstance(value, int | float)
            else (str(value).lower() if isinstance(value, bool) else str(value))
            for value in _at(record, name.split("."))
        )


def _at(value: JsonValue, path: list[str]) -> Iterator[JsonValue]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _at(item, path)
    elif not path:
        if value is not None:
            yield value
    elif isinstance(value, Mapping):
        yield from _at(value.get(path[0]), path[1:])


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _unknown(name: str) -> ServiceError:
    return validation_error(f"TrainingJob has no property {name} to search by.")
