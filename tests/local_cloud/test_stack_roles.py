"""A stack's own role: who may hand it to CloudFormation, and what CloudFormation may do by it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import LocalCloud
from tests.local_cloud.support import Account, allow, deny, unique, until

pytestmark = pytest.mark.local_cloud

CLOUDFORMATION = "cloudformation.amazonaws.com"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
PARAMETER = "arn:aws:ssm:us-east-1:000000000000:parameter"
PARAMETERS = "ssm:GetParameters", "ssm:ListTagsForResource"
"""What the handler of a parameter reads back."""


def parameter(name: str, value: str = "one") -> dict[str, Any]:
    return {
        "Parameters": {"Value": {"Type": "String", "Default": value}},
        "Resources": {
            "Kept": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Name": name, "Value": {"Ref": "Value"}},
            }
        },
    }


def role_of(name: str, boundary: str | None = None) -> dict[str, Any]:
    properties = {"RoleName": name, "AssumeRolePolicyDocument": TRUST}
    return {
        "Resources": {
            "Made": {
                "Type": "AWS::IAM::Role",
                "Properties": properties | ({"PermissionsBoundary": boundary} if boundary else {}),
            }
        }
    }


class Stack:
    """A stack, and how an operation on it ends."""

    def __init__(self, account: Account) -> None:
        self.root = account.root("cloudformation")
        self.name = unique("own-role")

    def create(self, template: dict[str, Any], role: str, client: Any = None) -> str:
        (client or self.root).create_stack(
            StackName=self.name,
            TemplateBody=json.dumps(template),
            RoleARN=role,
            Capabilities=["CAPABILITY_NAMED_IAM"],
            OnFailure="DO_NOTHING",
        )
        return self.settled()

    def settled(self) -> str:
        def described() -> str | None:
            status = str(self.root.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"])
            return None if status.endswith("IN_PROGRESS") else status

        ended: str = until(described)
        return ended

    def failures(self) -> str:
        events = self.root.describe_stack_events(StackName=self.name)["StackEvents"]
        return " ".join(str(item.get("ResourceStatusReason")) for item in events if "FAILED" in item["ResourceStatus"])


@pytest.fixture
def stack(account: Account) -> Stack:
    return Stack(account)


def test_a_stack_is_made_by_a_role_that_may_make_what_is_in_it(account: Account, stack: Stack) -> None:
    role = account.role(
        allow("ssm:PutParameter", *PARAMETERS, resource=f"{PARAMETER}/{stack.name}"), service=CLOUDFORMATION
    )

    assert stack.create(parameter(f"/{stack.name}"), role) == "CREATE_COMPLETE"


def test_a_stack_whose_role_lacks_a_right_fails_with_the_action_and_the_resource(
    account: Account, stack: Stack
) -> None:
    role = account.role(allow("ssm:PutParameter", *PARAMETERS, resource=f"{PARAMETER}/other"), service=CLOUDFORMATION)

    assert stack.create(parameter(f"/{stack.name}"), role) == "CREATE_FAILED"
    assert f"not authorized to perform: ssm:PutParameter on resource: {PARAMETER}/{stack.name}" in stack.failures()


@pytest.mark.parametrize(("right", "ended"), [(PARAMETER, "CREATE_FAILED"), (f"{PARAMETER}/*", "CREATE_COMPLETE")])
def test_a_stack_without_a_role_is_made_by_the_rights_of_its_caller(
    account: Account, stack: Stack, right: str, ended: str
) -> None:
    caller = account.user(allow("cloudformation:*"), allow("ssm:PutParameter", *PARAMETERS, resource=right))

    caller("cloudformation").create_stack(
        StackName=stack.name, TemplateBody=json.dumps(parameter(f"/{stack.name}")), OnFailure="DO_NOTHING"
    )

    assert stack.settled() == ended
    refused = f"not authorized to perform: ssm:PutParameter on resource: {PARAMETER}/{stack.name}"
    assert (refused in stack.failures()) is (ended == "CREATE_FAILED")


def test_whoever_executes_a_change_set_is_whose_rights_count(account: Account, stack: Stack) -> None:
    caller = account.user(allow("cloudformation:*"))
    stack.root.create_change_set(
        StackName=stack.name, ChangeSetName="c", ChangeSetType="CREATE",
        TemplateBody=json.dumps(parameter(f"/{stack.name}")),
    )  # fmt: skip

    caller("cloudformation").execute_change_set(StackName=stack.name, ChangeSetName="c")

    assert stack.settled() == "ROLLBACK_COMPLETE"
    assert "ssm:PutParameter" in stack.failures()


def test_roles_are_not_held_to_their_policies_while_somebody_asks_for_it_and_then_again(
    cloud: LocalCloud, account: Account
) -> None:
    role = account.role(allow("ssm:PutParameter", resource=f"{PARAMETER}/other"), service=CLOUDFORMATION)
    within, after = Stack(account), Stack(account)

    with cloud.running.stack_roles_not_held():
        assert within.create(parameter(f"/{within.name}"), role) == "CREATE_COMPLETE"
    assert after.create(parameter(f"/{after.name}"), role) == "CREATE_FAILED"


def test_an_update_that_names_no_role_goes_on_with_the_one_that_the_stack_has(account: Account, stack: Stack) -> None:
    role = account.role(
        allow("ssm:PutParameter", *PARAMETERS, resource=f"{PARAMETER}/{stack.name}"), service=CLOUDFORMATION
    )
    stack.create(parameter(f"/{stack.name}"), role)
    account.root("iam").delete_role_policy(RoleName=role.rpartition("/")[2], PolicyName="p")

    stack.root.update_stack(
        StackName=stack.name,
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "Value", "ParameterValue": "two"}],
    )

    assert stack.settled() == "UPDATE_ROLLBACK_COMPLETE"
    assert account.root("ssm").get_parameter(Name=f"/{stack.name}")["Parameter"]["Value"] == "one"


def test_a_caller_who_may_not_pass_the_role_makes_no_stack_by_it(account: Account, stack: Stack) -> None:
    role = account.role(allow("ssm:*"), service=CLOUDFORMATION)
    caller = account.user(allow("cloudformation:*"))

    with pytest.raises(ClientError, match="iam:PassRole"):
        stack.create(parameter(f"/{stack.name}"), role, caller("cloudformation"))


def test_a_caller_who_may_pass_it_to_cloudformation_does(account: Account, stack: Stack) -> None:
    role = account.role(allow("ssm:*"), service=CLOUDFORMATION)
    passing = allow("iam:PassRole", resource=role) | {
        "Condition": {"StringEquals": {"iam:PassedToService": CLOUDFORMATION}}
    }
    caller = account.user(allow("cloudformation:*"), passing)

    assert stack.create(parameter(f"/{stack.name}"), role, caller("cloudformation")) == "CREATE_COMPLETE"


def test_a_role_that_trusts_another_service_is_refused(account: Account, stack: Stack) -> None:
    with pytest.raises(ClientError, match="cannot be assumed"):
        stack.create(parameter(f"/{stack.name}"), account.role(allow("ssm:*"), service="lambda.amazonaws.com"))


def test_a_right_to_update_can_be_held_to_one_role(account: Account, stack: Stack) -> None:
    right, wrong = (account.role(allow("ssm:*"), service=CLOUDFORMATION) for _ in range(2))
    stack.create(parameter(f"/{stack.name}"), right)
    updating = allow("cloudformation:UpdateStack") | {"Condition": {"StringEquals": {"cloudformation:RoleArn": right}}}
    caller = account.user(updating, allow("iam:PassRole"))("cloudformation")
    update = {
        "StackName": stack.name,
        "UsePreviousTemplate": True,
        "Parameters": [{"ParameterKey": "Value", "ParameterValue": "two"}],
    }

    for named in ({}, {"RoleARN": wrong}):
        with pytest.raises(ClientError, match="not authorized to perform: cloudformation:UpdateStack"):
            caller.update_stack(**update, **named)
    caller.update_stack(**update, RoleARN=right)
    assert stack.settled() == "UPDATE_COMPLETE"


def test_a_role_is_made_within_its_boundary_or_not_at_all(account: Account, stack: Stack) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow("ssm:GetParameter")]})
    policy = account.root("iam").create_policy(PolicyName=unique("boundary"), PolicyDocument=document)["Policy"]["Arn"]
    making = allow("iam:CreateRole") | {"Condition": {"StringEquals": {"iam:PermissionsBoundary": policy}}}
    reading = allow("iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies")
    role = account.role(making, reading, service=CLOUDFORMATION)
    bounded, free = unique("bounded"), unique("free")

    assert stack.create(role_of(bounded, policy), role) == "CREATE_COMPLETE", stack.failures()
    told = account.root("iam").get_role(RoleName=bounded)["Role"]["PermissionsBoundary"]
    assert told["PermissionsBoundaryArn"] == policy
    assert Stack(account).create(role_of(free), role) == "CREATE_FAILED"
    with pytest.raises(ClientError):
        account.root("iam").get_role(RoleName=free)


@pytest.mark.parametrize("action", ["ssm:PutParameter", "ssm:GetParameters", "ssm:AddTagsToResource"])
def test_a_stack_fails_for_one_permission_that_a_handler_lacks_also_one_to_read_back(
    account: Account, stack: Stack, action: str
) -> None:
    role = account.role(allow("*"), deny(action), service=CLOUDFORMATION)
    template = parameter(f"/{stack.name}")
    template["Resources"]["Kept"]["Properties"]["Tags"] = {"stage": "dev"}

    assert stack.create(template, role) == "CREATE_FAILED"
    assert f"not authorized to perform: {action} on" in stack.failures()


def test_a_resource_is_not_removed_without_the_right_to_remove_it(account: Account, stack: Stack) -> None:
    role = account.role(allow("*"), deny("ssm:DeleteParameter"), service=CLOUDFORMATION)
    stack.create(parameter(f"/{stack.name}"), role)

    stack.root.delete_stack(StackName=stack.name)

    assert stack.settled() == "DELETE_FAILED"
    assert "not authorized to perform: ssm:DeleteParameter" in stack.failures()


def test_a_new_stack_of_an_old_name_is_not_held_to_the_old_ones_role(account: Account, stack: Stack) -> None:
    role = account.role(allow("ssm:*"), service=CLOUDFORMATION)
    stack.create(parameter(f"/{stack.name}"), role)
    stack.root.delete_stack(StackName=stack.name)
    until(lambda: not account.root("ssm").describe_parameters(
        ParameterFilters=[{"Key": "Name", "Values": [f"/{stack.name}"]}])["Parameters"])  # fmt: skip
    account.root("iam").delete_role_policy(RoleName=role.rpartition("/")[2], PolicyName="p")

    stack.root.create_stack(StackName=stack.name, TemplateBody=json.dumps(parameter(f"/{stack.name}")))
    assert stack.settled() == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("kind", "setting", "action"),
    [
        ("AWS::Logs::LogGroup", "RetentionInDays", "logs:PutRetentionPolicy"),
        ("AWS::SNS::Topic", "DisplayName", "sns:SetTopicAttributes"),
        ("AWS::SQS::Queue", "DelaySeconds", "sqs:GetQueueAttributes"),
    ],
)
def test_an_update_without_one_permission_of_its_handler_is_rolled_back(
    account: Account, stack: Stack, kind: str, setting: str, action: str
) -> None:
    def template(value: int) -> dict[str, Any]:
        return {"Resources": {"Kept": {"Type": kind, "Properties": {setting: value}}}}

    role = account.role(allow("*"), service=CLOUDFORMATION)
    assert stack.create(template(1), role) == "CREATE_COMPLETE"
    denied = json.dumps({"Version": "2012-10-17", "Statement": [deny(action)]})
    account.root("iam").put_role_policy(RoleName=role.rpartition("/")[2], PolicyName="narrower", PolicyDocument=denied)

    stack.root.update_stack(StackName=stack.name, TemplateBody=json.dumps(template(3)))

    assert stack.settled() == "UPDATE_ROLLBACK_COMPLETE"
    assert f"not authorized to perform: {action} on" in stack.failures()
