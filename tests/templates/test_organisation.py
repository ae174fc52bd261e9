"""What an organisation asks of a stage: who hears alarms, guard rails of roles, tags, one account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk
import pytest

import app as application
from stacks.settings import cdk_json
from stacks.settings.errors import SynthError
from tests.synths import CDK_JSON
from tests.templates.conftest import Synthesize, Templates

TOPIC = "arn:aws:sns:us-east-1:210987654321:on-call"
KEY = "arn:aws:kms:us-east-1:210987654321:key/11111111-2222-3333-4444-555555555555"
BOUNDARY = "arn:aws:iam::210987654321:policy/teams/boundary"
JOBS: Mapping[str, object] = {"sweep": {}}


def outputs(templates: Templates, part: str) -> dict[str, object]:
    return {name: body["Value"] for name, body in templates[part].to_json()["Outputs"].items()}


def of_type(templates: Templates, kind: str) -> list[dict[str, object]]:
    return [body["Properties"] for template in templates.values() for body in template.find_resources(kind).values()]


def test_each_address_is_subscribed_to_the_stages_topic(synthesize: Synthesize) -> None:
    templates = synthesize({"alarms": {"emails": ["a@example.com", "b@example.com"]}})

    subscriptions = of_type(templates, "AWS::SNS::Subscription")
    assert sorted((str(each["Endpoint"]), each["Protocol"]) for each in subscriptions) == [
        ("a@example.com", "email"),
        ("b@example.com", "email"),
    ]
    assert "a@example.com, b@example.com" in str(outputs(templates, "data")["AlarmSubscribers"])


def test_a_deploy_without_subscribers_says_that_nobody_hears_its_alarms(dev: Templates) -> None:
    assert str(outputs(dev, "data")["AlarmSubscribers"]).startswith("nobody")
    assert "AlarmTopic" in outputs(dev, "data")
    assert outputs(dev, "serving")["DashboardName"] == "topic-model-dev"


def test_a_named_topic_is_told_by_every_alarm_and_by_the_retraining(synthesize: Synthesize) -> None:
    templates = synthesize({"retraining": {}, "alarms": {"topic_arn": TOPIC, "topic_key_arn": KEY}})

    [told] = [
        body["Properties"]["Value"]
        for body in templates["data"].find_resources("AWS::SSM::Parameter").values()
        if str(body["Properties"]["Name"]).endswith("/Alarms")
    ]
    assert told == TOPIC
    assert all(
        alarm["AlarmActions"] in ([TOPIC], [{"Ref": "DataAlarms"}])
        for alarm in of_type(templates, "AWS::CloudWatch::Alarm")
    )
    assert KEY in json.dumps(of_type(templates, "AWS::IAM::ManagedPolicy"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alarms": {"emails": ["nobody"]}}, "alarms.emails"),
        ({"alarms": {"emails": ["a@example.com"], "topic_arn": TOPIC}}, "emails and topic_arn are both set"),
        ({"alarms": {"topic_key_arn": KEY}}, "topic_key_arn is set without topic_arn"),
        ({"account": "210987654321"}, "account is 210987654321 and region is not set"),
        ({"organisation": {"tags": {"aws:owner": "x"}}}, "begins with one of aws:, topic-model:"),
        ({"organisation": {"tags": {"topic-model:stage": "x"}}}, "begins with one of aws:, topic-model:"),
        ({"organisation": {"role_path": "teams"}}, "organisation.role_path"),
        ({"organisation": {"permissions_boundary": BOUNDARY}, "retraining": {}}, "permissions_boundary too"),
        ({"organisation": {"role_path": "/x/"}, "retraining": {}}, "role_path too"),
        ({"organisation": {"role_name_prefix": "x-"}, "retraining": {}}, "role_name_prefix too"),
    ],
)
def test_what_cannot_be_is_refused_by_name(settings: Mapping[str, object], message: str) -> None:
    with pytest.raises(SynthError) as refused:
        cdk_json.load({"dev": settings}, stage="dev")

    assert message in str(refused.value)


def test_every_role_has_the_boundary_the_path_and_the_prefix(synthesize: Synthesize) -> None:
    templates = synthesize(
        {
            **JOBS,
            "organisation": {"permissions_boundary": BOUNDARY, "role_path": "/teams/", "role_name_prefix": "topics-"},
        }
    )

    roles = of_type(templates, "AWS::IAM::Role")
    assert roles
    assert all(role["PermissionsBoundary"] == BOUNDARY and role["Path"] == "/teams/" for role in roles)
    names = [json.dumps(role["RoleName"]) for role in roles]
    assert all('"topics-dev-' in name for name in names)
    assert len(set(names)) == len(names)


def test_every_resource_that_takes_tags_and_every_job_has_the_tags(synthesize: Synthesize) -> None:
    templates = synthesize({**JOBS, "organisation": {"tags": {"CostCentre": "4711"}}})
    plain = synthesize(JOBS)

    def tagged(templates: Templates, key: str) -> int:
        return json.dumps([template.to_json() for template in templates.values()]).count(key)

    resources = [
        body["Properties"]["Tags"]
        for template in templates.values()
        for body in template.to_json()["Resources"].values()
        if "topic-model:stage" in json.dumps(body.get("Properties", {}).get("Tags", []))
    ]
    assert resources
    assert all("CostCentre" in json.dumps(tags) for tags in resources)
    machines = [json.dumps(each) for each in of_type(templates, "AWS::StepFunctions::StateMachine")]
    jobs = [each for each in machines if "create" in each and '\\"Tags\\"' in each]
    assert len(jobs) == 3
    assert all("CostCentre" in each for each in jobs)
    assert not tagged(plain, "CostCentre")


def test_tags_make_no_training_due(synthesize: Synthesize) -> None:
    def definition(templates: Templates) -> object:
        [run] = templates["training"].find_resources("Custom::TrainedModel").values()
        return run["Properties"]["DefinitionHash"]

    assert definition(synthesize({"organisation": {"tags": {"CostCentre": "4711"}}})) == definition(synthesize({}))


def test_a_pinned_stage_has_its_account_and_region(corpus_folder: Path) -> None:
    stages = {"dev": {"corpus": {"path": str(corpus_folder)}, "account": "210987654321", "region": "eu-west-1"}}
    app = cdk.App(context={**CDK_JSON["context"], "stages": stages})
    application.build(app)

    environments = {str(child.environment) for child in app.node.children if isinstance(child, cdk.Stack)}
    assert environments == {"aws://210987654321/eu-west-1"}
