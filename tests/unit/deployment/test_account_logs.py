from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from botocore.exceptions import ClientError

from deployment_functions.deploy.account_logs import act
from deployment_functions.deploy.cloudformation import Request

TRAINING, TRANSFORM = "/aws/sagemaker/TrainingJobs", "/aws/sagemaker/TransformJobs"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"


@dataclass
class Account:
    """CloudWatch Logs as far as it is asked: groups with retention and key. Anything else it is asked raises."""

    groups: dict[str, tuple[int | None, str | None]] = field(default_factory=dict)
    refuses: str = ""

    def create_log_group(self, *, logGroupName: str) -> object:
        code = self.refuses or ("ResourceAlreadyExistsException" if logGroupName in self.groups else "")
        if code:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "CreateLogGroup")
        self.groups[logGroupName] = (None, None)
        return {}

    def put_retention_policy(self, *, logGroupName: str, retentionInDays: int) -> object:
        self.groups[logGroupName] = (retentionInDays, self.groups[logGroupName][1])
        return {}

    def associate_kms_key(self, *, logGroupName: str, kmsKeyId: str) -> object:
        self.groups[logGroupName] = (self.groups[logGroupName][0], kmsKeyId)
        return {}


def request(kind: str, **properties: object) -> Request:
    """What CloudFormation sends, which makes text of numbers."""
    asked = {"LogGroups": [TRAINING, TRANSFORM], "RetentionDays": "365", **properties}
    return Request.parse(
        {
            "RequestType": kind,
            "ResourceProperties": asked,
            "LogicalResourceId": "Groups",
            "ResponseURL": "https://example.com",
            "StackId": "stack",
            "RequestId": "request",
        }
    )


def test_groups_that_are_there_get_retention_and_key() -> None:
    account = Account({TRAINING: (None, None), TRANSFORM: (7, "another key")})

    assert act(request("Create", KmsKeyArn=KEY), account)
    assert account.groups == {TRAINING: (365, KEY), TRANSFORM: (365, KEY)}


def test_groups_that_are_not_there_yet_are_made_before_a_job_makes_them() -> None:
    account = Account()

    act(request("Create", KmsKeyArn=KEY), account)

    assert account.groups == {TRAINING: (365, KEY), TRANSFORM: (365, KEY)}


def test_doing_it_twice_is_doing_it_once() -> None:
    account = Account()
    act(request("Create", KmsKeyArn=KEY), account)
    once = dict(account.groups)
    act(request("Update", KmsKeyArn=KEY), account)

    assert account.groups == once


def test_without_a_key_the_groups_stay_under_theirs() -> None:
    account = Account({TRAINING: (None, KEY)})

    act(request("Create"), account)

    assert account.groups == {TRAINING: (365, KEY), TRANSFORM: (365, None)}


def test_deleting_leaves_the_groups_as_they_are() -> None:
    account = Account({TRAINING: (365, KEY), "/somebody/else": (None, None)})

    assert act(request("Delete", KmsKeyArn=KEY), account)
    assert account.groups == {TRAINING: (365, KEY), "/somebody/else": (None, None)}


def test_a_refusal_is_not_taken_for_a_group_that_is_there() -> None:
    with pytest.raises(ClientError, match="AccessDeniedException"):
        act(request("Create"), Account(refuses="AccessDeniedException"))
