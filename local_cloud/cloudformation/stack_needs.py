"""What CloudFormation needs to make, change and remove a resource: actions, on which ARN, with which condition keys.

By https://docs.aws.amazon.com/service-authorization, for the types that have a role of the project's own to deploy
them. What a handler reads back is left out, as MiniStack reads nothing back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from local_cloud.shared.wire import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_cloud.shared.emulator import Scope
    from local_cloud.shared.wire import JsonObject

Verb = Literal["create", "update", "delete"]
_SUFFIX = "X1X2X3X4X5X6"
"""Stands for the suffix of a generated name, which is not known before."""


@dataclass(frozen=True)
class Need:
    """One right."""

    action: str
    resource: str
    keys: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Change:
    """What is done to one resource.

    Attributes:
        physical_id: '' for a creation.
        stack: its stack's name.
        old: its properties before an update.
    """

    verb: Verb
    type: str
    logical_id: str
    physical_id: str
    properties: JsonObject
    stack: str
    scope: Scope
    old: JsonObject | None = None

    @property
    def node(self) -> Node:
        """Its properties, typed."""
        return Node(self.properties)

    def name(self, property_name: str) -> str:
        """Return the name that the template gives, the one that it has, or one as CloudFormation makes them."""
        given = self.node.text(property_name) if property_name in self.node else ""
        return given or self.physical_id or f"{self.stack}-{self.logical_id}-{_SUFFIX}"

    def changed(self, property_name: str) -> bool:
        """Tell whether a property is given, and was not so before."""
        return self.properties.get(property_name) not in (None, [], {}) and (
            self.old is None or self.old.get(property_name) != self.properties[property_name]
        )

    def arn(self, service: str, resource: str) -> str:
        """Return an ARN of the account, in its region where the service has regions."""
        arn = self.scope.arn(service, resource)
        return arn.replace(f":{self.scope.region}:", "::") if service == "iam" or "dashboard/" in resource else arn

    def is_tagged(self) -> bool:
        """Tell whether tags are set, other than those that CloudFormation itself puts everywhere."""
        given = [tag.text("Key") for tag in self.node.nodes("Tags")]
        return self.changed("Tags") and any(not key.startswith("aws:") for key in given)

    def tag_keys(self, kind: str) -> tuple[tuple[str, str], ...]:
        """Return the condition keys of the resource's tags: RequestTag where it is made, ResourceTag later."""
        return tuple((f"aws:{kind}/{tag.text('Key')}", tag.text("Value")) for tag in self.node.nodes("Tags"))


def needs(change: Change) -> list[Need]:
    """Return what a change takes; nothing for types that are not known here."""
    if change.type.startswith("Custom::") or change.type == "AWS::CloudFormation::CustomResource":
        return [Need("lambda:InvokeFunction", change.node.text("ServiceToken"))]
    known = _BY_TYPE.get(change.type)
    return list(known(change)) if known is not None else []


def known_types() -> frozenset[str]:
    """Return the types whose needs are known, custom resources aside."""
    return frozenset(_BY_TYPE)


def _simple(
    service: str, resource: Callable[[Change], str], *, create: str, delete: str, update: str = ""
) -> Callable[[Change], Iterator[Need]]:
    """Return the needs of a type each of whose changes is one operation."""

    def of(change: Change) -> Iterator[Need]:
        action = {"create": create, "update": update or create, "delete": delete}[change.verb]
        yield Need(f"{service}:{action}", change.arn(service, resource(change)))

    return of


def _role(change: Change) -> Iterator[Need]:
    arn = change.arn("iam", f"role/{change.name('RoleName')}")
    boundary = change.node.text("PermissionsBoundary") if "PermissionsBoundary" in change.node else ""
    keys = (("iam:PermissionsBoundary", boundary),) if boundary else ()
    if change.verb == "create":
        yield Need("iam:CreateRole", arn, keys)
    elif change.verb == "delete":
        yield Need("iam:DeleteRole", arn)
    else:
        for name, action in (
            ("AssumeRolePolicyDocument", "iam:UpdateAssumeRolePolicy"),
            ("Description", "iam:UpdateRole"),
        ):
            if change.changed(name):
                yield Need(action, arn)
        if change.changed("PermissionsBoundary"):
            yield Need("iam:PutRolePermissionsBoundary", arn, keys)
    if change.verb != "delete" and change.is_tagged():
        yield Need("iam:TagRole", arn)


