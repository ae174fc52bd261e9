from __future__ import annotations

import json

import pytest
from aws_cdk.assertions import Match

from rules.log_groups import SHARED
from stacks.settings import cdk_json
from stacks.settings.errors import SynthError
from tests.templates.conftest import Synthesize, Templates

KEY = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"


@pytest.fixture(scope="module")
def owner(synthesize: Synthesize) -> Templates:
    """A stage whose owner is the account's too, in a VPC of its own."""
    return synthesize({"account_logs": {"kms_key_arn": KEY}, "network": {"kind": "own"}})


def test_a_stage_that_is_not_the_account_owners_does_not_touch_the_accounts_log_groups(dev: Templates) -> None:
    dev["data"].resource_count_is("Custom::AccountLogGroups", 0)
    assert "AccountLogs" not in json.dumps(dev["data"].to_json())


def test_no_template_makes_the_accounts_log_groups_so_that_none_deletes_them(owner: Templates) -> None:
    for template in owner.values():
        groups = template.find_resources("AWS::Logs::LogGroup").values()
        assert [group for group in groups if group["Properties"].get("LogGroupName") in SHARED] == []


def test_the_account_owners_stage_asks_for_a_years_retention_and_its_key(owner: Templates) -> None:
    owner["data"].has_resource_properties(
        "Custom::AccountLogGroups",
        {"LogGroups": list(SHARED), "RetentionDays": 365, "KmsKeyArn": KEY},
    )


def test_a_function_of_its_own_may_set_them_up_and_delete_nothing(owner: Templates) -> None:
    policies = owner["data"].find_resources("AWS::IAM::ManagedPolicy")
    [policy] = [policy for name, policy in policies.items() if name.startswith("AccountLogs")]
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    [about_groups] = [each for each in statements if "logs:PutRetentionPolicy" in each["Action"]]

    assert about_groups["Action"] == ["logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:PutRetentionPolicy"]
    assert [resource["Fn::Join"][1][-1] for resource in about_groups["Resource"]] == [
        f":log-group:{group}:*" for group in sorted(SHARED)
    ]
    assert "logs:Delete" not in json.dumps(statements)


def test_in_a_vpc_of_its_own_the_function_reaches_cloudwatch_logs_for_just_that(
    owner: Templates, dev: Templates
) -> None:
    owner["data"].has_resource_properties(
        "AWS::EC2::VPCEndpoint",
        {
            "ServiceName": {"Fn::Join": ["", Match.array_with([".logs"])]},
            "PolicyDocument": {
                "Statement": [
                    Match.object_like(
                        {"Action": ["logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:PutRetentionPolicy"]}
                    )
                ]
            },
        },
    )


def test_a_key_that_is_no_arn_is_refused() -> None:
    with pytest.raises(SynthError, match=r"account_logs.kms_key_arn is 'alias/mine'"):
        cdk_json.load({"dev": {"account_logs": {"kms_key_arn": "alias/mine"}}}, stage="dev")
