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

EVERY_STAGE: Final = frozenset(
    {
        "AwsSolutions-IAM4",
        "AwsSolutions-KMS5",
        "AwsSolutions-L1",
        "AwsSolutions-S1",
        "AwsSolutions-S10",
        "AwsSolutions-SF1",
        "AwsSolutions-SF2",
        "AwsSolutions-SQS4",
        "NIST.800.53.R5-CloudWatchAlarmAction",
        "NIST.800.53.R5-CloudWatchLogGroupEncrypted",
        "NIST.800.53.R5-IAMNoInlinePolicy",
        "NIST.800.53.R5-S3BucketLevelPublicAccessProhibited",
        "NIST.800.53.R5-S3BucketVersioningEnabled",
        "NIST.800.53.R5-SNSEncryptedKMS",
        "Serverless-EventBusDLQ",
    }
)
"""Rules of the packs that no stage breaks, hardened or not: none of them costs money worth saving."""
OWN_RULES: Final = "TopicModelRules"
PACK_FINDINGS: Final = "pack-findings.json"
"""Where a stage that is not hardened lists, beside its templates, what each pack finds in it: objects with rule,
construct, message, and reason, which is null where nothing acknowledges the finding."""


def hold_to_policies(app: cdk.App, *, stage: str, hardened: bool, remembered: Remembered) -> None:
    """Have the packs and the own rules look at `app` when it is synthesized.

    The own rules always fail the synth. The packs fail a hardened stage's; of another's, only the rules EVERY_STAGE do.
    The rest they list in a file, as its settings leave out on purpose what costs money. What the packs said of the same
    templates is not asked again.
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
        violations: list[cdk.PolicyViolation] = []
        for file in sorted(context.template_paths):
            template = Template(
                Path(file).name.removesuffix(".template.json"), json.loads(Path(file).read_text(encoding="utf-8"))
            )
            violations.extend(_violation(finding, file) for finding in check_all([template]))
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)


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
            _pack_violation(violation, _constructs(violation))
            for violation in self._packs.violations(context)[self._name]
        ]
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)


@jsii.implements(cdk.IPolicyValidationPlugin)
class AdvisoryPacks:
    """The packs on a stage that is not hardened: only the rules EVERY_STAGE fail it."""

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
        reports = self._packs.violations(context)
        findings = {
            name: [
                {
                    "rule": str(violation["rule"]),
                    "construct": path,
                    "message": str(violation["description"]),
                    "reason": acknowledged.get((path, str(violation["rule"]))),
                }
                for violation in violations
                for path in _constructs(violation)
            ]
            for name, violations in reports.items()
        }
        file = Path(context.template_paths[0]).parent / PACK_FINDINGS
        file.write_text(json.dumps(findings, indent=1) + "\n", encoding="utf-8")
        count = sum(finding["reason"] is None for pack in findings.values() for finding in pack)
        print(f"synth: stage {self._stage} is not hardened: {count} findings stand, in {file.name}", file=sys.stderr)
        failing = [
            _pack_violation(violation, paths)
            for violations in reports.values()
            for violation in violations
            if str(violation["rule"]).partition("[")[0] in EVERY_STAGE
            and (paths := [x for x in _constructs(violation) if (x, str(violation["rule"])) not in acknowledged])
        ]
        return cdk.PolicyValidationPluginReport(success=not failing, violations=failing)


def _constructs(violation: Mapping[str, JsonValue]) -> list[str]:
    return [str(path) for path in items(violation["constructs"])]


def _pack_violation(violation: Mapping[str, JsonValue], constructs: Sequence[str]) -> cdk.PolicyViolation:
    return cdk.PolicyViolation(
        rule_name=str(violation["rule"]),
        description=str(violation["description"]),
        severity=str(violation["severity"]),
        violating_resources=[
            cdk.PolicyViolatingResource(construct_path=path, locations=["Properties"]) for path in constructs
        ],
    )


def _acknowledged(template_paths: Sequence[str]) -> dict[tuple[str, str], str]:
    """Return the reasons of what the templates acknowledge, by the path of the construct and the rule."""
    reasons = {}
    for file in template_paths:
        for resource in Template(file, json.loads(Path(file).read_text(encoding="utf-8"))).resources():
            metadata = mapping(resource.body.get("Metadata"))
            for entry in objects(mapping(metadata.get("cdk_nag")).get("rules_to_suppress")):
                reasons[str(metadata.get("aws:cdk:path")), str(entry.get("id"))] = str(entry.get("reason"))
    return reasons
