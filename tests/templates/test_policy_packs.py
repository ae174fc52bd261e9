"""What the packs say of a template: it is asked once, told each time, and asked anew of another template."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import aws_cdk as cdk
import cdk_nag
import pytest
from aws_cdk import aws_s3

from stacks.checks import policy_packs
from stacks.checks.policy_packs import PACK_FINDINGS, hold_to_policies
from stacks.checks.remembered import Remembered

Synth = Callable[..., Path]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry each time that the packs look at an app."""
    looked: list[str] = []
    original = cdk_nag.AwsSolutionsChecks.validate_scope

    def validate_scope(self: cdk_nag.NagPack, scope: cdk.App) -> cdk.PolicyValidationPluginReport:
        looked.append("AwsSolutions")
        return original(self, scope)

    monkeypatch.setattr(cdk_nag.AwsSolutionsChecks, "validate_scope", validate_scope)
    return looked


@pytest.fixture
def synthesize(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Synth:
    # The own rules fail every stage, and this one of a single bucket, too.
    monkeypatch.setattr(policy_packs, "check_all", lambda _templates: [])
    monkeypatch.setattr(policy_packs, "EVERY_STAGE", frozenset())

    def synthesized(*, hardened: bool, name: str = "a-bucket") -> Path:
        out = tmp_path / "cdk.out"
        app = cdk.App(
            builtin_cloud_formation_validation=False,
            outdir=str(out),
            context={"aws:cdk:enable-path-metadata": True},
        )
        aws_s3.CfnBucket(cdk.Stack(app, "One"), "Bucket", bucket_name=name)
        remembered = Remembered(tmp_path / "remembered.json")
        hold_to_policies(app, stage="dev", hardened=hardened, remembered=remembered)
        app.synth()
        return out

    return synthesized


def test_the_packs_look_once_at_the_same_templates_and_their_findings_are_told_each_time(
    synthesize: Synth, runs: list[str]
) -> None:
    first, again = ((synthesize(hardened=False) / PACK_FINDINGS).read_text() for _ in range(2))

    assert runs == ["AwsSolutions"]
    assert json.loads(first)
    assert again == first


def test_the_packs_look_at_another_template(synthesize: Synth, runs: list[str]) -> None:
    synthesize(hardened=False)
    synthesize(hardened=False, name="another-bucket")

    assert runs == ["AwsSolutions", "AwsSolutions"]


def test_a_hardened_stage_fails_each_time_by_what_the_packs_found_once(
    synthesize: Synth, runs: list[str], tmp_path: Path
) -> None:
    reports = []
    for _ in range(2):
        with pytest.raises(RuntimeError, match="ValidationFailed"):
            synthesize(hardened=True)
        reports.append((tmp_path / "cdk.out" / "validation-report.json").read_text())

    assert runs == ["AwsSolutions"]
    assert "AwsSolutions-S1" in reports[0]
    assert reports[1] == reports[0]


def test_a_memory_of_another_form_is_none(synthesize: Synth, runs: list[str], tmp_path: Path) -> None:
    first = (synthesize(hardened=False) / PACK_FINDINGS).read_text()
    memory = tmp_path / "remembered.json"
    memory.write_text(json.dumps({asked: {"AwsSolutions": []} for asked in json.loads(memory.read_text())}))

    assert (synthesize(hardened=False) / PACK_FINDINGS).read_text() == first
    assert len(runs) == 2
