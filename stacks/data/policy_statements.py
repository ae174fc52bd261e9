"""What policies of keys and of a log bucket say, as plain statements: CDK writes them, `make doctor` looks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from stacks.shared.names import stack_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rules.model import JsonValue
    from stacks.settings.stage import StageSettings

Statement: TypeAlias = "dict[str, JsonValue]"
"""One statement of a policy, as JSON."""

ROLES_ACTIONS: Final = (
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
)
"""All that policies of the stage's roles, and CloudFormation's, say of keys."""


@dataclass(frozen=True)
class Home:
    """Where a stage is: of CDK, tokens; of `make doctor`, values."""

    partition: str
    region: str
    account: str
    dns_suffix: str
    """`amazonaws.com`, or what a partition has in its place."""

    def arn(self, service: str, resource: str) -> str:
        """Return an ARN of the region and account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def of_own_key(purpose: str, settings: StageSettings, home: Home) -> list[Statement]:
    """Return what the policy of the stage's own key says beside CDK's statement for the account.

    Args:
        purpose: `data`, `operations` or `capture`, as in the setting `keys`.
        settings: the stage's.
        home: where it is.
    """
    if purpose == "operations":
        return [_log_groups(home), _alarms_and_events(home)]
    if purpose == "data" and settings.similar is not None and settings.similar.store == "s3-vectors":
        return [_vector_indexes(home)]
    return []


def of_named_key(purpose: str, settings: StageSettings, home: Home) -> list[Statement]:
    """Return what the policy of a named key must say: the account's policies decide, and the services' statements."""
    roles = _allow("RolesOfThisAccount", {"AWS": f"arn:{home.partition}:iam::{home.account}:root"}, ROLES_ACTIONS, None)
    return [roles, *of_own_key(purpose, settings, home)]


def access_log_prefix(stage: str) -> str:
    """Return what a stage's keys begin with in a log bucket that it shares with others."""
    return f"{stack_prefix(stage)}/"


def of_access_logs(bucket: str, stage: str, home: Home) -> Statement:
    """Return what the policy of a named bucket of access logs must say.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """
    objects = f"arn:{home.partition}:s3:::{bucket}/{access_log_prefix(stage)}*"
    sources: Statement = {
        "ArnLike": {"aws:SourceArn": f"arn:{home.partition}:s3:::{stack_prefix(stage).lower()}-data-*"}
    }
    service = {"Service": "logging.s3.amazonaws.com"}
    condition = _of_account(home) | sources
    return {**_allow("AccessLogs", service, ["s3:PutObject"], condition), "Resource": objects}


def _log_groups(home: Home) -> Statement:
    actions = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    groups: Statement = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": home.arn("logs", "log-group:*")}}
    return _allow("LogGroupsOfThisAccount", {"Service": f"logs.{home.region}.{home.dns_suffix}"}, actions, groups)


def _alarms_and_events(home: Home) -> Statement:
    services: Statement = {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]}
    actions = ["kms:Decrypt", "kms:GenerateDataKey*"]
    return _allow("AlarmsAndEventsOfThisAccount", services, actions, _of_account(home))


def _vector_indexes(home: Home) -> Statement:
    """Let S3 Vectors index in the background, for this account's buckets only.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-data-encryption.html
    """
    condition = _of_account(home) | {"ArnLike": {"aws:SourceArn": home.arn("s3vectors", "bucket/*")}}
    service = {"Service": "indexing.s3vectors.amazonaws.com"}
    return _allow("VectorIndexesOfThisAccount", service, ["kms:Decrypt", "kms:GenerateDataKey"], condition)


def _of_account(home: Home) -> dict[str, JsonValue]:
    return {"StringEquals": {"aws:SourceAccount": home.account}}


def _allow(
    sid: str, principal: Mapping[str, JsonValue], actions: Sequence[str], condition: Mapping[str, JsonValue] | None
) -> Statement:
    statement: Statement = {
        "Sid": sid, "Effect": "Allow", "Principal": dict(principal), "Action": list(actions), "Resource": "*",
    }  # fmt: skip
    return statement if condition is None else {**statement, "Condition": dict(condition)}