def _policy(change: Change) -> Iterator[Need]:
    name = change.name("ManagedPolicyName")
    arn = name if name.startswith("arn:") else change.arn("iam", f"policy/{name}")
    action = {"create": "CreatePolicy", "update": "CreatePolicyVersion", "delete": "DeletePolicy"}[change.verb]
    yield Need(f"iam:{action}", arn)
    attach = "iam:DetachRolePolicy" if change.verb == "delete" else "iam:AttachRolePolicy"
    if change.verb == "delete" or change.changed("Roles"):
        for role in change.node.texts("Roles"):
            yield Need(attach, change.arn("iam", f"role/{role}"), (("iam:PolicyARN", arn),))


def _log_group(change: Change) -> Iterator[Need]:
    arn = change.arn("logs", f"log-group:{change.name('LogGroupName')}")
    actions = {"create": ["CreateLogGroup"], "update": [], "delete": ["DeleteLogGroup"]}[change.verb]
    if change.verb != "delete":
        actions += ["PutRetentionPolicy"] if change.changed("RetentionInDays") else []
        actions += ["AssociateKmsKey"] if change.changed("KmsKeyId") else []
        actions += ["TagResource"] if change.is_tagged() else []
    for action in actions:
        yield Need(f"logs:{action}", arn)


def _function(change: Change) -> Iterator[Need]:
    arn = change.arn("lambda", f"function:{change.name('FunctionName')}")
    if change.verb == "delete":
        yield Need("lambda:DeleteFunction", arn)
        return
    yield Need("lambda:CreateFunction" if change.verb == "create" else "lambda:UpdateFunctionConfiguration", arn)
    if change.changed("Code"):
        code = change.node.node("Code")
        yield Need("s3:GetObject", f"arn:aws:s3:::{code.text('S3Bucket')}/{code.text('S3Key')}")
        if change.verb == "update":
            yield Need("lambda:UpdateFunctionCode", arn)
    if change.changed("Role"):
        yield _passed(change.node.text("Role"), "lambda.amazonaws.com")
    if change.changed("KmsKeyArn"):
        key, for_aws = change.node.text("KmsKeyArn"), (("kms:GrantIsForAWSResource", "true"),)
        yield from (Need("kms:Encrypt", key), Need("kms:Decrypt", key), Need("kms:CreateGrant", key, for_aws))
    if change.changed("ReservedConcurrentExecutions"):
        yield Need("lambda:PutFunctionConcurrency", arn)
    if change.is_tagged():
        yield Need("lambda:TagResource", arn)


def _of_function(create: str, update: str, delete: str) -> Callable[[Change], Iterator[Need]]:
    """Return the needs of what belongs to a function, which the template names by its name or ARN."""

    def of(change: Change) -> Iterator[Need]:
        function = next(
            change.node.text(name) for name in ("FunctionName", "TargetFunctionArn") if name in change.properties
        )
        arn = function if function.startswith("arn:") else change.arn("lambda", f"function:{function}")
        yield Need(f"lambda:{({'create': create, 'update': update, 'delete': delete})[change.verb]}", arn)

    return of


def _hosting(kind: str, resource: str) -> Callable[[Change], Iterator[Need]]:
    """Return the needs of a model or an endpoint config."""

    def of(change: Change) -> Iterator[Need]:
        own = change.physical_id or change.arn("sagemaker", f"{resource}/{change.logical_id.lower()}-{_SUFFIX}")
        if change.verb == "create":
            yield Need(f"sagemaker:Create{kind}", own, change.tag_keys("RequestTag"))
            yield Need("sagemaker:AddTags", own, change.tag_keys("RequestTag"))
            if "ExecutionRoleArn" in change.properties:
                yield _passed(change.node.text("ExecutionRoleArn"), "sagemaker.amazonaws.com")
        elif change.verb == "update":
            yield Need("sagemaker:AddTags", own)
        else:
            yield Need(f"sagemaker:Delete{kind}", own, change.tag_keys("ResourceTag"))
        if change.verb == "create" and "KmsKeyId" in change.properties:
            key = change.node.text("KmsKeyId")
            yield Need("kms:CreateGrant", key, (("kms:GrantIsForAWSResource", "true"),))

    return of


