"""What every synth is held against: five public packs of rules, and the project's own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
import jsii

from rules.engine import ALL_RULES, Template, check_all
from rules.model import items, mapping, objects
from stacks.checks.remembered import question
from stacks.shared.acknowledgments import PACKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rules.engine import Finding
    from rules.model import JsonValue
    from stacks.checks.remembered import Remembered

OWN_RULES: Final = "TopicModelRules"
OPEN_FINDINGS: Final = "open-findings.json"
"""Where a stage that is not hardened tells, beside its templates, what the packs find in it."""


def hold_to_policies(app: cdk.App, *, stage: str, hardened: bool, remembered: Remembered) -> None:
    """Have the packs and the own rules look at `app` when it is synthesized.

    The own rules always fail the synth. The packs fail a hardened stage's; another's they only tell of, in a file, as
    its settings leave out on purpose what costs money. What the packs said of the same templates is not asked again.
    """
    packs = Packs(app, remembered)
    checks = [HardPack(name, packs) for name in PACKS] if hardened else [AdvisoryPacks(packs, stage)]
    cdk.Validations.of(app).add_plugins(OwnRules(), *checks)


class Packs:
    """What the public packs find in an app, with a memory of it.

    A rule sees the resources of one stack and what is acknowledged of them, and the template has both.
    """

    def __init__(self, app: cdk.App, remembered: Remembered) -> None:
        self._app, self._remembered = app, remembered
        self._violations: Mapping[str, JsonValue] = {}

    def violations(self, context: cdk.IPolicyValidationContext) -> dict[str, list[Mapping[str, JsonValue]]]:
        """Return each pack's violations, by its name, also those that are acknowledged."""
        if not self._violations:
            asked = question(context, "aws-cdk-lib", "cdk-nag")
            known = mapping(self._remembered.answer(asked))
            if tuple(known) != PACKS:
                known = self._asked()
                self._remembered.remember(asked, known)
            self._violations = known
        return {name: objects(violations) for name, violations in self._violations.items()}

    def _asked(self) -> dict[str, JsonValue]:
        # Node takes a while to load the packs, and most synths do without.
        import cdk_nag  # noqa: PLC0415

        packs: tuple[cdk_nag.NagPack, ...] = (
            cdk_nag.AwsSolutionsChecks(self._app),
            cdk_nag.NIST80053R5Checks(self._app),
            cdk_nag.HIPAASecurityChecks(self._app),
            cdk_nag.PCIDSS321Checks(self._app),
            cdk_nag.ServerlessChecks(self._app),
        )
        return {
            name: [
                {
                    "rule": violation.rule_name,
                    "description": violation.description,
                    "severity": violation.severity,
                    "constructs": [place.construct_path for place in violation.violating_resources],
                }
                for violation in pack.validate_scope(self._app).violations
            ]
            for name, pack in zip(PACKS, packs, strict=True)
        }


@jsii.implements(cdk.IPolicyValidationPlugin)
class OwnRules:
    """The rules in `rules/`, as CDK runs them."""

    @property
    def name(self) -> str:
        """The plugin's name in the report."""
        return OWN_RULES

    @property
    def version(self) -> str | None:
        """None: the rules are of the same commit as the stacks."""
        return None

    @property
    def rule_ids(self) -> list[str]:
        """What is checked."""
        return [rule.id for rule in ALL_RULES]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Check every template."""
        found: list[cdk.PolicyViolation] = []
        for file in sorted(context.template_paths):
            template = Template(
                Path(file).name.removesuffix(".template.json"), json.loads(Path(file).read_text(encoding="utf-8"))
            )
            found.extend(_violation(finding, file) for finding in check_all([template]))
        return cdk.PolicyValidationPluginReport(success=not found, violations=found)


def _violation(finding: Finding, file: str) -> cdk.PolicyViolation:
    return cdk.PolicyViolation(
        rule_name=finding.rule_id,
        description=finding.message,
        severity="error",
        violating_resources=[
            cdk.PolicyViolatingResource(
                resource_logical_id=finding.logical_id, template_path=file, locations=[finding.path]
            )
        ],
    )


@jsii.implements(cdk.IPolicyValidationPlugin)
class HardPack:
    """A pack on a stage that promises to be clean of findings."""

    def __init__(self, name: str, packs: Packs) -> None:
        self._name, self._packs = name, packs

    @property
    def name(self) -> str:
        """The plugin's name in the report, by which findings are acknowledged: the pack's."""
        return self._name

    @property
    def version(self) -> str | None:
        """None: the packs do not tell."""
        return None

    @property
    def rule_ids(self) -> list[str] | None:
        """None: the packs do not tell."""
        return None

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Tell what the pack finds."""
        violations = [
            cdk.PolicyViolation(
                rule_name=str(violation["rule"]),
                description=str(violation["description"]),
                severity=str(violation["severity"]),
                violating_resources=[
                    cdk.PolicyViolatingResource(construct_path=path, locations=["Properties"])
                    for path in _constructs(violation)
                ],
            )
            for violation in self._packs.violations(context)[self._name]
        ]
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)


@jsii.implements(cdk.IPolicyValidationPlugin)
class AdvisoryPacks:
    """The packs on a stage that does not promise to be clean of findings."""

    def __init__(self, packs: Packs, stage: str) -> None:
        self._packs, self._stage = packs, stage

    @property
    def name(self) -> str:
        """The plugin's name in the report."""
        return "AdvisoryPacks"

    @property
    def version(self) -> str | None:
        """None: the packs have versions of their own."""
        return None

    @property
    def rule_ids(self) -> list[str] | None:
        """None: the packs do not tell."""
        return None

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Write what the packs find beside the templates, and say how much it is."""
        acknowledged = _acknowledged(context.template_paths)
        found = [
            {"rule": str(violation["rule"]), "construct": path}
            for violations in self._packs.violations(context).values()
            for violation in violations
            for path in _constructs(violation)
            if (path, str(violation["rule"])) not in acknowledged
        ]
        file = Path(context.template_paths[0]).parent / OPEN_FINDINGS
        file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(
            f"synth: stage {self._stage} is not hardened: {len(found)} findings stand, in {file.name}", file=sys.stderr
        )
        return cdk.PolicyValidationPluginReport(success=True, violations=[])


def _constructs(violation: Mapping[str, JsonValue]) -> list[str]:
    return [str(path) for path in items(violation["constructs"])]


def _acknowledged(template_paths: Sequence[str]) -> set[tuple[str, str]]:
    """Return what the templates acknowledge: paths of constructs, and rules."""
    found = set()
    for file in template_paths:
        for resource in Template(file, json.loads(Path(file).read_text(encoding="utf-8"))).resources():
            metadata = mapping(resource.body.get("Metadata"))
            for entry in objects(mapping(metadata.get("cdk_nag")).get("rules_to_suppress")):
                found.add((str(metadata.get("aws:cdk:path")), str(entry.get("id"))))
    return found
