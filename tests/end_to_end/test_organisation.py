"""An organisation's guard rails on a deployed stage, and a stage that is pinned to one account."""

from __future__ import annotations

import json

import pytest

from tests.end_to_end.deployment import Deployment, Run

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow]

EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def test_a_stage_of_another_account_is_refused_before_anything_is_made(deployment: Deployment) -> None:
    run = deployment.deploy(account="210987654321", region="us-east-1")

    assert run.exit_code != 0
    assert "210987654321" in run.output
    stacks = deployment.client("cloudformation").list_stacks()["StackSummaries"]
    assert not [stack for stack in stacks if stack["StackName"].startswith("TopicModel-")]


@pytest.fixture(scope="module")
def deployed(deployment: Deployment) -> Run:
    """A stage whose alarms are heard, whose roles are bounded and named, and whose resources are tagged."""
    boundary = deployment.client("iam").create_policy(PolicyName="bounds", PolicyDocument=json.dumps(EVERYTHING))
    return deployment.deploy(
        alarms={"emails": ["on-call@example.com"]},
        organisation={
            "permissions_boundary": boundary["Policy"]["Arn"],
            "role_path": "/teams/topics/",
            "role_name_prefix": "tm-",
            "tags": {"CostCentre": "4711"},
        },
    )


def test_it_serves(deployment: Deployment, deployed: Run) -> None:
    assert deployed.exit_code == 0, deployed.output
    assert deployment.ask_documents("butter bread oven").status == 200


def test_its_roles_are_bounded_and_named(deployment: Deployment, deployed: Run) -> None:
    roles = [
        role
        for page in deployment.client("iam").get_paginator("list_roles").paginate(PathPrefix="/teams/topics/")
        for role in page["Roles"]
    ]

    assert roles
    assert all(role["RoleName"].startswith("tm-dev-") for role in roles)


def test_its_training_job_and_endpoint_have_the_tags(deployment: Deployment, deployed: Run) -> None:
    sagemaker = deployment.client("sagemaker")
    [job] = sagemaker.list_training_jobs()["TrainingJobSummaries"]
    endpoint = sagemaker.describe_endpoint(EndpointName="topic-model-dev")

    for arn in (job["TrainingJobArn"], endpoint["EndpointArn"]):
        assert {"Key": "CostCentre", "Value": "4711"} in sagemaker.list_tags(ResourceArn=arn)["Tags"]


def test_doctor_says_that_nobody_has_confirmed(deployment: Deployment, deployed: Run) -> None:
    topic = deployment.outputs("Data")["AlarmTopic"]
    subscriptions = deployment.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]

    assert [each["Endpoint"] for each in subscriptions] == ["on-call@example.com"]
    said = deployment.command("operations.doctor", "--stage", "dev").stdout
    assert "alarms: " in said
