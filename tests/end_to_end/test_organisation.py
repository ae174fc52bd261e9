"""An organisation's guard rails, keys and money on a deployed stage, and a stage that is pinned to one account."""

from __future__ import annotations

import json
from typing import Any

import pytest

from operations.doctor.named import ACCESS_LOGS, KEYS
from stacks.data.policy_statements import Home, of_access_logs, of_named_key
from stacks.settings.stage import StageSettings
from tests.end_to_end.deployment import Deployment, Run

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow]

ARCHIVE = "access-logs-of-the-organisation"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def test_a_stage_of_another_account_is_refused_before_anything_is_made(deployment: Deployment) -> None:
    run = deployment.deploy(account="210987654321", region="us-east-1")

    assert run.exit_code != 0
    assert "210987654321" in run.output
    stacks = deployment.client("cloudformation").list_stacks()["StackSummaries"]
    assert not [stack for stack in stacks if stack["StackName"].startswith("TopicModel-")]


@pytest.fixture(scope="module")
def home(deployment: Deployment) -> Home:
    account = deployment.client("sts").get_caller_identity()["Account"]
    return Home("aws", "us-east-1", account, "amazonaws.com")


@pytest.fixture(scope="module")
def keys(deployment: Deployment, home: Home) -> dict[str, str]:
    """Keys of somebody else's, whose policies say what the stage needs."""
    kms = deployment.client("kms")
    documents = {
        each: json.dumps({"Version": "2012-10-17", "Statement": of_named_key(each, StageSettings(), home)})
        for each in ("data", "operations")
    }
    return {each: kms.create_key(Policy=document)["KeyMetadata"]["Arn"] for each, document in documents.items()}


@pytest.fixture(scope="module")
def archive(deployment: Deployment, home: Home) -> str:
    """A bucket of somebody else's that takes access logs."""
    deployment.client("s3").create_bucket(Bucket=ARCHIVE)
    policy = {"Version": "2012-10-17", "Statement": [of_access_logs(ARCHIVE, "dev", home)]}
    deployment.client("s3").put_bucket_policy(Bucket=ARCHIVE, Policy=json.dumps(policy))
    return ARCHIVE


@pytest.fixture(scope="module")
def deployed(deployment: Deployment, keys: dict[str, str], archive: str) -> Run:
    """A stage with everything of an organisation's: subscribers, roles, tags, keys, logs, a budget and a schedule."""
    boundary = deployment.client("iam").create_policy(PolicyName="bounds", PolicyDocument=json.dumps(EVERYTHING))
    return deployment.deploy(
        alarms={"emails": ["on-call@example.com"]},
        organisation={
            "permissions_boundary": boundary["Policy"]["Arn"],
            "role_path": "/teams/topics/",
            "role_name_prefix": "tm-",
            "tags": {"CostCentre": "4711"},
            "access_log_bucket": archive,
        },
        keys=keys,
        budget={"monthly_usd": 50},
        endpoint={"schedule": {"down": "cron(0 19 ? * MON-FRI *)", "up": "cron(0 7 ? * MON-FRI *)"}},
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


def test_what_it_stores_is_under_the_named_keys_and_it_makes_none(
    deployment: Deployment, deployed: Run, keys: dict[str, str]
) -> None:
    s3, bucket = deployment.client("s3"), deployment.outputs("Data")["ArtifactsBucket"]
    stored = s3.list_objects_v2(Bucket=bucket, MaxKeys=1)["Contents"][0]["Key"]
    made = deployment.client("cloudformation").list_stack_resources(StackName="TopicModel-dev-Data")

    assert "AWS::KMS::Key" not in {each["ResourceType"] for each in made["StackResourceSummaries"]}
    assert s3.head_object(Bucket=bucket, Key=stored)["SSEKMSKeyId"] == keys["data"]


def test_access_is_logged_into_the_named_bucket(deployment: Deployment, deployed: Run, archive: str) -> None:
    logging = deployment.client("s3").get_bucket_logging(Bucket=deployment.outputs("Data")["CorporaBucket"])

    assert logging["LoggingEnabled"]["TargetBucket"] == archive
    assert logging["LoggingEnabled"]["TargetPrefix"] == "TopicModel-dev/corpora/"


def test_it_has_a_budget_and_a_schedule(deployment: Deployment, deployed: Run, home: Home) -> None:
    [budget] = deployment.client("budgets").describe_budgets(AccountId=home.account)["Budgets"]
    scaling = deployment.client("application-autoscaling")
    actions = scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"]

    assert budget["BudgetLimit"] == {"Amount": "50", "Unit": "USD"}
    assert {each["ScheduledActionName"]: each["ScalableTargetAction"] for each in actions} == {
        "down": {"MinCapacity": 1, "MaxCapacity": 1},
        "up": {"MinCapacity": 1, "MaxCapacity": 4},
    }


def test_doctor_looks_at_the_keys_and_the_log_bucket(
    deployment: Deployment, deployed: Run, keys: dict[str, str], archive: str
) -> None:
    def said() -> dict[str, Any]:
        answered = deployment.command(
            "operations.doctor", "--stage", "dev", "--settings", str(deployment.settings_file), "--json"
        )
        return {
            each["says"]: each["outcome"]
            for each in json.loads(answered.stdout)["checks"]
            if each["check"] in {KEYS, ACCESS_LOGS}
        }

    assert said() == {
        f"keys.data {keys['data']} may be used": "good",
        f"keys.operations {keys['operations']} may be used": "good",
        f"{archive} may be used": "good",
    }
    deployment.client("s3").delete_bucket_policy(Bucket=archive)
    deployment.client("kms").disable_key(KeyId=keys["data"])
    assert sorted(said().values()) == ["bad", "bad", "good"]
