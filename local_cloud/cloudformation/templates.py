"""Templates and parameters that CloudFormation refuses before it makes a stack, and MiniStack takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from local_cloud.cloudformation.resource_schemas import resource_schemas
from local_cloud.shared import private_names, refusals
from local_cloud.shared.wire import JsonObject, JsonValue

_SECTIONS = frozenset(
    {
        "AWSTemplateFormatVersion", "Conditions", "Description", "Hooks", "Mappings", "Metadata", "Outputs",
        "Parameters", "Resources", "Rules", "Transform",
    }
)  # fmt: skip
_MEMBERS = frozenset(
    {
        "Condition", "CreationPolicy", "DeletionPolicy", "DependsOn", "Metadata", "Properties", "Type",
        "UpdatePolicy", "UpdateReplacePolicy",
    }
)  # fmt: skip
_PSEUDO = frozenset(
    f"AWS::{name}"
    for name in (
        "AccountId", "NoValue", "NotificationARNs", "Partition", "Region", "StackId", "StackName", "URLSuffix",
    )
)  # fmt: skip
_PARAMETER_TYPE = re.compile(r"String|Number|CommaDelimitedList|List<Number>|(List<)?AWS::[\w:]+(<.+>)?>?")
_EXPORT_NAME = re.compile(r"[A-Za-z0-9:-]+")
_VARIABLE = re.compile(r"\$\{([^!][^}]*)\}")
_IF = "Fn::If"


@dataclass(frozen=True)
class _Reference:
    """What a function of a template names: `Ref`, `Fn::GetAtt`, `Fn::Sub`, `Fn::If`, or one that no export may have."""

    function: str
    name: str
    attribute: str = ""


def install() -> None:
    """Refuse in every request that brings a template; imports MiniStack's CloudFormation."""
    for check in (private_names.CFN_SUPPORT_OF_REQUESTS, private_names.CFN_SUPPORT_OF_CHANGES):
        check.wrap(_checked)
    for resolve in (private_names.CFN_PARAMETERS_OF_REQUESTS, private_names.CFN_PARAMETERS_OF_CHANGES):
        resolve.wrap(_with_declared)


def _checked(original: Callable[..., None]) -> Callable[..., None]:
    def checked(template: JsonObject, conditions: Mapping[str, bool], params: object = None) -> None:
        original(template, conditions, params=params)
        problem = next(problems(template, conditions), None)
        if problem:
            raise ValueError(problem)

    return checked


