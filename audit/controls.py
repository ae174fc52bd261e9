"""The control matrix: what each control asks for, where it is set, which rule checks that, and what the rule says."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from audit.assembly import Assembly, construct_path
from audit.ratings import bare, is_own, pack_of
from audit.stores import tls_denial
from audit.tables import Place, Row, Table
from rules.engine import ALL_RULES, Finding, check_all
from rules.model import STAGE_METADATA, Resource, Template, mapping

SOURCE: Final = Path(__file__).parent / "controls.csv"
PASS, FINDING, ACKNOWLEDGED, NOT_CHECKED = "pass", "finding", "acknowledged", "not checked"
OUTCOMES: Final = (FINDING, ACKNOWLEDGED, PASS, NOT_CHECKED)
"""From what weighs most: a control has the first of these that one of its rows has."""
RETIRED: Final = {
    "PCI DSS 3.2.1": "retired on 31 March 2024; PCI DSS 4.0.1 is in force, and cdk-nag has no pack for it"
}
_POLICY: Final = "TLS denial"


@dataclass(frozen=True)
class Control:
    """One control of one framework, and one rule that checks some of it."""

    framework: str
    control: str
    requirement: str
    resource_type: str
    """The type of the resources that the rule looks at; behind a #, the call that a state machine must make."""
    property: str
    rule: str
    mapped_by: str
    source: str


@dataclass(frozen=True)
class Verdict:
    """What a rule says of one resource."""

    outcome: str
    reason: str
    place: Place


def load(file: Path = SOURCE) -> tuple[Control, ...]:
    """Return the controls of the source table."""
    with file.open(encoding="utf-8", newline="") as stream:
        return tuple(Control(**row) for row in csv.DictReader(stream))


class Judge:
    """What the rules say of an assembly; every rule is asked once."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        # Rules of hardened stages say nothing of another stage: a pass of theirs would be none.
        strict = check_all(_as_hardened(template) for template in assembly.templates)
        self.findings: tuple[Finding, ...] = tuple(dict.fromkeys((*check_all(assembly.templates), *strict)))
        self._own = {rule.id for rule in ALL_RULES}
        self._known: dict[tuple[str, str, str], tuple[Verdict, ...]] = {}

    def verdicts(self, rule: str, resource_type: str, path: str) -> tuple[Verdict, ...]:
        """Return what `rule` says of every resource of a type; nothing if there is no such rule or resource."""
        key = (rule, resource_type, path)
        if key not in self._known:
            kind, _, starts = resource_type.partition("#")
            self._known[key] = tuple(
                self._verdict(rule, stack, resource, path)
                for stack, resource in (self.assembly.resources(kind) if kind else ())
                if starts in str(resource.get("DefinitionString"))
            )
        return self._known[key]

    def _verdict(self, rule: str, stack: str, resource: Resource, path: str) -> Verdict:
        place = self._place(stack, resource, path)
        if is_own(rule):
            return self._own_verdict(rule, stack, resource, place)
        pack, packs = pack_of(rule), self.assembly.packs
        if packs is None or pack not in packs:
            return Verdict(NOT_CHECKED, f"no report of {pack} came with the templates", place)
        said = [
            judged
            for judged in packs[pack]
            if judged.construct == construct_path(resource) and bare(judged.rule) == rule
        ]
        open_ = [judged for judged in said if judged.reason is None]
        if open_:
            return Verdict(FINDING, open_[0].message, place)
        return Verdict(ACKNOWLEDGED, str(said[0].reason), place) if said else Verdict(PASS, "", place)

    def _own_verdict(self, rule: str, stack: str, resource: Resource, place: Place) -> Verdict:
        if rule not in self._own:
            return Verdict(NOT_CHECKED, f"there is no rule {rule}", place)
        for finding in self.findings:
            if finding.rule_id != rule or finding.stack != stack:
                continue
            about = self.assembly.resource((stack, finding.logical_id))
            if finding.logical_id == resource.logical_id or about is None or about.type != resource.type:
                return Verdict(FINDING, finding.message, place)
        return Verdict(PASS, "", place)

    def _place(self, stack: str, resource: Resource, path: str) -> Place:
        if path == _POLICY:
            denial = tls_denial(self.assembly, (stack, resource.logical_id))
            if denial is not None:
                return denial
        inner = path if path == "DeletionPolicy" else f"Properties/{path}"
        return self.assembly.place(stack, resource.logical_id, inner)


def _as_hardened(template: Template) -> Template:
    metadata = dict(mapping(template.body.get("Metadata")))
    metadata[STAGE_METADATA] = {**mapping(metadata.get(STAGE_METADATA)), "Hardened": True}
    return replace(template, body={**template.body, "Metadata": metadata})


def matrix(controls: tuple[Control, ...], judge: Judge, start: Place) -> Table:
    """Return the whole matrix, a row a control, rule and resource. A control without a verdict is not checked."""
    rows = [
        Row(
            (
                control.framework,
                control.control,
                control.requirement,
                control.property,
                control.rule,
                verdict.outcome,
                verdict.reason,
                control.mapped_by,
                control.source,
            ),
            verdict.place,
        )
        for control in controls
        for verdict in judge.verdicts(control.rule, control.resource_type, control.property)
        or (Verdict(NOT_CHECKED, _unchecked(control), start),)
    ]
    columns = ("framework", "control", "requirement", "property", "rule", "outcome", "reason", "mapped by", "source")
    about = (
        "What each control asks for, where it is set, which rule checks it and what that says. A pass is the rule's "
        "pass, of that property of that resource; it is no statement that the control as a whole is met. "
        "Mapped by says who matched rule and control."
    )
    return Table("controls", "Controls", about, columns, tuple(rows))


def _unchecked(control: Control) -> str:
    return f"there is no {control.resource_type} in the templates" if control.rule else "no rule checks it"


def by_control(table: Table) -> Mapping[tuple[str, str], str]:
    """Return the outcome of each control (framework, id): a finding or an acknowledgment outweighs passes."""
    outcomes: dict[tuple[str, str], str] = {}
    for row in table.rows:
        control = (row.cells[0], row.cells[1])
        outcomes[control] = min(row.cells[5], outcomes.get(control, NOT_CHECKED), key=OUTCOMES.index)
    return outcomes


def totals(table: Table) -> Mapping[str, Mapping[str, int]]:
    """Return how many controls of each framework have which outcome."""
    counts: dict[str, dict[str, int]] = {}
    for (framework, _), outcome in by_control(table).items():
        counts.setdefault(framework, dict.fromkeys(OUTCOMES, 0))[outcome] += 1
    return counts
