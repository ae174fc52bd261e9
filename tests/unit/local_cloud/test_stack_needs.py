from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local_cloud.cloudformation import stack_roles
from local_cloud.cloudformation.permission_rules import ONLY_WITH, With, is_needed
from local_cloud.cloudformation.resource_schemas import CONDITIONS, replaces, resource_schemas
from local_cloud.cloudformation.stack_needs import Change, Verb, needs
from local_cloud.shared import emulated_identity, private_names
from local_cloud.shared.emulator import Scope, within

SCOPE = Scope("000000000000", "us-east-1")
ROLE = "arn:aws:iam::000000000000:role/deploys"
VERBS: tuple[Verb, ...] = ("create", "update", "delete")
IDENTITY: dict[str, Any] = {
    # What a template names a resource by, or what it belongs to.
    "Bucket": "bucket",
    "Code": {"S3Bucket": "code", "S3Key": "function.zip"},
    "DefinitionS3Location": {"Bucket": "code", "Key": "machine.json"},
    "EndpointConfigName": "config",
    "FunctionName": "function",
    "GroupId": "sg-1",
    "Queues": ["https://sqs.us-east-1.amazonaws.com/000000000000/queue"],
    "ResourceId": "endpoint/topics/variant/AllTraffic",
    "RoleArn": "arn:aws:iam::000000000000:role/passed",
    "Target": {"RoleArn": "arn:aws:iam::000000000000:role/passed"},
    "TargetKeyId": "arn:aws:kms:us-east-1:000000000000:key/1",
    "TopicArn": "arn:aws:sns:us-east-1:000000000000:topic",
    "Topics": ["arn:aws:sns:us-east-1:000000000000:topic"],
}


def at(path: str, value: object) -> dict[str, Any]:
    first, _, rest = path.partition("/")
    return {first: at(rest, value) if rest else value}


def satisfying(rule: With) -> dict[str, Any]:
    """Properties with which a permission of a rule is needed."""
    listed = rule.paths[0] in {"Roles", "Users", "Groups", "ManagedPolicyArns", "Policies"}
    return {} if rule.how == "unset" else at(rule.paths[0], rule.value or (["one"] if listed else "one"))


def needing(kind: str, permission: str) -> dict[str, Any]:
    """Properties of a type with which its handlers need a permission."""
    rule = next((rule for rule, permissions in ONLY_WITH.get(kind, {}).items() if permission in permissions), None)
    own = satisfying(rule) if rule else {}
    merged = {**IDENTITY, **own, "Tags": [{"Key": "stage", "Value": "dev"}]}
    return {
        name: {**IDENTITY[name], **value} if isinstance(value, dict) and name in IDENTITY else value
        for name, value in merged.items()
    }


def change(kind: str, verb: Verb, properties: dict[str, Any]) -> Change:
    after = dict(IDENTITY) if verb == "update" else properties
    physical_id = "" if verb == "create" else "made"
    return Change(verb, kind, "Logical", physical_id, after, "stack", SCOPE, properties if verb == "update" else None)


def handler_permissions() -> list[tuple[str, Verb, str]]:
    return [
        (kind, verb, permission)
        for kind, schema in resource_schemas().items()
        for verb in VERBS
        for permission in schema.permissions(verb)
    ]


