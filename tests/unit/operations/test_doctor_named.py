from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import boto3
import pytest
from botocore.stub import Stubber

from operations.doctor import named
from operations.doctor.checks import Answer, Place
from operations.ports import Client
from stacks.data.policy_statements import Statement, of_access_logs, of_named_key
from stacks.settings.stage import StageSettings

KEY = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
BUCKET = "archive"
CALLER = "arn:aws:sts::123456789012:assumed-role/Deployer/session"
HOME = named.home(CALLER, "eu-west-1")
GOOD = {"KeyId": "1", "KeyState": "Enabled", "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT"}
SETTINGS = StageSettings.model_validate({"keys": {"operations": KEY}, "organisation": {"access_log_bucket": BUCKET}})
NEEDED = of_named_key("operations", SETTINGS, HOME)
LOGS = of_access_logs(BUCKET, "dev", HOME)


def client(service: str, *answers: tuple[str, Mapping[str, object] | str]) -> Client:
    """A client that gives these answers in turn; a text is the code of an error."""
    made: Any = boto3.client(service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="y")
    stub = Stubber(made)
    for operation, answer in answers:
        if isinstance(answer, str):
            stub.add_client_error(operation, service_error_code=answer)
        else:
            stub.add_response(operation, dict(answer))
    stub.activate()
    return cast("Client", made)


def place(region: str = "eu-west-1", settings: StageSettings = SETTINGS) -> Place:
    return Place(region, settings, "dev")


def of_key(*statements: Mapping[str, object], **metadata: str) -> Answer:
    kms = client(
        "kms",
        ("describe_key", {"KeyMetadata": {**GOOD, **metadata}}),
        ("get_key_policy", {"Policy": json.dumps({"Statement": list(statements)})}),
    )
    [answer] = named.keys_may_be_used(kms, place(), HOME)
    return answer


def of_bucket(
    policy: list[Mapping[str, object]] | str, *, encryption: str = "AES256", region: str = "eu-west-1"
) -> Answer:
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": encryption}}]
    answer = policy if isinstance(policy, str) else {"Policy": json.dumps({"Statement": policy})}
    s3 = client(
        "s3",
        ("get_bucket_location", {"LocationConstraint": region}),
        ("get_bucket_encryption", {"ServerSideEncryptionConfiguration": {"Rules": rules}}),
        ("get_bucket_policy", answer),
    )
    return named.access_logs_are_taken(s3, place(), HOME)


def test_a_stage_that_makes_its_own_is_good() -> None:
    own = place(settings=StageSettings())

    assert [each.outcome for each in named.keys_may_be_used(client("kms"), own, HOME)] == ["good"]
    assert named.access_logs_are_taken(client("s3"), own, HOME).outcome == "good"


def test_a_key_whose_policy_has_every_statement_is_good() -> None:
    assert of_key(*NEEDED).outcome == "good"


def test_rights_in_other_words_are_good() -> None:
    root = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "kms:*", "Resource": "*"}
    services = [
        {**each, "Action": ["kms:Decrypt*", "KMS:Describe*", "kms:Enc*", "kms:Generate*", "kms:Re*"]}
        for each in NEEDED[1:]
    ]

    assert of_key(root, *services).outcome == "good"


@pytest.mark.parametrize("left_out", range(len(NEEDED)))
def test_what_a_policy_lacks_is_printed_as_the_statement_to_add(left_out: int) -> None:
    answer = of_key(*(each for number, each in enumerate(NEEDED) if number != left_out))

    assert answer.outcome == "bad"
    assert json.dumps(NEEDED[left_out]) in answer.says
    assert json.dumps(NEEDED[left_out - 1]) not in answer.says


def test_one_service_too_few_is_missing() -> None:
    fewer: Statement = {**NEEDED[2], "Principal": {"Service": "events.amazonaws.com"}}

    assert of_key(*NEEDED[:2], fewer).outcome == "bad"


@pytest.mark.parametrize(
    "changed",
    [
        {"Condition": {"StringEquals": {"kms:CallerAccount": "123456789012"}}},
        {"Principal": {"AWS": "arn:aws:iam::123456789012:role/one"}},
    ],
    ids=["a condition of its own", "roles one by one"],
)
def test_what_cannot_be_verified_is_said_to_be(changed: Mapping[str, object]) -> None:
    answer = of_key({**NEEDED[0], **changed}, *NEEDED[1:])

    assert answer.outcome == "unknown"
    assert "RolesOfThisAccount" in answer.says


def test_exceptions_and_denials_are_not_taken_for_rights() -> None:
    beside = {"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::123456789012:role/x"}, "Action": "kms:*"}
    denial = {"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}

    assert of_key(beside).outcome == "unknown"
    assert of_key(*NEEDED, denial).outcome == "unknown"


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({"KeyState": "PendingDeletion"}, "is PendingDeletion"),
        ({"KeySpec": "RSA_2048"}, "a symmetric one"),
        ({"KeyUsage": "GENERATE_VERIFY_MAC", "KeySpec": "HMAC_256"}, "a symmetric one"),
    ],
)
def test_a_key_that_cannot_encrypt_is_bad(metadata: dict[str, str], says: str) -> None:
    answer = of_key(*NEEDED, **metadata)

    assert answer.outcome == "bad"
    assert says in answer.says


def test_a_key_of_another_region_is_bad_and_not_asked_for() -> None:
    [answer] = named.keys_may_be_used(client("kms"), place("us-east-1"), HOME)

    assert answer.outcome == "bad"
    assert "another region" in answer.says


def test_a_policy_that_may_not_be_read_is_unknown_with_the_statements() -> None:
    kms = client("kms", ("describe_key", {"KeyMetadata": GOOD}), ("get_key_policy", "AccessDeniedException"))
    [answer] = named.keys_may_be_used(kms, place(), HOME)

    assert answer.outcome == "unknown"
    assert json.dumps(NEEDED) in answer.says


def test_a_log_bucket_that_takes_the_stages_logs_is_good_also_where_it_refuses_plain_http() -> None:
    tls = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }  # fmt: skip

    assert of_bucket([LOGS, tls]).outcome == "good"
    assert of_bucket([{**LOGS, "Resource": f"arn:aws:s3:::{BUCKET}/*", "Condition": {}}]).outcome == "good"


@pytest.mark.parametrize(
    ("answer", "outcome", "says"),
    [
        (lambda: of_bucket("NoSuchBucketPolicy"), "bad", "s3:PutObject"),
        (lambda: of_bucket([{**LOGS, "Resource": f"arn:aws:s3:::{BUCKET}/elsewhere/*"}]), "bad", "s3:PutObject"),
        (lambda: of_bucket([LOGS], encryption="aws:kms"), "bad", "SSE-S3"),
        (lambda: of_bucket([LOGS], region="us-west-2"), "bad", "is in us-west-2"),
        (lambda: of_bucket("AccessDenied"), "unknown", "s3:PutObject"),
    ],
    ids=["no policy", "another prefix", "KMS", "another region", "not to be read"],
)
def test_a_log_bucket_that_loses_logs_is_bad(answer: Any, outcome: str, says: str) -> None:
    found = answer()

    assert found.outcome == outcome
    assert says in found.says


def test_a_partition_has_its_own_names() -> None:
    assert named.home("arn:aws-cn:iam::123456789012:role/x", "cn-north-1").dns_suffix == "amazonaws.com.cn"
