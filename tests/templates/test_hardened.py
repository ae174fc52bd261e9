from __future__ import annotations

import json
from pathlib import Path

import pytest
from aws_cdk.assertions import Match

from rules.engine import ALL_RULES, Template, check_all
from stacks.settings import cdk_json
from stacks.settings.errors import SynthError
from tests.synths import CDK_JSON, synth
from tests.templates.conftest import Templates

PROD = CDK_JSON["context"]["stages"]["prod"]


@pytest.fixture(scope="module")
def assembly(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a synth of prod wrote."""
    folder = tmp_path_factory.mktemp("prod")
    done = synth(corpus_folder, folder, "prod")
    assert done.returncode == 0, done.stderr
    return folder / "cdk.out"


@pytest.fixture(scope="module")
def report(assembly: Path) -> dict[str, dict[str, object]]:
    """What each pack says of prod, by its name."""
    plugins = json.loads((assembly / "validation-report.json").read_text())["pluginReports"]
    return {plugin["pluginName"]: plugin for plugin in plugins}


def acknowledged(report: dict[str, dict[str, object]]) -> list[tuple[str, str]]:
    """The findings that the packs' report says are acknowledged: rule and construct."""
    places: list[tuple[str, str]] = []
    for plugin in report.values():
        suppressed = plugin.get("suppressedViolations", [])
        assert isinstance(suppressed, list)
        for violation in suppressed:
            places += [(violation["ruleName"], place["constructPath"]) for place in violation["violatingConstructs"]]
    return places


@pytest.mark.parametrize("pack", ["AwsSolutions", "NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321", "Serverless"])
def test_prod_has_no_finding_of_a_pack_that_is_not_acknowledged(
    report: dict[str, dict[str, object]], pack: str
) -> None:
    assert report[pack]["conclusion"] == "success"
    assert report[pack]["violations"] == []


def test_every_acknowledgment_is_of_one_finding_on_one_resource_and_has_a_reason(
    report: dict[str, dict[str, object]],
) -> None:
    places = acknowledged(report)

    assert places
    assert len(places) == len(set(places))


def test_every_acknowledgment_in_the_templates_is_of_a_finding_that_a_pack_has(
    assembly: Path, report: dict[str, dict[str, object]]
) -> None:
    written = {
        (entry["id"], resource["Metadata"]["aws:cdk:path"])
        for file in assembly.glob("*.template.json")
        for resource in json.loads(file.read_text())["Resources"].values()
        for entry in resource.get("Metadata", {}).get("cdk_nag", {}).get("rules_to_suppress", [])
    }

    assert written == set(acknowledged(report))


def test_every_acknowledgment_stands_in_the_template_with_its_reason(prod: Templates) -> None:
    entries = [
        entry
        for template in prod.values()
        for resource in template.to_json()["Resources"].values()
        for entry in resource.get("Metadata", {}).get("cdk_nag", {}).get("rules_to_suppress", [])
    ]

    assert entries
    assert all(len(entry["reason"]) > 40 for entry in entries)


@pytest.mark.slow
def test_prod_with_what_only_an_account_owner_sets_has_no_finding_either(corpus_folder: Path, tmp_path: Path) -> None:
    key = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    done = synth(corpus_folder, tmp_path, "prod", account_logs={"kms_key_arn": key})

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_stage_as_it_is_breaks_no_own_rule(stage: str, request: pytest.FixtureRequest) -> None:
    templates: Templates = request.getfixturevalue(stage)

    assert check_all(Template(part, template.to_json()) for part, template in templates.items()) == []


def test_rules_have_names_of_their_own() -> None:
    assert len({rule.id for rule in ALL_RULES}) == len(ALL_RULES) >= 40


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        ({"network": {"kind": "none"}}, "network.kind"),
        ({"capture": None}, "capture"),
        ({"endpoint": {"min_instances": 1}}, "endpoint.min_instances"),
        ({"removal_policy": "destroy"}, "removal_policy"),
        ({"log_retention_days": 90}, "log_retention_days"),
        ({"url": {"auth": "NONE", "reserved_concurrency": 5, "open_because": "A public demonstration"}}, "url.auth"),
        ({"url": {"reserved_concurrency": None}}, "url.reserved_concurrency"),
        ({"operations": {"tracing": False}}, "operations.tracing"),
        ({"rollout": {"rollback_on_alarm": False}}, "rollout.rollback_on_alarm"),
    ],
)
def test_a_hardened_stage_refuses_a_setting_that_breaks_its_promise(change: dict[str, object], setting: str) -> None:
    with pytest.raises(SynthError, match=f"hardened is true: set {setting}"):
        cdk_json.load({"prod": cdk_json.merged(PROD, change)}, stage="prod")


def test_a_stage_named_prod_that_is_not_hardened_fails_its_synth(corpus_folder: Path, tmp_path: Path) -> None:
    done = synth(corpus_folder, tmp_path, "prod", hardened=False)

    assert done.returncode != 0
    assert "TM-STAGE-TOLD" in done.stderr


def test_prods_functions_training_and_model_are_in_its_vpc(prod: Templates) -> None:
    for part in ("data", "training", "serving"):
        prod[part].all_resources_properties(
            "AWS::Lambda::Function",
            {"VpcConfig": {"SubnetIds": Match.any_value(), "SecurityGroupIds": Match.any_value()}},
        )
    prod["serving"].all_resources_properties(
        "AWS::SageMaker::Model", {"VpcConfig": {"Subnets": Match.any_value(), "SecurityGroupIds": Match.any_value()}}
    )


def test_the_own_vpc_has_no_way_to_the_internet(prod: Templates) -> None:
    for kind in ("InternetGateway", "NatGateway", "EIP", "Route"):
        prod["data"].resource_count_is(f"AWS::EC2::{kind}", 0)


def test_the_own_vpc_has_just_the_endpoints_that_the_service_calls(prod: Templates) -> None:
    endpoints = prod["data"].find_resources("AWS::EC2::VPCEndpoint").values()
    services = {endpoint["Properties"]["ServiceName"]["Fn::Join"][1][-1] for endpoint in endpoints}

    assert services == {".s3", ".sagemaker.api", ".sagemaker.runtime", ".ssm", ".states", ".xray"}


def test_what_is_captured_has_a_key_a_lifecycle_and_an_access_list_of_its_own(prod: Templates) -> None:
    prod["data"].has_resource_properties(
        "AWS::S3::BucketPolicy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [Match.object_like({"Sid": "OnlyReadersOnTheList", "Effect": "Deny"})],
                )
            }
        },
    )
    buckets = prod["data"].find_resources("AWS::S3::Bucket")
    keys = {
        name: str(bucket["Properties"]["BucketEncryption"])
        for name, bucket in buckets.items()
        if not name.startswith("AccessLogs")
    }
    captured = next(name for name in keys if name.startswith("Capture"))
    assert all(keys[captured] != key for name, key in keys.items() if name != captured)
    rules = buckets[captured]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert len(rules) == 1


def test_the_endpoint_captures_requests_and_answers_under_that_key(prod: Templates) -> None:
    prod["serving"].all_resources_properties(
        "AWS::SageMaker::EndpointConfig",
        {
            "DataCaptureConfig": {
                "EnableCapture": True,
                "InitialSamplingPercentage": 100,
                "KmsKeyId": Match.any_value(),
                "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            }
        },
    )
