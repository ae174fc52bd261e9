"""Stage prod as cdk.json has it, from its first deploy to its destruction; each fixture is a step, in this order.

Own VPC, capture, canary, two hosts, approval by a person. Only the corpus and the model are small. The canary waits its
five minutes by the clock of rollouts, which the tests put forward.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local_cloud.cloud import LocalCloud
from local_cloud.settings import ContainerCommands, LocalCloudSettings
from rules.log_groups import SHARED
from stacks.names import endpoint_name
from tests.end_to_end.deployment import ROOT, Answer, Deployment, Run, Traffic

from deployment_functions.model_fields import APPROVED, CANDIDATE

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow]

STAGE = "prod"
SERVING = f"TopicModel-{STAGE}-Serving"
CONTAINERS = Path(__file__).parent / "containers"
CANARY_WAIT_S = 300
WATCHED = 100
"""Requests that are looked at while the canary is."""
FOUR_TOPICS = {"training": {"hyperparameters": {"num_topics": 4, "epochs": 4, "mini_batch_size": 32}}}


LISTINGS = {
    "AWS::S3::Bucket": ("s3", "list_buckets", "Buckets", "Name"),
    "AWS::KMS::Key": ("kms", "list_keys", "Keys", "KeyId"),
    "AWS::Logs::LogGroup": ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "AWS::IAM::Role": ("iam", "list_roles", "Roles", "RoleName"),
    "AWS::Lambda::Function": ("lambda", "list_functions", "Functions", "FunctionName"),
    "AWS::SSM::Parameter": ("ssm", "describe_parameters", "Parameters", "Name"),
    "AWS::StepFunctions::StateMachine": ("stepfunctions", "list_state_machines", "stateMachines", "name"),
    "AWS::SageMaker::Endpoint": ("sagemaker", "list_endpoints", "Endpoints", "EndpointName"),
    "AWS::SageMaker::EndpointConfig": (
        "sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName",
    ),
    "AWS::SageMaker::Model": ("sagemaker", "list_models", "Models", "ModelName"),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "AWS::SNS::Topic": ("sns", "list_topics", "Topics", "TopicArn"),
    "AWS::Events::Rule": ("events", "list_rules", "Rules", "Name"),
    "AWS::EC2::VPCEndpoint": ("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    "AWS::EC2::FlowLog": ("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
}  # fmt: skip
"""How each kind of thing that the stacks make is listed: service, operation, member of the answer, name."""


@dataclass
class Rollout:
    """A deploy of the serving stack, and what was to be seen while the canary was watched and afterwards."""

    run: Run
    before: str
    new: str
    canary: Counter[str]
    traffic: Traffic
    served: str
    approved: str
    answer: Answer


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory, small_corpus: Path) -> Iterator[Deployment]:
    """A local cloud whose rollouts wait in real time, with nothing deployed yet."""
    folder = tmp_path_factory.mktemp("prod")
    ntm = ContainerCommands(
        train=(sys.executable, "-m", "training_scripts.train"),
        serve=(sys.executable, str(CONTAINERS / "serve.py")),
    )
    settings = LocalCloudSettings(containers={"ntm": ntm}, rollout_clock_rate=1.0)
    with LocalCloud(home=folder / "home", settings=settings) as cloud:
        yield Deployment(cloud, folder, small_corpus, stage=STAGE)


@pytest.fixture(scope="module")
def first(prod: Deployment) -> Run:
    """The first deploy of all three stacks."""
    run = prod.deploy()
    assert run.exit_code == 0, run.output
    return run


@pytest.fixture(scope="module")
def owned(prod: Deployment, first: Run) -> Run:
    """The stage of the account's owner, for as long as this deploy is the last: it sets up the account's logs."""
    return prod.deploy("TopicModel-prod-Data", account_logs={"retention_days": 731})


@pytest.fixture(scope="module")
def trained(prod: Deployment, owned: Run) -> Run:
    """A deploy with another number of topics: it trains a model that somebody is to approve."""
    return prod.deploy(**FOUR_TOPICS)


@pytest.fixture(scope="module")
def updated(prod: Deployment, trained: Run) -> Rollout:
    """The new model is approved, and the serving stack deployed: the canary is watched, and then all follow."""
    assert trained.exit_code == 0, trained.output
    return roll_out(prod, then=all_follow)


@pytest.fixture(scope="module")
def rolled_back(prod: Deployment, updated: Rollout) -> Rollout:
    """A model that answers 500 is approved and deployed; nobody puts the clock forward, only the alarm ends it."""
    ledger = prod.ledger()
    good = ledger.read(CANDIDATE)
    assert good is not None
    ledger.write(CANDIDATE, good | {"job_name": "broken", "artifact_uri": broken(prod, good["artifact_uri"])})
    return roll_out(prod, then=lambda *_: None)


@pytest.fixture(scope="module")
def destroyed(prod: Deployment, rolled_back: Rollout) -> tuple[Run, dict[str, list[str]]]:
    """The end of the stacks, and what their templates said would be left."""
    promised = retained(prod)
    # The log of the function that set up the account's logs: that went with the setting, its log did not.
    promised["AWS::Logs::LogGroup"] += [
        group for group in found(prod)["AWS::Logs::LogGroup"] if "AccountLogsKeeperLogs" in group
    ]
    return prod.destroy(), promised


Answering = Callable[[int], Counter[str]]


def roll_out(prod: Deployment, *, then: Callable[[Deployment, str, Answering], None]) -> Rollout:
    """Approve the candidate and deploy it while a client calls; `then` is called when the canary is watched."""
    before, candidate, url = prod.served_artifact(), prod.ledger().read(CANDIDATE), prod.function_url()
    assert candidate is not None

    def answering(requests: int) -> Counter[str]:
        """Which models answer so many requests, and how many each; '' is an answer without a model."""
        answers = [prod.ask_documents("butter bread", url=url) for _ in range(requests)]
        return Counter(answer.headers.get("x-model-version", "") for answer in answers)

    subprocess.run(
        [sys.executable, "-m", "training_scripts.pipeline", "approve", "--stage", STAGE],
        cwd=ROOT,
        env=prod.cloud.environment(),
        check=True,
        capture_output=True,
    )
    with ThreadPoolExecutor(1) as deploying, prod.traffic() as traffic:
        deploy = deploying.submit(prod.deploy, SERVING, **FOUR_TOPICS)
        until(lambda: deploy.done() or phase(prod) == "Baking")
        first = len(traffic.models)
        until(lambda: deploy.done() or len(traffic.models) >= first + WATCHED)
        canary = Counter(traffic.models[first : first + WATCHED])
        then(prod, candidate["job_name"], answering)
        run = deploy.result()
    approved = prod.ledger().read(APPROVED)
    return Rollout(
        run=run,
        before=before,
        new=candidate["job_name"],
        canary=canary,
        traffic=traffic,
        served=prod.served_artifact(),
        approved=approved["artifact_uri"] if approved else "",
        answer=prod.ask_documents("onion soup with garlic and pepper"),
    )


def all_follow(prod: Deployment, new: str, answering: Answering) -> None:
    """Let the canary's five minutes pass, and those for which the old hosts are kept afterwards."""
    prod.cloud.advance_clock(CANARY_WAIT_S + 1)
    until(lambda: answering(10) == {new: 10})
    prod.cloud.advance_clock(CANARY_WAIT_S + 1)


