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


def hold_to_policies(app: cdk.App, *, stage: str, hardened: bool) -> None:
    """Have the packs and the own rules look at `app` when it is synthesized.

    The own rules always fail the synth. The packs fail a hardened stage's; of another's, only the rules EVERY_STAGE do.
    The rest they list in a file, as its settings leave out on purpose what costs money.
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
    """The packs on a stage that is not hardened: only the rules EVERY_STAGE fail it."""

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
        reports = {pack.name: pack.validate_scope(self._app).violations for pack in self._packs}
        findings = {
            name: [
                {
                    "rule": violation.rule_name,
                    "construct": str(place.construct_path),
                    "message": violation.description,
                    "reason": acknowledged.get((str(place.construct_path), violation.rule_name)),
                }
                for violation in violations
                for place in violation.violating_resources
            ]
            for name, violations in reports.items()
        }
        file = Path(context.template_paths[0]).parent / PACK_FINDINGS
        file.write_text(json.dumps(findings, indent=1) + "\n", encoding="utf-8")
        count = sum(finding["reason"] is None for found in findings.values() for finding in found)
        print(f"synth: stage {self._stage} is not hardened: {count} findings stand, in {file.name}", file=sys.stderr)
        failing = [
            cdk.PolicyViolation(
                rule_name=violation.rule_name,
                description=violation.description,
                severity="error",
                violating_resources=places,
            )
            for violations in reports.values()
            for violation in violations
            if violation.rule_name.partition("[")[0] in EVERY_STAGE
            and (
                places := [
                    place
                    for place in violation.violating_resources
                    if (str(place.construct_path), violation.rule_name) not in acknowledged
                ]
            )
        ]
        return cdk.PolicyValidationPluginReport(success=not failing, violations=failing)


def _acknowledged(template_paths: Sequence[str]) -> dict[tuple[str, str], str]:
    """Return the reasons of what the templates acknowledge, by the path of the construct and the rule."""
    reasons = {}
    for file in template_paths:
        for resource in Template(file, json.loads(Path(file).read_text(encoding="utf-8"))).resources():
            metadata = mapping(resource.body.get("Metadata"))
            for entry in objects(mapping(metadata.get("cdk_nag")).get("rules_to_suppress")):
                reasons[str(metadata.get("aws:cdk:path")), str(entry.get("id"))] = str(entry.get("reason"))
    return reasons
