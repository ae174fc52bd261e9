"""Keys and a log bucket that are there already, a budget, and an endpoint that scales down by the clock."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from rules.model import items
from stacks.data.policy_statements import ROLES_ACTIONS, Home, of_access_logs, of_named_key
from stacks.settings import cdk_json
from stacks.settings.errors import SynthError
from stacks.settings.stage import StageSettings
from stacks.shared.names import data_parameters_prefix
from tests.combinations.settings_space import KEYS
from tests.synths import CDK_JSON, synth
from tests.templates.conftest import Synthesize, Templates

LOGS = "access-logs-of-the-organisation"
SCHEDULE = {"down": "cron(0 19 ? * MON-FRI *)", "up": "cron(0 7 ? * MON-FRI *)", "time_zone": "Europe/Berlin"}
EVERYTHING: Mapping[str, object] = {
    "keys": dict(KEYS),
    "capture": {},
    "retraining": {},
    "sweep": {},
    "network": {"kind": "own"},
    "alarms": {"emails": ["on-call@example.com"]},
    "organisation": {"access_log_bucket": LOGS},
    "budget": {"monthly_usd": 50},
    "endpoint": {"schedule": SCHEDULE},
}


@pytest.fixture(scope="module")
def everything(synthesize: Synthesize) -> Templates:
    return synthesize(EVERYTHING)


def resources(templates: Templates, kind: str) -> list[dict[str, Any]]:
    return [body["Properties"] for each in templates.values() for body in each.find_resources(kind).values()]


def values(node: object, *names: str) -> Iterator[object]:
    """Every value of a member of one of these names, wherever it is."""
    for name, value in node.items() if isinstance(node, dict) else ():
        if name in names:
            yield value
        yield from values(value, *names)
    for value in node if isinstance(node, list) else ():
        yield from values(value, *names)


def test_no_key_and_no_log_bucket_is_made_where_they_are_named(everything: Templates) -> None:
    assert resources(everything, "AWS::KMS::Key") == []
    assert len(resources(everything, "AWS::S3::Bucket")) == 3


def test_all_that_is_encrypted_is_under_the_named_keys(everything: Templates) -> None:
    template = everything["data"].to_json()

    buckets = {str(name): list(values(body, "KMSMasterKeyID")) for name, body in template["Resources"].items()}
    assert {key[0] for name, key in buckets.items() if key and "Capture" not in name} == {KEYS["data"]}
    assert {key[0] for name, key in buckets.items() if key and "Capture" in name} == {KEYS["capture"]}
    others = list(values(template["Resources"], "KmsKeyId", "KmsMasterKeyId", "KmsKeyArn"))
    assert others
    assert {json.dumps(each) for each in others} == {json.dumps(KEYS["operations"])}
    told = {each["Name"]: each["Value"] for each in resources(everything, "AWS::SSM::Parameter") if "Value" in each}
    assert [told[f"{data_parameters_prefix('dev')}/{name}"] for name in ("Key", "OperationsKey", "CaptureKey")] == [
        KEYS["data"], KEYS["operations"], KEYS["capture"],
    ]  # fmt: skip


def test_the_statements_that_the_keys_need_are_outputs(everything: Templates) -> None:
    outputs = everything["data"].to_json()["Outputs"]

    said = {name: json.dumps(body["Value"]) for name, body in outputs.items() if name.endswith("Policy")}
    assert len(said) == 2 + 1 + 1
    assert all("RolesOfThisAccount" in text for name, text in said.items() if "Key" in name)
    assert "logs." in said["OperationsKeyPolicy"]
    assert LOGS in said["AccessLogsPolicy"]


def test_the_account_statement_of_a_named_key_has_every_action_on_keys_that_a_role_may(everything: Templates) -> None:
    asked = {
        str(action)
        for policy in resources(everything, "AWS::IAM::ManagedPolicy")
        for statement in policy["PolicyDocument"]["Statement"]
        for action in items(statement["Action"])
        if str(action).startswith("kms:")
    }

    assert asked
    assert [action for action in asked if not any(fnmatchcase(action, each) for each in ROLES_ACTIONS)] == []


def test_statements_of_named_keys_are_those_of_the_stages_own(synthesize: Synthesize) -> None:
    vectors = StageSettings.model_validate({"similar": {"store": "s3-vectors"}})
    home = Home("aws", "us-east-1", "123456789012", "amazonaws.com")
    services = {
        purpose: [str(each["Sid"]) for each in of_named_key(purpose, vectors, home)][1:]
        for purpose in ("data", "operations", "capture")
    }

    own = synthesize({})["data"].find_resources("AWS::KMS::Key").values()
    sids = [[each.get("Sid") for each in key["Properties"]["KeyPolicy"]["Statement"]][1:] for key in own]
    assert services["data"] == ["VectorIndexesOfThisAccount"]
    assert services["capture"] == []
    assert services["operations"] in sids


def test_the_boundary_lets_the_endpoint_write_under_a_named_key_of_capture(everything: Templates) -> None:
    [boundary] = [
        policy
        for policy in resources(everything, "AWS::IAM::ManagedPolicy")
        if "serving-boundary" in json.dumps(policy.get("ManagedPolicyName", ""))
    ]

    allowed = [each for each in boundary["PolicyDocument"]["Statement"] if KEYS["capture"] in items(each["Resource"])]
    assert {action for each in allowed for action in items(each["Action"])} >= {
        "kms:GenerateDataKey",
        "kms:CreateGrant",
    }


def test_buckets_log_into_the_named_bucket_under_the_stages_name(everything: Templates) -> None:
    logging = [bucket["LoggingConfiguration"] for bucket in resources(everything, "AWS::S3::Bucket")]

    assert {each["DestinationBucketName"] for each in logging} == {LOGS}
    needed = of_access_logs(LOGS, "dev", Home("aws", "us-east-1", "123456789012", "amazonaws.com"))
    assert all(
        fnmatchcase(f"arn:aws:s3:::{LOGS}/{each['LogFilePrefix']}x", str(needed["Resource"])) for each in logging
    )


def test_a_budget_counts_what_has_the_stages_tag_and_tells_the_addresses(everything: Templates) -> None:
    [budget] = resources(everything, "AWS::Budgets::Budget")

    assert "BudgetName" not in budget["Budget"]
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 50, "Unit": "USD"}
    assert budget["Budget"]["CostFilters"] == {"TagKeyValue": ["user:topic-model:stage$dev"]}
    told = budget["NotificationsWithSubscribers"]
    assert [(each["Notification"]["NotificationType"], each["Notification"]["Threshold"]) for each in told] == [
        ("ACTUAL", 80),
        ("FORECASTED", 100),
    ]
    assert all(
        each["Subscribers"] == [{"SubscriptionType": "EMAIL", "Address": "on-call@example.com"}] for each in told
    )


def test_a_budget_tells_a_named_topic(synthesize: Synthesize) -> None:
    topic = "arn:aws:sns:us-east-1:210987654321:on-call"
    [budget] = resources(
        synthesize({"budget": {"monthly_usd": 50}, "alarms": {"topic_arn": topic}}), "AWS::Budgets::Budget"
    )

    assert {json.dumps(each["Subscribers"]) for each in budget["NotificationsWithSubscribers"]} == {
        json.dumps([{"Address": topic, "SubscriptionType": "SNS"}])
    }


def test_the_endpoint_scales_down_to_one_instance_and_up_to_its_bounds(everything: Templates) -> None:
    [target] = resources(everything, "AWS::ApplicationAutoScaling::ScalableTarget")

    down, up = target["ScheduledActions"]
    assert (down["Schedule"], down["Timezone"]) == (SCHEDULE["down"], "Europe/Berlin")
    assert down["ScalableTargetAction"] == {"MinCapacity": 1, "MaxCapacity": 1}
    assert up["ScalableTargetAction"] == {"MinCapacity": target["MinCapacity"], "MaxCapacity": target["MaxCapacity"]}


def test_a_stage_without_these_settings_has_none_of_it(dev: Templates) -> None:
    assert resources(dev, "AWS::Budgets::Budget") == []
    assert "ScheduledActions" not in resources(dev, "AWS::ApplicationAutoScaling::ScalableTarget")[0]
    assert len(resources(dev, "AWS::KMS::Key")) == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"keys": {"data": KEYS["data"].replace(":key/", ":alias/")}}, "keys.data"),
        (
            {"keys": {"data": KEYS["data"].replace("arn:aws:", "arn:aws-cn:")}},
            "partition aws-cn has no region us-east-1",
        ),
        (
            {"keys": {"data": KEYS["data"], "operations": KEYS["operations"].replace("us-east-1", "eu-west-1")}},
            "data is in us-east-1, operations is in eu-west-1",
        ),
        ({"keys": {"data": KEYS["data"]}, "region": "eu-west-1"}, "keys.data is in us-east-1 and region is eu-west-1"),
        ({"keys": {"capture": KEYS["capture"]}}, "keys.capture is set and capture is not"),
        ({"budget": {"monthly_usd": 50}}, "nobody would hear of it"),
        ({"budget": {"monthly_usd": 0}, "alarms": {"emails": ["a@example.com"]}}, "budget.monthly_usd"),
        (
            {"budget": {"monthly_usd": 5}, "alarms": {"emails": [f"a{n}@example.com" for n in range(11)]}},
            "alarms.emails has 11 addresses",
        ),
        ({"endpoint": {"max_instances": 1, "schedule": SCHEDULE}}, "schedule is set, but nothing scales"),
        ({"endpoint": {"serverless": {}, "schedule": SCHEDULE}}, "schedule is set, but nothing scales"),
        ({"endpoint": {"schedule": {**SCHEDULE, "time_zone": "Europe/Atlantis"}}}, "time zone of the IANA database"),
        ({"endpoint": {"schedule": {**SCHEDULE, "time_zone": "../etc/passwd"}}}, "time zone of the IANA database"),
        ({"endpoint": {"schedule": {**SCHEDULE, "up": SCHEDULE["down"]}}}, "one moment cannot do both"),
        ({"endpoint": {"schedule": {**SCHEDULE, "down": "rate(1 day)"}}}, "endpoint.schedule.down"),
    ],
)
def test_what_cannot_be_is_refused_by_name(settings: Mapping[str, object], message: str) -> None:
    with pytest.raises(SynthError) as refused:
        cdk_json.load({"dev": settings}, stage="dev")

    assert message in str(refused.value)


def test_a_hardened_stage_with_all_of_it_has_no_finding_of_the_packs(corpus_folder: Path, tmp_path: Path) -> None:
    """A finding fails the synth of a hardened stage."""
    done = synth(
        corpus_folder,
        tmp_path,
        "prod",
        keys=KEYS,
        alarms={"emails": ["on-call@example.com"]},
        budget={"monthly_usd": 300},
        organisation={"access_log_bucket": LOGS},
    )

    assert done.returncode == 0, done.stderr
    assert "AWS::KMS::Key" not in (tmp_path / "cdk.out" / "TopicModel-prod-Data.template.json").read_text("utf-8")


def test_a_hardened_stage_stays_at_two_instances() -> None:
    hardened = {**CDK_JSON["context"]["stages"]["prod"], "endpoint": {"min_instances": 2, "schedule": SCHEDULE}}
    with pytest.raises(SynthError, match=r"hardened is true: set endpoint.schedule to null"):
        cdk_json.load({"prod": hardened}, stage="prod")


def test_named_keys_make_no_training_due(synthesize: Synthesize) -> None:
    def definition(templates: Templates) -> object:
        [run] = templates["training"].find_resources("Custom::TrainedModel").values()
        return run["Properties"]["DefinitionHash"]

    named = {"keys": {"data": KEYS["data"], "operations": KEYS["operations"]}}
    assert definition(synthesize(named)) == definition(synthesize({}))