def _endpoint(change: Change) -> Iterator[Need]:
    arn = change.arn("sagemaker", f"endpoint/{change.node.text('EndpointName').lower()}")
    action = {"create": "CreateEndpoint", "update": "UpdateEndpoint", "delete": "DeleteEndpoint"}[change.verb]
    yield Need(f"sagemaker:{action}", arn)
    if change.verb != "delete":
        config = change.node.text("EndpointConfigName").lower()
        yield Need(f"sagemaker:{action}", change.arn("sagemaker", f"endpoint-config/{config}"))


def _machine(change: Change) -> Iterator[Need]:
    arn = change.arn("states", f"stateMachine:{change.name('StateMachineName').rpartition(':')[2]}")
    action = {"create": "CreateStateMachine", "update": "UpdateStateMachine", "delete": "DeleteStateMachine"}
    yield Need(f"states:{action[change.verb]}", arn)
    if change.verb != "delete" and change.changed("RoleArn"):
        yield _passed(change.node.text("RoleArn"), "states.amazonaws.com")


def _rule(change: Change) -> Iterator[Need]:
    arn = change.arn("events", f"rule/{change.name('Name').rpartition('/')[2]}")
    for action in ("RemoveTargets", "DeleteRule") if change.verb == "delete" else ("PutRule", "PutTargets"):
        yield Need(f"events:{action}", arn)


def _passed(role: str, service: str) -> Need:
    return Need("iam:PassRole", role, (("iam:PassedToService", service),))


_TARGETS = "scalable-target/0"
_BY_TYPE: dict[str, Callable[[Change], Iterator[Need]]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": _simple(
        "application-autoscaling",
        lambda _: _TARGETS,
        create="RegisterScalableTarget",
        delete="DeregisterScalableTarget",
    ),
    "AWS::ApplicationAutoScaling::ScalingPolicy": _simple(
        "application-autoscaling", lambda _: _TARGETS, create="PutScalingPolicy", delete="DeleteScalingPolicy"
    ),
    "AWS::CloudWatch::Alarm": _simple(
        "cloudwatch", lambda change: f"alarm:{change.name('AlarmName')}", create="PutMetricAlarm", delete="DeleteAlarms"
    ),
    "AWS::CloudWatch::Dashboard": _simple(
        "cloudwatch",
        lambda change: f"dashboard/{change.name('DashboardName')}",
        create="PutDashboard",
        delete="DeleteDashboards",
    ),
    "AWS::Events::Rule": _rule,
    "AWS::IAM::ManagedPolicy": _policy,
    "AWS::IAM::Role": _role,
    "AWS::Lambda::Alias": _of_function("CreateAlias", "UpdateAlias", "DeleteAlias"),
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::Permission": _of_function("AddPermission", "AddPermission", "RemovePermission"),
    "AWS::Lambda::Url": _of_function("CreateFunctionUrlConfig", "UpdateFunctionUrlConfig", "DeleteFunctionUrlConfig"),
    "AWS::Lambda::Version": _of_function("PublishVersion", "PublishVersion", "DeleteFunction"),
    "AWS::Logs::LogGroup": _log_group,
    "AWS::SSM::Parameter": _simple(
        "ssm",
        lambda change: f"parameter/{change.name('Name').lstrip('/')}",
        create="PutParameter",
        delete="DeleteParameter",
    ),
    "AWS::SageMaker::Endpoint": _endpoint,
    "AWS::SageMaker::EndpointConfig": _hosting("EndpointConfig", "endpoint-config"),
    "AWS::SageMaker::Model": _hosting("Model", "model"),
    "AWS::StepFunctions::StateMachine": _machine,
}