@pytest.fixture
def deploying(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The record of the role by which the stack is deployed."""
    record: dict[str, Any] = {"Arn": ROLE, "RoleName": "deploys", "InlinePolicies": {}, "AttachedPolicies": []}
    monkeypatch.setitem(stack_roles._roles, (SCOPE, "stack"), ROLE)
    with within(SCOPE):
        private_names.IAM_ROLES.get()["deploys"] = record
        yield record
        del private_names.IAM_ROLES.get()["deploys"]


def allowing_all_but(permission: str) -> dict[str, Any]:
    return {"p": {"Statement": [{"Effect": "Allow", "NotAction": permission, "Resource": "*"}]}}


def refusal(asked: Change) -> str:
    try:
        stack_roles.require(asked)
    except ValueError as refused:
        return str(refused)
    return ""


def test_a_role_that_lacks_one_permission_of_a_handler_is_caught_for_each_type(deploying: dict[str, Any]) -> None:
    missed = []
    for kind, verb, permission in handler_permissions():
        deploying["InlinePolicies"] = allowing_all_but(permission)
        if f"not authorized to perform: {permission} on resource: " not in refusal(
            change(kind, verb, needing(kind, permission))
        ):
            missed.append((kind, verb, permission))

    assert not missed


def test_a_role_that_may_do_everything_passes_each_type(deploying: dict[str, Any]) -> None:
    deploying["InlinePolicies"] = allowing_all_but("none:Such")

    for kind, verb, permission in handler_permissions():
        stack_roles.require(change(kind, verb, needing(kind, permission)))


def test_the_boundary_of_the_role_binds_it(deploying: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    deploying["InlinePolicies"] = allowing_all_but("none:Such")
    boundary = [[private_names.PrivateName("core.iam_evaluator", "parse_policy_document").get()(
        allowing_all_but("sqs:CreateQueue")["p"])]]  # fmt: skip
    monkeypatch.setattr("ministack.core.iam_evaluator._permissions_boundary", lambda *_: [boundary[0]])

    with pytest.raises(ValueError, match="sqs:CreateQueue .* because no permissions boundary allows"):
        stack_roles.require(change("AWS::SQS::Queue", "create", {}))


def test_each_rule_names_a_permission_that_a_handler_or_a_service_asks_for() -> None:
    for kind, rules in ONLY_WITH.items():
        schema = resource_schemas()[kind]
        asked = {permission for handler in schema.handlers.values() for permission in handler}
        for permissions in rules.values():
            beside = {permission for permission in permissions if permission.startswith("sagemaker:")}
            assert {*permissions} - beside <= asked, kind


def test_a_permission_of_a_property_that_is_not_set_is_exempt() -> None:
    function = "AWS::Lambda::Function"

    assert not is_needed(function, "ec2:DescribeNetworkInterfaces", {"Role": "r"}, {})
    assert is_needed(function, "ec2:DescribeNetworkInterfaces", {"VpcConfig": {"SubnetIds": ["s"]}}, {})
    assert not is_needed(function, "lambda:TagResource", {}, {"Tags": [{"Key": "aws:cloudformation:x", "Value": "y"}]})
    assert is_needed(function, "lambda:TagResource", {}, {"Tags": [{"Key": "stage", "Value": "dev"}]})


def test_a_boundary_that_stays_needs_no_right_to_remove_it() -> None:
    role, bounded = "AWS::IAM::Role", {"PermissionsBoundary": "arn:aws:iam::000000000000:policy/b"}

    assert not is_needed(role, "iam:DeleteRolePermissionsBoundary", bounded, {**bounded, "Description": "new"})
    assert is_needed(role, "iam:DeleteRolePermissionsBoundary", bounded, {})


def test_whoever_registers_a_scalable_target_is_asked_for_what_scaling_does() -> None:
    target = {"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/Topics/variant/AllTraffic"}
    asked = {
        need.action: need for need in needs(change("AWS::ApplicationAutoScaling::ScalableTarget", "create", target))
    }

    assert {
        "cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm",
        "sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig",
        "sagemaker:UpdateEndpointWeightsAndCapacities",
        "iam:CreateServiceLinkedRole",
    } <= asked.keys()  # fmt: skip
    assert "iam:PassRole" not in asked
    assert asked["sagemaker:UpdateEndpointWeightsAndCapacities"].resource.endswith(":endpoint/topics")
    with_role = needs(change("AWS::ApplicationAutoScaling::ScalableTarget", "create", {**target, "RoleARN": ROLE}))
    assert ("iam:PassRole", ROLE) in {(need.action, need.resource) for need in with_role}
    assert "iam:CreateServiceLinkedRole" not in {need.action for need in with_role}


def test_a_linked_role_that_is_there_needs_nobody_to_make_it(deploying: dict[str, Any]) -> None:
    deploying["InlinePolicies"] = allowing_all_but("iam:CreateServiceLinkedRole")
    target = change("AWS::ApplicationAutoScaling::ScalableTarget", "create", {"ResourceId": "endpoint/t/variant/v"})
    with pytest.raises(ValueError, match="iam:CreateServiceLinkedRole"):
        stack_roles.require(target)

    [linked] = [need.resource for need in needs(target) if need.action == "iam:CreateServiceLinkedRole"]
    name = linked.rpartition("/")[2]
    private_names.IAM_ROLES.get()[name] = {"Arn": linked, "RoleName": name}
    try:
        stack_roles.require(target)
    finally:
        del private_names.IAM_ROLES.get()[name]


def test_tags_reach_the_conditions_of_policies() -> None:
    tagged = {"Tags": [{"Key": "stage", "Value": "dev"}], "ModelName": "M"}
    made = {need.action: dict(need.keys) for need in needs(change("AWS::SageMaker::Model", "create", tagged))}
    removed = {need.action: dict(need.keys) for need in needs(change("AWS::SageMaker::Model", "delete", tagged))}

    assert made["sagemaker:CreateModel"] == {"aws:RequestTag/stage": "dev"}
    assert made["sagemaker:DescribeModel"] == {"aws:ResourceTag/stage": "dev"}
    assert removed["sagemaker:DeleteModel"] == {"aws:ResourceTag/stage": "dev"}


def test_each_property_that_may_replace_has_its_condition() -> None:
    named = {(kind, path) for kind, schema in resource_schemas().items() for path in schema.conditional_create_only}

    assert named == CONDITIONS.keys()


@pytest.mark.parametrize(
    ("kind", "old", "new", "replaced"),
    [
        ("AWS::EC2::VPC", {"InstanceTenancy": "default"}, {"InstanceTenancy": "dedicated"}, True),
        ("AWS::EC2::VPC", {"InstanceTenancy": "dedicated"}, {"InstanceTenancy": "default"}, False),
        ("AWS::Events::Rule", {}, {"EventBusName": "default"}, False),
        ("AWS::Events::Rule", {}, {"EventBusName": "other"}, True),
        ("AWS::Lambda::Function", {}, {"DurableConfig": {"ExecutionTimeout": 1}}, True),
        ("AWS::EC2::Subnet", {}, {"Ipv6CidrBlock": "2001:db8::/64"}, False),
    ],
)  # fmt: skip
def test_a_conditional_property_replaces_only_under_its_condition(
    kind: str, old: dict[str, Any], new: dict[str, Any], replaced: bool
) -> None:
    assert replaces(kind, old, new) is replaced


def test_the_reason_says_who_may_not_do_what(deploying: dict[str, Any]) -> None:
    deploying["InlinePolicies"] = {"p": {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}}

    denial = emulated_identity.role_denial(ROLE, SCOPE, "sqs:CreateQueue", "arn:aws:sqs:us-east-1:0:q", {})
    assert denial == "with an explicit deny in an identity-based policy"
