"""Requests checked against botocore's service model, with the wording of AWS's own front end."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from local_cloud.shared import refusals
from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.service_model import Shape
from local_cloud.shared.wire import JsonValue, MutableJson

Json = TypeVar("Json")

_JAVA_CLASSES = {
    "L": r"\w", "M": r"\u0300-\u036f", "N": r"\d", "Z": r"\s", "P": r"!-/:-@\[-`{-~", "S": "$+<=>^`|~",
    "ASCII": r"\x00-\x7f", "Alnum": "A-Za-z0-9", "Print": r"\x20-\x7e",
}  # fmt: skip
"""The content of a character class for each of Java's named classes that the models use."""

_WHOLE = frozenset({"integer", "long"})
_JAVA_TOKEN = re.compile(r"\\p\{(?P<named>\w+)\}|\\.|\[|\]", re.DOTALL)


class SerializationError(ServiceError):
    """A member has a JSON type that its shape cannot be read from."""

    def __init__(self, found: str, wanted: str) -> None:
        super().__init__("SerializationException", f"{found} can not be converted to {wanted}")


def validate(shape: Shape, request: MutableJson, refusal: refusals.Refusal = refusals.MODEL_CONSTRAINT) -> None:
    """Check a request against the input shape of its operation.

    Raises:
        ServiceError: `SerializationException` for a wrong JSON type, else `ValidationException` with every
            violated constraint.
    """
    problems = list(_problems(shape, request, ""))
    if problems:
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''}"
        raise refusal.error(count=count, problems="; ".join(problems))


def coerce(shape: Shape, value: JsonValue) -> JsonValue:
    """Give a template's value the JSON types of its shape: CloudFormation takes "1" for 1 and "true" for true."""
    if shape.type_name == "structure" and isinstance(value, Mapping):
        return {name: coerce(shape.members[name], item) if name in shape.members else item
                for name, item in value.items()}  # fmt: skip
    if shape.type_name == "list" and isinstance(value, Sequence) and not isinstance(value, str):
        return [coerce(shape.member, item) for item in value]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {key: coerce(shape.value, item) for key, item in value.items()}
    return _coerce_scalar(shape.type_name, value)


def _coerce_scalar(kind: str, value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        if kind in _WHOLE and re.fullmatch(r"-?\d+", value):
            return int(value)
        if kind in {"float", "double"} and re.fullmatch(r"-?\d+(\.\d+)?", value):
            return float(value)
        if kind == "boolean" and value.lower() in {"true", "false"}:
            return value.lower() == "true"
    if kind == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


def _problems(shape: Shape, value: JsonValue, place: str) -> Iterator[str]:
    if shape.type_name == "structure":
        yield from _structure_problems(shape, _expect(value, (dict,), "Object"), place)
    elif shape.type_name == "list":
        items = _expect(value, (list,), "List")
        yield from _length_problems(shape, items, place)
        for position, item in enumerate(items, start=1):
            yield from _problems(shape.member, item, f"{place}.{position}.member")
    elif shape.type_name == "map":
        entries = _expect(value, (dict,), "Map")
        yield from _length_problems(shape, entries, place)
        for key, item in entries.items():
            yield from _problems(shape.key, key, place)
            yield from _problems(shape.value, item, f"{place}.{key}.member")
    else:
        yield from _scalar_problems(shape, value, place)


def _structure_problems(shape: Shape, members: Mapping[str, JsonValue], place: str) -> Iterator[str]:
    for name, member in shape.members.items():
        inner = f"{place}.{_camel(name)}" if place else _camel(name)
        value = members.get(name)
        if value is not None:
            yield from _problems(member, value, inner)
        elif name in shape.required_members:
            yield f"Value null at '{inner}' failed to satisfy constraint: Member must not be null"


def _scalar_problems(shape: Shape, value: JsonValue, place: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "string":
        yield from _string_problems(shape, _expect(value, (str,), "a String"), place)
    elif kind in {"integer", "long", "float", "double"}:
        number = _expect(value, (int,), "an Integer") if kind in _WHOLE else _expect(value, (int, float), "a Float")
        yield from _range_problems(shape, number, place)
    elif kind == "boolean":
        _expect(value, (bool,), "a Boolean")
    elif kind == "timestamp":
        # The JSON protocol has them as seconds since 1970, and in no other form.
        _expect(value, (int, float), "a Timestamp")


def _string_problems(shape: Shape, text: str, place: str) -> Iterator[str]:
    metadata = shape.metadata
    if shape.enum and text not in shape.enum:
        yield _problem(text, place, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
    pattern = metadata.get("pattern")
    if isinstance(pattern, str) and not _compiled(pattern).fullmatch(text):
        yield _problem(text, place, f"Member must satisfy regular expression pattern: {pattern}")
    yield from _length_problems(shape, text, place)


def _length_problems(
    shape: Shape, sized: str | Sequence[JsonValue] | Mapping[str, JsonValue], place: str
) -> Iterator[str]:
    least, most = _bound(shape, "min"), _bound(shape, "max")
    if least is not None and len(sized) < least:
        yield _problem(_shown(sized), place, f"Member must have length greater than or equal to {least}")
    if most is not None and len(sized) > most:
        yield _problem(_shown(sized), place, f"Member must have length less than or equal to {most}")


def _range_problems(shape: Shape, number: float, place: str) -> Iterator[str]:
    least, most = _bound(shape, "min"), _bound(shape, "max")
    if least is not None and number < least:
        yield _problem(str(number), place, f"Member must have value greater than or equal to {least}")
    if most is not None and number > most:
        yield _problem(str(number), place, f"Member must have value less than or equal to {most}")


def _bound(shape: Shape, name: str) -> float | None:
    bound = shape.metadata.get(name)
    return bound if isinstance(bound, int | float) else None


def _problem(value: str, place: str, constraint: str) -> str:
    return f"Value '{value}' at '{place}' failed to satisfy constraint: {constraint}"


def _shown(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def _expect(value: JsonValue, kinds: tuple[type[Json], ...], wanted: str) -> Json:
    # A boolean is an int to Python, and never a number to AWS.
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise SerializationError(_json_kind(value), wanted)
    return value


def _json_kind(value: JsonValue) -> str:
    if isinstance(value, bool):
        return f"{str(value).upper()}_VALUE"
    if isinstance(value, str):
        return "STRING_VALUE"
    if isinstance(value, int | float):
        return "NUMBER_VALUE"
    return "START_ARRAY" if isinstance(value, list) else "START_OBJECT"


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(_in_python(pattern), re.DOTALL)


def _in_python(pattern: str) -> str:
    """Translate a Java pattern of the service models."""
    # A surrogate pair is one character in Python, and an anchor is not repeated.
    pattern = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF").replace(r"\z", r"\Z")
    pattern = re.sub(r"\$\{\d+,\d+\}", "$", pattern)
    inside = False

    def translated(match: re.Match[str]) -> str:
        nonlocal inside
        if match["named"]:
            content = _JAVA_CLASSES[match["named"]]
            return content if inside else f"[{content}]"
        if match[0] in "[]":
            inside = match[0] == "["
        return match[0]

    return _JAVA_TOKEN.sub(translated, pattern)
