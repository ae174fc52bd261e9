"""The policies of a synthesized stage, evaluated: what the emulator does not enforce is held against the templates."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rules.identity import statements
from rules.model import JsonValue, Template, items, mapping
from tests.templates.conftest import Templates

_BUCKET = re.compile(r"^arn:<AWS::Partition>:s3:::(?=<)")


def _inlined(value: Any, told: Mapping[str, JsonValue]) -> Any:
    """A part of a template, with what the data stack tells in the place of the parameters that read it."""
    if isinstance(value, list):
        return [_inlined(item, told) for item in value]
    known = mapping(value)
    if str(known.get("Ref")) in told:
        return told[str(known["Ref"])]
    return {name: _inlined(part, told) for name, part in known.items()} if isinstance(value, dict) else value


def inlined(templates: Templates) -> list[Template]:
    """The templates of a stage, with what the data stack tells in the place of the parameters that read it."""
    bodies: dict[str, dict[str, Any]] = {part: dict(template.to_json()) for part, template in templates.items()}
    written = {
        resource.get("Name"): resource.get("Value")
        for resource in Template("data", bodies["data"]).resources("AWS::SSM::Parameter")
    }
    return [
        Template(
            part,
            mapping(
                _inlined(
                    body,
                    {
                        name: written[parameter["Default"]]
                        for name, parameter in body.get("Parameters", {}).items()
                        if parameter.get("Default") in written
                    },
                )
            ),
        )
        for part, body in bodies.items()
    ]


def flat(value: JsonValue) -> str:
    """An ARN, or another value, as text: references by the logical id of what they refer to, in whichever stack."""
    known = mapping(value)
    if "Fn::Join" in known:
        separator, parts = items(known["Fn::Join"])
        # A bucket by its ARN is the bucket.
        return _BUCKET.sub("", str(separator).join(flat(part) for part in items(parts)))
    if "Fn::GetAtt" in known:
        return "<" + str(items(known["Fn::GetAtt"])[0]) + ">"
    return f"<{known['Ref']}>" if "Ref" in known else str(value)


@dataclass(frozen=True, order=True)
class Right:
    """One action on one ARN, which may end in a wildcard."""

    action: str
    resource: str

    def covers(self, need: Right) -> bool:
        """Tell whether whoever has this right may do what is needed."""
        return self.action == need.action and fnmatch.fnmatchcase(need.resource, self.resource)


class Stage:
    """The resources and rights of all three templates of a stage."""

    def __init__(self, templates: Templates) -> None:
        self._templates = inlined(templates)

    def resources(self, kind: str) -> Iterator[tuple[str, dict[str, JsonValue]]]:
        """The logical ids and properties of every resource of a type."""
        for template in self._templates:
            for resource in template.resources(kind):
                yield resource.logical_id, dict(resource.properties)

    def roles(self) -> list[str]:
        """The logical ids of the roles."""
        return [name for name, _ in self.resources("AWS::IAM::Role")]

    def rights(self, role: str) -> set[Right]:
        """What a role may do, by all of its policies."""
        policies = {
            name: [flat(each) for each in items(properties.get("Roles"))]
            for name, properties in self.resources("AWS::IAM::ManagedPolicy")
        }
        return {
            Right(action, flat(resource))
            for template in self._templates
            for statement in statements(template)
            if f"<{role}>" in policies[statement.logical_id]
            for action in statement.actions
            for resource in items(statement.body.get("Resource"))
        }

    def conditions(self, role: str, action: str) -> list[dict[str, JsonValue]]:
        """The conditions under which a role may do something, one a statement."""
        policies = {
            name: [flat(each) for each in items(properties.get("Roles"))]
            for name, properties in self.resources("AWS::IAM::ManagedPolicy")
        }
        return [
            dict(statement.condition)
            for template in self._templates
            for statement in statements(template)
            if f"<{role}>" in policies[statement.logical_id] and action in statement.actions
        ]