def phase(prod: Deployment) -> str:
    """What the endpoint's rollout does now: '' where there is none."""
    told = prod.client("sagemaker").describe_endpoint(EndpointName=endpoint_name(STAGE))
    pending = told.get("PendingDeploymentSummary")
    return str(pending["ProductionVariants"][0]["VariantStatus"][0]["Status"]) if pending else ""


def until(condition: Callable[[], object], timeout_s: float = 240) -> None:
    """Return as soon as the condition is true."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not true within {timeout_s} s"
        time.sleep(0.05)


def broken(prod: Deployment, artifact: str) -> str:
    """Store a copy of a model that is marked as broken, where models are, and return its address."""
    s3 = prod.client("s3")
    bucket, _, key = artifact.removeprefix("s3://").partition("/")
    packed = io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    copied = io.BytesIO()
    with tarfile.open(fileobj=packed) as old, tarfile.open(fileobj=copied, mode="w:gz") as new:
        for member in old.getmembers():
            new.addfile(member, old.extractfile(member))
        new.addfile(tarfile.TarInfo("broken"))
    key = key.replace("/output/", "-broken/output/")
    s3.put_object(Bucket=bucket, Key=key, Body=copied.getvalue())
    return f"s3://{bucket}/{key}"


def retained(prod: Deployment) -> dict[str, list[str]]:
    """What templates of prod say outlives its stack, by type: the physical ids."""
    stacks, kept = prod.client("cloudformation"), dict[str, list[str]]()
    for part in ("Data", "Training", "Serving"):
        name = f"TopicModel-{STAGE}-{part}"
        body = stacks.get_template(StackName=name)["TemplateBody"]
        template = json.loads(body) if isinstance(body, str) else body
        for resource in stacks.describe_stack_resources(StackName=name)["StackResources"]:
            if template["Resources"][resource["LogicalResourceId"]].get("DeletionPolicy") == "Retain":
                kept.setdefault(resource["ResourceType"], []).append(resource["PhysicalResourceId"])
    return {kind: sorted(names) for kind, names in kept.items()}


def found(prod: Deployment) -> dict[str, list[str]]:
    """Everything in the account of the kinds that the stacks make, but for the bootstrap's own."""
    kept = {
        kind: sorted(
            item[name]
            for item in getattr(prod.client(service), call)()[key]
            if not item[name].strip("/").startswith("cdk-")
        )
        for kind, (service, call, key, name) in LISTINGS.items()
    }
    vpcs = prod.client("ec2").describe_vpcs()["Vpcs"]
    # The account's default VPC was there before.
    kept["AWS::EC2::VPC"] = [vpc["VpcId"] for vpc in vpcs if not vpc["IsDefault"]]
    return {kind: names for kind, names in kept.items() if names}