def _with_declared(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def resolved(template: JsonObject, provided: Sequence[Mapping[str, str]], previous: object = None) -> object:
        problem = parameters_problem(_section(template, "Parameters"), {item.get("Key", "") for item in provided})
        if problem:
            raise ValueError(problem)
        return resolve(template, provided, previous)

    return resolved


def parameters_problem(declared: JsonObject, provided: set[str]) -> str:
    """Return why CloudFormation takes no such parameters; '' where it does."""
    if unknown := sorted(provided - set(declared)):
        return refusals.PARAMETERS_UNKNOWN.text(names=", ".join(unknown))
    missing = [name for name, one in declared.items() if name not in provided and "Default" not in _object(one)]
    return refusals.PARAMETER_MISSING.text(names=", ".join(missing)) if missing else ""


def problems(template: JsonObject, conditions: Mapping[str, bool]) -> Iterator[str]:
    """Yield why CloudFormation takes no such template.

    Args:
        template: as it is after its transforms.
        conditions: what each is; one that is not there may be either.
    """
    if unknown := sorted(set(template) - _SECTIONS):
        yield refusals.TEMPLATE_SECTION.text(names=", ".join(unknown))
    resources, parameters = _section(template, "Resources"), _section(template, "Parameters")
    if not resources:
        yield refusals.NO_RESOURCES.text()
    for name, parameter in parameters.items():
        kind = str(_object(parameter).get("Type", ""))
        if not _PARAMETER_TYPE.fullmatch(kind):
            yield refusals.PARAMETER_TYPE.text(name=name, type=kind)
    for name, resource in resources.items():
        yield from _shape_problems(name, _object(resource))
    yield from _condition_problems(template)
    for section in ("Resources", "Outputs"):
        yield from _reference_problems(template, section, conditions)
    for name, output in _section(template, "Outputs").items():
        yield from _output_problems(name, _object(output), set(resources))
    yield from _cycles(resources, conditions)


def _shape_problems(name: str, resource: JsonObject) -> Iterator[str]:
    if not name.isalnum() or not name.isascii():
        yield refusals.RESOURCE_NAME.text(name=name)
    if "Type" not in resource:
        yield refusals.RESOURCE_WITHOUT_TYPE.text(name=name)
    for member in sorted(set(resource) - _MEMBERS):
        yield refusals.RESOURCE_MEMBER.text(member=member)


def _condition_problems(template: JsonObject) -> Iterator[str]:
    known = _section(template, "Conditions")
    for section in ("Conditions", "Resources", "Outputs"):
        for entry in _section(template, section).values():
            named = [one.name for one in _references(entry, {}) if one.function == _IF]
            # Inside Conditions, a condition names another one as an object of this one member.
            named += [str(value) for value in _values(entry, "Condition", deep=section == "Conditions")]
            for name in named:
                if name not in known:
                    yield refusals.CONDITION_MISSING.text(name=name, section=section)


def _reference_problems(template: JsonObject, section: str, conditions: Mapping[str, bool]) -> Iterator[str]:
    resources = _active(_section(template, "Resources"), conditions)
    named = {*resources, *_section(template, "Parameters"), *_PSEUDO}
    unresolved: list[str] = []
    for entry in _active(_section(template, section), conditions).values():
        for one in _references(entry, conditions):
            if one.function == "Fn::GetAtt" and one.name not in resources:
                yield refusals.ATTRIBUTE_OF_NOTHING.text(name=one.name)
            elif one.function == "Fn::GetAtt" and not _tells(resources[one.name], one.attribute):
                yield refusals.ATTRIBUTE_UNKNOWN.text(name=one.name, attribute=one.attribute)
            elif (
                one.function == "Fn::Sub"
                and one.attribute
                and not (one.name in resources and _tells(resources[one.name], one.attribute))
            ):
                yield refusals.SUBSTITUTE_OF_NOTHING.text(name=one.name, attribute=one.attribute)
            elif one.function in {"Ref", "Fn::Sub"} and one.name not in named:
                unresolved.append(one.name)
        unresolved += [name for name in _depends_on(entry) if name not in _section(template, "Resources")]
    if unresolved:
        yield refusals.REFERENCE_TO_NOTHING.text(names=", ".join(dict.fromkeys(unresolved)), section=section)


def _tells(resource: JsonValue, attribute: str) -> bool:
    # An attribute that a function names, and a type that is not in the table, are not looked at.
    schema = resource_schemas().get(str(_object(resource).get("Type")))
    return not attribute or schema is None or schema.tells(attribute)


def _output_problems(name: str, output: JsonObject, resources: set[str]) -> Iterator[str]:
    if output.get("Value") is None:
        yield refusals.OUTPUT_WITHOUT_VALUE.text()
    if "Export" not in output:
        return
    export = _object(output["Export"]).get("Name")
    if export is None or (isinstance(export, str) and not _EXPORT_NAME.fullmatch(export)):
        yield refusals.EXPORT_NAME.text(name=name)
    if any(
        one.name in resources or one.function in {"Fn::ImportValue", "Fn::GetAZs"} for one in _references(export, {})
    ):
        yield refusals.EXPORT_NAME_DEPENDS.text(name=name)


def _cycles(resources: JsonObject, conditions: Mapping[str, bool]) -> Iterator[str]:
    active = _active(resources, conditions)
    graph = {
        name: {one.name for one in _references(entry, conditions) if one.name in active} | set(_depends_on(entry))
        for name, entry in active.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        yield refusals.CYCLE.text(names=", ".join(sorted(set(cycle.args[1]))))


def _references(value: JsonValue, conditions: Mapping[str, bool]) -> Iterator[_Reference]:
    """Yield what a value's functions name; a branch of Fn::If that is not taken names nothing."""
    if isinstance(value, list):
        for item in value:
            yield from _references(item, conditions)
    if not isinstance(value, Mapping):
        return
    function, argument = next(iter(value.items())) if len(value) == 1 else ("", None)
    parts = argument if isinstance(argument, list) else [argument]
    yield from _named(function, parts)
    if function == _IF:
        taken = conditions.get(str(parts[0]))
        branches = zip((True, False), parts[1:], strict=False)
        yield from _references([part for when, part in branches if taken in {None, when}], conditions)
    else:
        for item in value.values():
            yield from _references(item, conditions)


def _named(function: str, parts: list[JsonValue]) -> Iterator[_Reference]:
    """Yield what one function names by itself."""
    if function in {"Ref", _IF}:
        yield _Reference(function, str(parts[0]))
    elif function in {"Fn::ImportValue", "Fn::GetAZs"}:
        yield _Reference(function, "")
    elif function == "Fn::GetAtt":
        name, _, attribute = str(parts[0]).partition(".")
        yield _Reference(function, name, attribute or (parts[-1] if isinstance(parts[-1], str) else ""))
    elif function == "Fn::Sub":
        given = _object(parts[1]) if len(parts) > 1 else {}
        for variable in _VARIABLE.findall(str(parts[0])):
            if variable not in given:
                yield _Reference(function, *variable.split(".", 1))


def _values(entry: JsonValue, member: str, *, deep: bool) -> Iterator[JsonValue]:
    if isinstance(entry, Mapping):
        if member in entry:
            yield entry[member]
        for item in entry.values() if deep else ():
            yield from _values(item, member, deep=deep)
    elif isinstance(entry, list) and deep:
        for item in entry:
            yield from _values(item, member, deep=deep)


def _depends_on(entry: JsonValue) -> list[str]:
    named = _object(entry).get("DependsOn", [])
    return [str(name) for name in (named if isinstance(named, list) else [named])]


def _active(entries: JsonObject, conditions: Mapping[str, bool]) -> JsonObject:
    return {
        name: entry for name, entry in entries.items() if conditions.get(str(_object(entry).get("Condition", "")), True)
    }


def _section(template: JsonObject, name: str) -> JsonObject:
    return _object(template.get(name))


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, Mapping) else {}
