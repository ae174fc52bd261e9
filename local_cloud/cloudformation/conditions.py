"""Conditions of templates that join strings, as CDK's bootstrap template has them: MiniStack compares them unjoined."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from local_cloud.shared import private_names
from local_cloud.shared.wire import JsonObject, JsonValue

if TYPE_CHECKING:
    Parameters = Mapping[str, Mapping[str, JsonValue]]
    Evaluate = Callable[[JsonObject, Parameters], dict[str, bool]]


def install() -> None:
    """Join before MiniStack evaluates; imports its CloudFormation."""
    for evaluate in (
        private_names.CFN_CONDITIONS_OF_STACKS,
        private_names.CFN_CONDITIONS_OF_REQUESTS,
        private_names.CFN_CONDITIONS_OF_CHANGES,
    ):
        evaluate.wrap(_with_joins)


def _with_joins(original: Evaluate) -> Evaluate:
    def evaluate(template: JsonObject, parameters: Parameters) -> dict[str, bool]:
        joined = joins_resolved(template.get("Conditions", {}), parameters)
        return original({**template, "Conditions": joined}, parameters)

    return evaluate


def joins_resolved(value: JsonValue, parameters: Parameters) -> JsonValue:
    """Return `value` with the string in the place of each Fn::Join of strings and parameters."""
    if isinstance(value, list):
        return [joins_resolved(item, parameters) for item in value]
    if not isinstance(value, dict):
        return value
    join = value.get("Fn::Join")
    if not isinstance(join, list):
        return {name: joins_resolved(item, parameters) for name, item in value.items()}
    separator, parts = join
    listed = _text(parts, parameters).split(",") if isinstance(parts, dict) else parts
    return str(separator).join(_text(part, parameters) for part in listed) if isinstance(listed, list) else value


def _text(part: JsonValue, parameters: Parameters) -> str:
    if isinstance(part, dict) and set(part) == {"Ref"}:
        name = str(part["Ref"])
        return str(parameters[name]["Value"]) if name in parameters else name
    return str(part)
