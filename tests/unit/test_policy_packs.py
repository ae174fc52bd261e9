"""The packs' rules that every stage is held to, each on a template that breaks it."""

from __future__ import annotations

import json
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import cloudformation_include

from stacks.checks.policy_packs import EVERY_STAGE, PACK_FINDINGS, AdvisoryPacks, Packs
from stacks.checks.remembered import Remembered
from stacks.shared.acknowledgments import PACKS

ARN = "arn:aws:iam::111122223333:role/some"
BROKEN: dict[str, dict[str, object]] = {
    "Bucket": {"Type": "AWS::S3::Bucket"},
    "Half": {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": False,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            }
        },
    },
    "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Statement": []}}},
    "Meant": {
        "Type": "AWS::KMS::Key",
        "Properties": {"KeyPolicy": {"Statement": []}},
        "Metadata": {
            "aws:cdk:path": "Broken/It/Meant",
            "cdk_nag": {"rules_to_suppress": [{"id": "AwsSolutions-KMS5", "reason": "It is meant."}]},
        },
    },
    "Logs": {"Type": "AWS::Logs::LogGroup"},
    "Topic": {"Type": "AWS::SNS::Topic"},
    "Queue": {"Type": "AWS::SQS::Queue"},
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Statement": []},
            "ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
            "Policies": [{"PolicyName": "inline", "PolicyDocument": {"Statement": []}}],
        },
    },
    "Alarm": {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1},
    },
    "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"RoleArn": ARN, "DefinitionString": "{}"}},
    "Function": {
        "Type": "AWS::Lambda::Function",
        "Properties": {"Code": {"ZipFile": "0"}, "Handler": "a.b", "Role": ARN, "Runtime": "python3.8"},
    },
    "Rule": {
        "Type": "AWS::Events::Rule",
        "Properties": {"EventPattern": {"source": ["a"]}, "Targets": [{"Id": "t", "Arn": "arn:aws:sqs:a:1:q"}]},
    },
}


@pytest.fixture(scope="module")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> tuple[set[tuple[str, str]], Path]:
    """What fails an unhardened app of broken resources (rule, construct), and its folder."""
    folder = tmp_path_factory.mktemp("packs")
    file = folder / "broken.json"
    file.write_text(json.dumps({"Resources": BROKEN}), encoding="utf-8")
    app = cdk.App(outdir=str(folder / "cdk.out"))
    cloudformation_include.CfnInclude(cdk.Stack(app, "Broken"), "It", template_file=str(file))
    packs = Packs(app, Remembered(folder / "remembered.json"))
    written = folder / "Broken.template.json"
    written.write_text(json.dumps({"Resources": BROKEN}), encoding="utf-8")

    class Context:
        """What the plugin reads of CDK's context."""

        template_paths = (str(written),)
        stack_templates = ()

    report = AdvisoryPacks(packs, "dev").validate(Context())  # type: ignore[arg-type]
    assert not report.success
    failing = {
        (violation.rule_name.partition("[")[0], str(place.construct_path))
        for violation in report.violations
        for place in violation.violating_resources
    }
    return failing, folder


def test_every_rule_that_no_stage_may_break_fails_a_stage_that_is_not_hardened(
    synthesized: tuple[set[tuple[str, str]], Path],
) -> None:
    assert {rule for rule, _ in synthesized[0]} == EVERY_STAGE


def test_what_the_packs_find_is_listed_with_its_message_and_whether_it_is_acknowledged(
    synthesized: tuple[set[tuple[str, str]], Path],
) -> None:
    findings = json.loads((synthesized[1] / PACK_FINDINGS).read_text(encoding="utf-8"))

    assert tuple(findings) == PACKS
    every = [finding for found in findings.values() for finding in found]
    assert {tuple(finding) for finding in every} == {("rule", "construct", "message", "reason")}
    assert {"NIST.800.53.R5-LambdaInsideVPC", "NIST.800.53.R5-LambdaConcurrency", "Serverless-LambdaTracing"} <= {
        finding["rule"] for finding in every
    }


def test_what_is_acknowledged_fails_no_stage_and_is_listed_with_its_reason(
    synthesized: tuple[set[tuple[str, str]], Path],
) -> None:
    findings = json.loads((synthesized[1] / PACK_FINDINGS).read_text(encoding="utf-8"))["AwsSolutions"]
    reasons = {each["construct"]: each["reason"] for each in findings if each["rule"] == "AwsSolutions-KMS5"}

    assert reasons == {"Broken/It/Key": None, "Broken/It/Meant": "It is meant."}
    assert {place for rule, place in synthesized[0] if rule == "AwsSolutions-KMS5"} == {"Broken/It/Key"}
