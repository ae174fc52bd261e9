"""Stage prod as cdk.json has it, from its first deploy to its destruction; each fixture is a step, in this order.

Own VPC, capture, canary, two hosts, approval by a person. Only the corpus and the model are small. The canary waits its
five minutes by the clock of rollouts, which the tests put forward.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local_cloud.cloud import LocalCloud
from local_cloud.shared.settings import ContainerCommands, LocalCloudSettings
from rules.log_groups import SHARED
from tests.end_to_end.account import found, retained, shared_log_groups
from tests.end_to_end.deployment import FOUR_TOPICS, Deployment, Run
from tests.end_to_end.rollouts import PATIENCE_S, STAGE, WATCHED, Rollout, all_follow, broken, roll_out
from tests.local_cloud.support import until

from deployment_functions.model_fields import CANDIDATE

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow]

CONTAINERS = Path(__file__).parent / "containers"


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
    until(lambda: s3.list_objects_v2(Bucket=bucket).get("KeyCount", 0), PATIENCE_S)
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
    assert updated.traffic.problems == []


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
