"""What every synth is held against: five public packs of rules, and the project's own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
import cdk_nag
import jsii

from rules.engine import ALL_RULES, Template, check_all
from rules.model import mapping, objects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules.engine import Finding

_PACKS: Final = (
    cdk_nag.AwsSolutionsChecks,
    cdk_nag.NIST80053R5Checks,
    cdk_nag.HIPAASecurityChecks,
    cdk_nag.PCIDSS321Checks,
    cdk_nag.ServerlessChecks,
)
OWN_RULES: Final = "TopicModelRules"
OPEN_FINDINGS: Final = "open-findings.json"
"""Where a stage that is not hardened tells, beside its templates, what the packs find in it."""


def hold_to_policies(app: cdk.App, *, stage: str, hardened: bool) -> None:
    """Have the packs and the own rules look at `app` when it is synthesized.

    The own rules always fail the synth. The packs fail a hardened stage's; another's they only tell of, in a file, as
    its settings leave out on purpose what costs money.
    """
    packs = [pack(app) for pack in _PACKS]
    checks = packs if hardened else [AdvisoryPacks(packs, app, stage)]
    cdk.Validations.of(app).add_plugins(OwnRules(), *checks)


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
class AdvisoryPacks:
    """The packs on a stage that does not promise to be clean of findings."""

    def __init__(self, packs: Sequence[cdk_nag.NagPack], app: cdk.App, stage: str) -> None:
        self._packs, self._app, self._stage = packs, app, stage

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
            {"rule": violation.rule_name, "construct": str(place.construct_path)}
            for pack in self._packs
            for violation in pack.validate_scope(self._app).violations
            for place in violation.violating_resources
            if (str(place.construct_path), violation.rule_name) not in acknowledged
        ]
        file = Path(context.template_paths[0]).parent / OPEN_FINDINGS
        file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(
            f"synth: stage {self._stage} is not hardened: {len(found)} findings stand, in {file.name}", file=sys.stderr
        )
        return cdk.PolicyValidationPluginReport(success=True, violations=[])


def _acknowledged(template_paths: Sequence[str]) -> set[tuple[str, str]]:
    """Return what the templates acknowledge: paths of constructs, and rules."""
    found = set()
    for file in template_paths:
        for resource in Template(file, json.loads(Path(file).read_text(encoding="utf-8"))).resources():
            metadata = mapping(resource.body.get("Metadata"))
            for entry in objects(mapping(metadata.get("cdk_nag")).get("rules_to_suppress")):
                found.add((str(metadata.get("aws:cdk:path")), str(entry.get("id"))))
    return found
