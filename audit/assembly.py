"""What is audited: the templates of one synth, with the lines of what they say, and the packs' report."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from audit.lines import line_index
from audit.tables import Place
from rules.model import JsonValue, Resource, Template, items, mapping, objects

SUFFIX: Final = ".template.json"
REPORT: Final = "validation-report.json"
PACK_FINDINGS: Final = "pack-findings.json"
"""What the packs find in a stage that is not hardened: its report has no place for what fails nothing."""
OWN: Final = "TopicModelRules"
_ASKED_ELSEWHERE: Final = {OWN, "AdvisoryPacks"}
"""What a failed synth's report repeats: the audit asks the own rules itself, and reads PACK_FINDINGS."""


class AuditError(Exception):
    """What is asked for cannot be audited; one sentence for whoever asked."""


@dataclass(frozen=True)
class Judged:
    """What a pack says of one construct."""

    rule: str
    construct: str
    message: str
    reason: str | None
    """Why it is acknowledged, or None where it is not."""


@dataclass(frozen=True)
class Assembly:
    """The templates of one synth."""

    templates: tuple[Template, ...]
    texts: Mapping[str, str]
    lines: Mapping[str, Mapping[tuple[str, ...], int]]
    packs: Mapping[str, tuple[Judged, ...]] | None
    """What each pack says; None where the synth wrote no report."""
    told: Mapping[str, tuple[str, JsonValue]]
    """Which stack writes what into which SSM parameter."""

    @property
    def hardened(self) -> bool:
        """Whether every template is of a hardened stage."""
        return all(template.hardened for template in self.templates)

    @property
    def start(self) -> Place:
        """The place of what is about no resource: the first line of the first template."""
        return self.place(self.templates[0].stack, "")

    def template(self, stack: str) -> Template:
        """Return a stack's template."""
        return next(template for template in self.templates if template.stack == stack)

    def resources(self, *types: str) -> Iterator[tuple[str, Resource]]:
        """Return resources of these types, or all, each with its stack."""
        for template in self.templates:
            for resource in template.resources(*types):
                yield template.stack, resource

    def resource(self, where: tuple[str, str]) -> Resource | None:
        """Return the resource of a stack and logical id, or None."""
        return self.template(where[0]).resource(where[1])

    def place(self, stack: str, logical_id: str, path: str = "") -> Place:
        """Return the line of what `path` leads to from a resource, parameter or output, or of what is nearest to it."""
        known = self.lines[stack]
        parts = tuple(part for part in path.split("/") if part)
        for section in ("Resources", "Parameters", "Outputs"):
            if logical_id and (section, logical_id) in known:
                return Place(stack, _nearest(known, (section, logical_id, *parts)), logical_id)
        return Place(stack, _nearest(known, parts), logical_id)

    def references(self, stack: str, value: JsonValue) -> list[tuple[str, str]]:
        """Return the resources (stack, logical id) that a value refers to, in this or another stack."""
        if isinstance(value, list):
            return [reference for item in value for reference in self.references(stack, item)]
        known = mapping(value)
        if parameter := self._told(stack, known.get("Ref")):
            return self.references(*parameter)
        target = known.get("Ref") or (items(known.get("Fn::GetAtt")) or [None])[0]
        if isinstance(target, str):
            return [(stack, target)] if self.template(stack).resource(target) else []
        return [reference for part in known.values() for reference in self.references(stack, part)]

    def flat(self, stack: str, value: JsonValue) -> str:
        """Return a value as one reads it: references by the name of what they refer to."""
        if isinstance(value, list):
            return ", ".join(self.flat(stack, item) for item in value)
        known = mapping(value)
        if not known:
            return re.sub(r"\b[0-9a-f]{64}\b", "<hash>", str(value)) if value is not None else ""
        function, argument = next(iter(known.items()))
        parts = items(argument)
        match function:
            case "Fn::Join":
                text = str(parts[0]).join(self.flat(stack, part) for part in items(parts[1]))
            case "Fn::GetAtt":
                text = "<" + ".".join(str(part) for part in parts).removesuffix(".Arn") + ">"
            case "Fn::FindInMap":
                text = "<" + " of ".join(self.flat(stack, part).strip("<>") for part in parts[::-1]) + ">"
            case "Fn::Select" if "Fn::Split" in mapping(parts[1]):
                [_, whole] = items(mapping(parts[1])["Fn::Split"])
                text = f"<part {parts[0]} of {self.flat(stack, whole).strip('<>')}>"
            case "Fn::Sub":
                text = self.flat(stack, parts[0])
            case "Ref":
                parameter = self._told(stack, argument)
                text = self.flat(*parameter) if parameter else f"<{argument}>"
            case _:
                text = json.dumps(value, sort_keys=True)
        return text

    def _told(self, stack: str, name: JsonValue) -> tuple[str, JsonValue] | None:
        """Return what a stack's parameter reads that another stack writes, with that stack; or None."""
        parameter = mapping(mapping(self.template(stack).body.get("Parameters")).get(str(name)))
        return self.told.get(str(parameter.get("Default")))


def _nearest(known: Mapping[tuple[str, ...], int], path: tuple[str, ...]) -> int:
    while path not in known:
        path = path[:-1]
    return known[path]


def read(folder: Path) -> Assembly:
    """Read the templates and the report of a cdk.out.

    Raises:
        AuditError: there are no templates in `folder`, or one is no JSON.
    """
    files = sorted(folder.glob(f"*{SUFFIX}"))
    if not files:
        raise AuditError(f"there are no templates in {folder}: synthesize a stage into it first")
    texts = {file.name.removesuffix(SUFFIX): file.read_text(encoding="utf-8") for file in files}
    packs = {
        **_packs(_json(folder / REPORT)),
        **{
            pack: tuple(Judged(**finding) for finding in findings)
            for pack, findings in _json(folder / PACK_FINDINGS).items()
        },
    }
    return assemble(texts, packs or None)


def _json(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}
    except ValueError as error:
        raise AuditError(f"{file} is no JSON object: {error}") from error


def assemble(texts: Mapping[str, str], packs: Mapping[str, tuple[Judged, ...]] | None) -> Assembly:
    """Make an Assembly of the templates' texts."""
    try:
        templates = tuple(Template(stack, json.loads(text)) for stack, text in texts.items())
    except ValueError as error:
        raise AuditError(f"a template is no JSON: {error}") from error
    parameters = {
        str(parameter.get("Name")): (template.stack, parameter.get("Value"))
        for template in templates
        for parameter in template.resources("AWS::SSM::Parameter")
    }
    return Assembly(templates, texts, {stack: line_index(text) for stack, text in texts.items()}, packs, parameters)


def _packs(report: JsonValue) -> dict[str, tuple[Judged, ...]]:
    return {
        str(plugin.get("pluginName")): tuple(
            Judged(
                str(violation.get("ruleName")),
                str(place.get("constructPath")),
                str(violation.get("description")),
                str(violation.get("reason")) if kind == "suppressedViolations" else None,
            )
            for kind in ("violations", "suppressedViolations")
            for violation in objects(plugin.get(kind))
            for place in objects(violation.get("violatingConstructs"))
        )
        for plugin in objects(mapping(report).get("pluginReports"))
        if plugin.get("pluginName") not in _ASKED_ELSEWHERE
    }


def construct_path(resource: Resource) -> str:
    """Return the path of the construct that made a resource, as the packs name it."""
    return str(mapping(resource.body.get("Metadata")).get("aws:cdk:path"))