def test_prod_deploys_as_it_is_and_answers(prod: Deployment, first: Run) -> None:
    answer = prod.ask_documents("butter bread oven", "sail ship tide storm")

    assert answer.status == 200
    assert [len(row["topic_weights"]) for row in answer.body["predictions"]] == [3, 3]


def test_functions_training_and_model_are_in_the_stages_own_vpc(prod: Deployment, first: Run) -> None:
    ec2, sagemaker = prod.client("ec2"), prod.client("sagemaker")
    [vpc] = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]
    own = {
        subnet["SubnetId"] for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    }
    [job] = sagemaker.list_training_jobs()["TrainingJobSummaries"]
    placed = [sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])["VpcConfig"]["Subnets"]]
    placed += [
        sagemaker.describe_model(ModelName=model["ModelName"])["VpcConfig"]["Subnets"]
        for model in sagemaker.list_models()["Models"]
    ]
    placed += [function["VpcConfig"]["SubnetIds"] for function in prod.client("lambda").list_functions()["Functions"]]

    assert len(own) == 2
    assert all(set(subnets) == own for subnets in placed)
    assert [log["ResourceId"] for log in ec2.describe_flow_logs()["FlowLogs"]] == [vpc]
    assert (
        ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])["InternetGateways"]
        == []
    )


def test_what_is_asked_is_captured_under_its_own_key_and_read_by_nobody(prod: Deployment, first: Run) -> None:
    s3, iam = prod.client("s3"), prod.client("iam")
    [bucket] = [name for name in found(prod)["AWS::S3::Bucket"] if "captured" in name]
    prod.ask_documents("butter bread oven")
    until(lambda: s3.list_objects_v2(Bucket=bucket).get("KeyCount", 0))
    key = s3.list_objects_v2(Bucket=bucket)["Contents"][0]["Key"]
    head = s3.head_object(Bucket=bucket, Key=key)
    iam.create_user(UserName="administrator")
    iam.put_user_policy(
        UserName="administrator",
        PolicyName="all",
        PolicyDocument=json.dumps({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}),
    )
    made = iam.create_access_key(UserName="administrator")["AccessKey"]
    person = prod.client("s3", key=made["AccessKeyId"], secret=made["SecretAccessKey"])

    assert head["ServerSideEncryption"] == "aws:kms"
    keys = prod.client("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert head["SSEKMSKeyId"] in keys[0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    assert person.list_objects_v2(Bucket=bucket)["KeyCount"] >= 1
    with pytest.raises(ClientError, match="AccessDenied"):
        person.get_object(Bucket=bucket, Key=key)


def test_a_function_without_its_rights_fails(prod: Deployment, first: Run) -> None:
    """Shows that permissions are enforced, so that what works here works by prod's own policies."""
    iam = prod.client("iam")
    [role] = [name for name in found(prod)["AWS::IAM::Role"] if "TopicsRole" in name]
    [policy] = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    try:
        refused = prod.ask_documents("butter bread oven")
    finally:
        iam.attach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])

    assert refused.status >= 500
    assert prod.ask_documents("butter bread oven").status == 200


