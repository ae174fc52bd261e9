"""What rules look at and what they say: templates, resources, findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"

STAGE_METADATA: Final = "TopicModelStage"
"""Where in a template's Metadata a stack says whose stage it is of, and whether that stage is hardened."""


@dataclass(frozen=True)
class Finding:
    """One place that breaks one rule. `path` leads there from the resource, its parts separated by slashes."""

    rule_id: str
    stack: str
    logical_id: str
    path: str
    message: str


@dataclass(frozen=True)
class Resource:
    """One resource of a template."""

    logical_id: str
    body: Mapping[str, JsonValue]

    @property
    def type(self) -> str:
        """Its CloudFormation type."""
        return str(self.body.get("Type"))

    @property
    def properties(self) -> Mapping[str, JsonValue]:
        """Its properties."""
        return mapping(self.body.get("Properties"))

    def get(self, *path: str) -> JsonValue:
        """Return the property that `path` leads to, or None where there is none."""
        value: JsonValue = dict(self.properties)
        for part in path:
            value = mapping(value).get(part)
        return value

    def metadata(self, *path: str) -> JsonValue:
        """Return what `path` leads to in its metadata, or None where there is nothing."""
        value = self.body.get("Metadata")
        for part in path:
            value = mapping(value).get(part)
        return value


@dataclass(frozen=True)
class Template:
    """The synthesized template of one stack."""

    stack: str
    body: Mapping[str, JsonValue]

    def resources(self, *types: str) -> Iterator[Resource]:
        """Return the resources of these types, or all, in the template's order."""
        for resource in self._resources:
            if not types or resource.type in types:
                yield resource

    @cached_property
    def _resources(self) -> tuple[Resource, ...]:
        """Every resource: each of the many rules looks through them."""
        resources = mapping(self.body.get("Resources"))
        return tuple(Resource(logical_id, mapping(body)) for logical_id, body in resources.items())

    def resource(self, logical_id: str) -> Resource | None:
        """Return the resource of that logical id, or None."""
        body = mapping(self.body.get("Resources")).get(logical_id)
        return None if body is None else Resource(logical_id, mapping(body))

    @property
    def hardened(self) -> bool:
        """Whether the stage promises what an auditor signs: then the rules that cost money hold too."""
        return mapping(mapping(self.body.get("Metadata")).get(STAGE_METADATA)).get("Hardened") is True


@dataclass(frozen=True)
class Fault:
    """What a rule's check says of one place; the engine makes a Finding of it."""

    logical_id: str
    path: str
    message: str


@dataclass(frozen=True)
class Rule:
    """One thing that must hold of a template."""

    id: str
    title: str
    """What holds, in one sentence."""
    why: str
    """What could happen otherwise."""
    check: Callable[[Template], list[Finding]]


def rule(rule_id: str, title: str, why: str) -> Callable[[Callable[[Template], Iterator[Fault]]], Rule]:
    """Make a Rule of a function that yields the faults of a template."""

    def make(faults: Callable[[Template], Iterator[Fault]]) -> Rule:
        def check(template: Template) -> list[Finding]:
            return [
                Finding(rule_id, template.stack, fault.logical_id, fault.path, fault.message)
                for fault in faults(template)
            ]

        return Rule(rule_id, title, why, check)

    return make


def mapping(value: JsonValue | Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """Return `value` if it is an object, or else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: JsonValue) -> list[JsonValue]:
    """Return a list as it is, nothing for None, and anything else as a list of one: IAM allows both."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def objects(value: JsonValue) -> list[Mapping[str, JsonValue]]:
    """Return the objects in a list."""
    return [item for item in items(value) if isinstance(item, Mapping)]


def reference(value: JsonValue) -> str | None:
    """Return the logical id that a Ref or an Fn::GetAtt names, or None."""
    known = mapping(value)
    if isinstance(known.get("Ref"), str):
        return str(known["Ref"])
    attribute = known.get("Fn::GetAtt")
    return str(attribute[0]) if isinstance(attribute, list) and attribute else None


def own_disks(instance_type: JsonValue) -> bool:
    """Tell whether hosts of a type encrypt NVMe disks of their own, and so refuse a key."""
    parts = str(instance_type).split(".")
    if len(parts) != 3:  # noqa: PLR2004 (ml, family, size)
        return False
    return parts[1] in {"g4dn", "g5"} or (parts[1][0] not in "dp" and parts[1].rstrip("n").endswith("d"))