def shared_log_groups(prod: Deployment) -> dict[str, int | None]:
    """The account's log groups of SageMaker jobs, and how many days they keep their events."""
    groups = prod.client("logs").describe_log_groups(logGroupNamePrefix="/aws/sagemaker/")["logGroups"]
    return {group["logGroupName"]: group.get("retentionInDays") for group in groups if "Jobs" in group["logGroupName"]}


def test_the_account_owners_setting_gives_the_accounts_log_groups_a_retention(prod: Deployment, owned: Run) -> None:
    assert owned.exit_code == 0, owned.output
    assert shared_log_groups(prod) == dict.fromkeys(SHARED, 731)


def test_a_new_model_waits_for_somebodys_approval(prod: Deployment, trained: Run) -> None:
    assert trained.exit_code == 0, trained.output
    assert len(prod.ask_documents("butter bread").body["predictions"][0]["topic_weights"]) == 3


def test_a_tenth_of_the_requests_goes_to_the_new_model_while_the_canary_is_watched(updated: Rollout) -> None:
    assert updated.canary.total() == WATCHED
    # Every tenth is the new model's; which of the callers notes its answer first may differ by a few.
    assert 6 <= updated.canary[updated.new] <= 14


def test_the_update_ends_with_the_new_model_and_no_failed_request(updated: Rollout) -> None:
    assert updated.run.exit_code == 0, updated.run.output
    assert updated.served == updated.approved != updated.before
    assert len(updated.answer.body["predictions"][0]["topic_weights"]) == 4
    assert set(updated.traffic.statuses) == {200}


def test_an_alarm_that_rings_during_the_rollout_brings_the_old_model_back(rolled_back: Rollout) -> None:
    said = " ".join(rolled_back.run.output.split())

    assert rolled_back.run.exit_code != 0
    assert "RolloutAlarmsEndpointErrors" in said
    assert "went into the ALARM state" in said
    assert rolled_back.served == rolled_back.approved == rolled_back.before


def test_after_the_rollback_the_old_model_still_answers(prod: Deployment, rolled_back: Rollout) -> None:
    assert rolled_back.answer.status == 200
    assert {prod.ask_documents("butter bread").status for _ in range(20)} == {200}


def test_most_requests_were_answered_by_the_old_model_all_along(updated: Rollout, rolled_back: Rollout) -> None:
    answered = Counter(rolled_back.traffic.statuses)

    assert answered[200] > 0.8 * answered.total()
    assert {model for model in rolled_back.traffic.models if model} == {updated.new}


def test_destroying_leaves_what_the_templates_retain_and_nothing_else(
    prod: Deployment, destroyed: tuple[Run, dict[str, list[str]]]
) -> None:
    run, promised = destroyed
    assert run.exit_code == 0, run.output
    # One an account and region, everybody's: no stack's to delete.
    promised["AWS::Logs::LogGroup"] = sorted([*promised["AWS::Logs::LogGroup"], *SHARED])

    assert set(promised) == {"AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::S3::BucketPolicy"}
    assert found(prod) == {kind: names for kind, names in promised.items() if kind != "AWS::S3::BucketPolicy"}


def test_buckets_that_are_left_keep_their_policies(
    prod: Deployment, destroyed: tuple[Run, dict[str, list[str]]]
) -> None:
    policies = {
        bucket: prod.client("s3").get_bucket_policy(Bucket=bucket)["Policy"]
        for bucket in found(prod)["AWS::S3::Bucket"]
    }

    assert all("aws:SecureTransport" in policy for policy in policies.values())
    [captured] = [policy for bucket, policy in policies.items() if "captured" in bucket]
    assert "OnlyReadersOnTheList" in captured


def test_the_accounts_log_groups_stay_as_their_owner_set_them_up(
    prod: Deployment, destroyed: tuple[Run, dict[str, list[str]]]
) -> None:
    """The setting was taken back by the deploy after; neither that nor the destruction touched the groups."""
    assert shared_log_groups(prod) == dict.fromkeys(SHARED, 731)


def test_what_is_left_still_holds_corpus_models_and_captured_requests(
    prod: Deployment, destroyed: tuple[Run, dict[str, list[str]]]
) -> None:
    s3 = prod.client("s3")
    held = {
        bucket: [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        for bucket in found(prod)["AWS::S3::Bucket"]
    }

    for name, part in (("corpora", "corpus.json"), ("artifacts", "model.tar.gz"), ("captured", ".jsonl")):
        [keys] = [keys for bucket, keys in held.items() if f"{name}" in bucket]
        assert any(key.endswith(part) for key in keys), name
