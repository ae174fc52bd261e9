"""What CloudFormation needs to make, change and remove a resource: actions, on which ARN, with which condition keys.

Which actions is CloudFormation's own word, `resource_schemas`, less what is needed only with a property that is not
set, `permission_rules`. On what they act is by https://docs.aws.amazon.com/service-authorization.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from local_cloud.autoscaling.caller import ALARM_ACTIONS, ENDPOINT_ACTIONS, SERVICE, tried_on
from local_cloud.cloudformation.permission_rules import is_needed, reads, tags_of
from local_cloud.cloudformation.resource_schemas import Handler, resource_schemas, value_at
from local_cloud.shared.emulator import Scope
from local_cloud.shared.wire import JsonObject, Node

Verb = Literal["create", "update", "delete"]
_SUFFIX = "X1X2X3X4X5X6"
"""Stands for the suffix of a generated name, which is not known before."""
_CUSTOM = "AWS::CloudFormation::CustomResource"
_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
_EVERYTHING = "*"

_HANDLERS: dict[Verb, tuple[Handler, ...]] = {
    # What was made or changed is read back.
    "create": ("create", "read"),
    "update": ("update", "read"),
    "delete": ("delete",),
}
_BESIDES: dict[tuple[str, Verb], tuple[str, ...]] = {
    (_TARGET, "create"): ENDPOINT_ACTIONS,
    (_TARGET, "update"): ENDPOINT_ACTIONS,
}
"""What a service asks of the caller that no handler names."""

_NAMED: dict[str, tuple[str, str, str]] = {
    # type -> service, ARN's resource, the property that names it
    "AWS::CloudWatch::Alarm": ("cloudwatch", "alarm:{}", "AlarmName"),
    "AWS::CloudWatch::CompositeAlarm": ("cloudwatch", "alarm:{}", "AlarmName"),
    "AWS::CloudWatch::Dashboard": ("cloudwatch", "dashboard/{}", "DashboardName"),
    "AWS::EC2::FlowLog": ("ec2", "vpc-flow-log/{}", ""),
    "AWS::EC2::RouteTable": ("ec2", "route-table/{}", ""),
    "AWS::EC2::SecurityGroup": ("ec2", "security-group/{}", ""),
    "AWS::EC2::Subnet": ("ec2", "subnet/{}", ""),
    "AWS::EC2::SubnetRouteTableAssociation": ("ec2", "route-table/{}", "RouteTableId"),
    "AWS::EC2::VPC": ("ec2", "vpc/{}", ""),
    "AWS::EC2::VPCEndpoint": ("ec2", "vpc-endpoint/{}", ""),
    "AWS::Events::Rule": ("events", "rule/{}", "Name"),
    "AWS::IAM::ManagedPolicy": ("iam", "policy/{}", "ManagedPolicyName"),
    "AWS::IAM::Role": ("iam", "role/{}", "RoleName"),
    "AWS::KMS::Alias": ("kms", "{}", "AliasName"),
    "AWS::KMS::Key": ("kms", "key/{}", ""),
    "AWS::Lambda::Function": ("lambda", "function:{}", "FunctionName"),
    "AWS::Logs::LogGroup": ("logs", "log-group:{}", "LogGroupName"),
    "AWS::S3::Bucket": ("s3", "{}", "BucketName"),
    "AWS::S3::BucketPolicy": ("s3", "{}", "Bucket"),
    "AWS::S3Vectors::VectorBucket": ("s3vectors", "bucket/{}", "VectorBucketName"),
    "AWS::SNS::Topic": ("sns", "{}", "TopicName"),
    "AWS::SQS::Queue": ("sqs", "{}", "QueueName"),
    "AWS::SSM::Parameter": ("ssm", "parameter/{}", "Name"),
    "AWS::SageMaker::Endpoint": ("sagemaker", "endpoint/{}", "EndpointName"),
    "AWS::SageMaker::EndpointConfig": ("sagemaker", "endpoint-config/{}", "EndpointConfigName"),
    "AWS::SageMaker::Model": ("sagemaker", "model/{}", "ModelName"),
    "AWS::SageMaker::ModelPackageGroup": ("sagemaker", "model-package-group/{}", "ModelPackageGroupName"),
    "AWS::StepFunctions::StateMachine": ("states", "stateMachine:{}", "StateMachineName"),
}
_WITHOUT_REGION = frozenset({"iam", "s3"})
_WITHOUT_ACCOUNT = frozenset({"s3"})
_IN_LOWER_CASE = frozenset({"s3", "s3vectors", "sagemaker"})
"""Services whose names, or ARNs, have no capitals."""
_PASSED: dict[str, tuple[str, tuple[str, ...]]] = {
    # type -> the service that a role is passed to, the properties that name roles
    _TARGET: (SERVICE, ("RoleARN",)),
    "AWS::EC2::FlowLog": ("vpc-flow-logs.amazonaws.com", ("DeliverLogsPermissionArn",)),
    "AWS::Events::Rule": ("events.amazonaws.com", ("RoleArn", "Targets/RoleArn")),
    "AWS::Lambda::Function": ("lambda.amazonaws.com", ("Role",)),
    "AWS::S3::Bucket": ("s3.amazonaws.com", ("ReplicationConfiguration/Role",)),
    "AWS::SageMaker::EndpointConfig": ("sagemaker.amazonaws.com", ("ExecutionRoleArn",)),
    "AWS::SageMaker::Model": ("sagemaker.amazonaws.com", ("ExecutionRoleArn",)),
    "AWS::SNS::Subscription": ("sns.amazonaws.com", ("SubscriptionRoleArn",)),
    "AWS::Scheduler::Schedule": ("scheduler.amazonaws.com", ("Target/RoleArn",)),
    "AWS::StepFunctions::StateMachine": ("states.amazonaws.com", ("RoleArn",)),
}
_KEYS = ("KmsKeyArn", "KmsKeyId", "Code/SourceKMSKeyArn", "EncryptionConfiguration/KmsKeyArn",
         "EncryptionConfiguration/KmsKeyId", "TargetKeyId")  # fmt: skip
_LINKING = "sagemaker.application-autoscaling.amazonaws.com"
_LINKED = f"aws-service-role/{_LINKING}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
_WITHOUT_RESOURCE = frozenset(
    {
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:DescribeScheduledActions",
        "cloudwatch:GetMetricData",
        "kms:CreateKey",
        "kms:ListAliases",
        "lambda:GetCodeSigningConfig",
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DeleteResourcePolicy",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:PutResourcePolicy",
        "ssm:DescribeParameters",
    }
)
"""Actions that IAM asks about no resource, besides EC2's descriptions. A log group's own description names groups, and
is asked about all of them, since a handler looks for the group by a prefix."""


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

    @property
    def before_and_after(self) -> tuple[JsonObject, JsonObject]:
        """The properties before and after; a creation has none before, a deletion none after."""
        if self.verb == "delete":
            return self.properties, {}
        return self.old or {}, self.properties

    def name(self, property_name: str) -> str:
        """Return the name that the template gives, the one that it has, or one as CloudFormation makes them."""
        given = self.node.text(property_name) if property_name in self.node else ""
        return given or self.physical_id or f"{self.stack}-{self.logical_id}-{_SUFFIX}"

    def texts(self, *paths: str) -> list[str]:
        """Return the texts at paths of the properties, before and after, each once."""
        values = [value_at(properties, path) for path in paths for properties in self.before_and_after]
        listed = [item for value in values for item in (value if isinstance(value, list) else [value])]
        return list(dict.fromkeys(str(item) for item in listed if item is not None))

    def arn(self, service: str, resource: str) -> str:
        """Return an ARN of the account, in its region where the service has regions."""
        is_global = service in _WITHOUT_REGION or resource.startswith("dashboard/")
        region = "" if is_global else self.scope.region
        account = "" if service in _WITHOUT_ACCOUNT else self.scope.account
        return f"arn:aws:{service}:{region}:{account}:{resource}"


def is_known(kind: str) -> bool:
    """Tell whether it is known what a type takes."""
    return kind in resource_schemas() or kind.startswith(("Custom::", "AWS::CDK::", "AWS::CloudFormation::"))


def needs(change: Change) -> list[Need]:
    """Return what a change takes; nothing for types that CloudFormation's word does not cover here."""
    if change.type.startswith("Custom::") or change.type == _CUSTOM:
        return [Need("lambda:InvokeFunction", change.node.text("ServiceToken"))]
    schema = resource_schemas().get(change.type)
    if schema is None:
        return []
    permissions = {permission for handler in _HANDLERS[change.verb] for permission in schema.permissions(handler)}
    permissions.update(_BESIDES.get((change.type, change.verb), ()))
    old, new = change.before_and_after
    return [
        need
        # What is done is asked before what is read back.
        for permission in sorted(permissions, key=lambda each: (reads(each), each))
        if is_needed(change.type, permission, old, new)
        for need in _needs_of(change, permission)
    ]


def _needs_of(change: Change, permission: str) -> Iterator[Need]:
    service, _, action = permission.partition(":")
    if permission in _SPECIAL:
        yield from _SPECIAL[permission](change)
    elif permission in _WITHOUT_RESOURCE or (service == "ec2" and action.startswith("Describe")):
        yield Need(permission, _EVERYTHING)
    elif service == "kms" and change.type != "AWS::KMS::Key":
        keys = (("kms:GrantIsForAWSResource", "true"),) if action == "CreateGrant" else ()
        own = [change.arn("kms", change.name("AliasName"))] if change.type == "AWS::KMS::Alias" else []
        for key in [*own, *change.texts(*_KEYS)]:
            yield Need(permission, key, keys)
    elif change.type == _TARGET and permission in {*ALARM_ACTIONS, *ENDPOINT_ACTIONS}:
        endpoint = "".join(change.node.text("ResourceId").split("/")[1:2])
        yield Need(permission, tried_on(permission, endpoint, change.scope))
    else:
        for resource in _own(change):
            yield Need(permission, resource, _keys(change, service, action))


def _own(change: Change) -> list[str]:
    """Return the ARNs by which IAM asks about the resource itself."""
    kind = change.type
    if change.physical_id.startswith("arn:") and kind not in _NOT_ITSELF:
        return [change.physical_id]
    if kind in _NOT_ITSELF:
        return _NOT_ITSELF[kind](change)
    if kind not in _NAMED:
        service = kind.split("::")[1].lower()
        return [change.arn(service, f"{kind.rpartition(':')[2].lower()}/{change.name('')}")]
    service, resource, name_property = _NAMED[kind]
    name = change.name(name_property).lstrip("/") if service == "ssm" else change.name(name_property)
    if service == "events":
        name = re.split(r"[|/]", name)[-1]
    if service in _IN_LOWER_CASE:
        name = name.lower()
    path = value_at(change.properties, "Path") if service == "iam" else None
    return [change.arn(service, resource.format(f"{str(path or '/').lstrip('/')}{name}"))]


def _of_function(change: Change) -> list[str]:
    """Return the ARN of the function that a resource belongs to, which the template names by its name or ARN."""
    names = change.texts("FunctionName", "TargetFunctionArn")
    return [name if name.startswith("arn:") else change.arn("lambda", f"function:{name}") for name in names]


def _vector_index(change: Change) -> list[str]:
    bucket = next(iter(change.texts("VectorBucketArn")), "")
    bucket = bucket or change.arn("s3vectors", f"bucket/{change.node.text('VectorBucketName')}")
    return [change.physical_id or f"{bucket}/index/{change.name('IndexName')}"]


def _queues(change: Change) -> list[str]:
    return [change.arn("sqs", queue.rpartition("/")[2]) for queue in change.texts("Queues")]


def _queue(change: Change) -> list[str]:
    return [change.arn("sqs", change.name("QueueName").rpartition("/")[2])]


def _targets(change: Change) -> list[str]:
    return [change.arn("application-autoscaling", "scalable-target/0")]


def _rules_of_group(change: Change) -> list[str]:
    return [change.arn("ec2", f"security-group/{group}") for group in change.texts("GroupId")]


_NOT_ITSELF: dict[str, Callable[[Change], list[str]]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": _targets,
    "AWS::ApplicationAutoScaling::ScalingPolicy": _targets,
    "AWS::EC2::SecurityGroupEgress": _rules_of_group,
    "AWS::EC2::SecurityGroupIngress": _rules_of_group,
    "AWS::Lambda::Alias": _of_function,
    "AWS::Lambda::EventInvokeConfig": _of_function,
    "AWS::Lambda::Permission": _of_function,
    "AWS::Lambda::Url": _of_function,
    "AWS::Lambda::Version": _of_function,
    "AWS::S3Vectors::Index": _vector_index,
    "AWS::SNS::Subscription": lambda change: change.texts("TopicArn"),
    "AWS::SNS::TopicPolicy": lambda change: change.texts("Topics"),
    "AWS::SQS::Queue": _queue,
    "AWS::SQS::QueuePolicy": _queues,
}


def _keys(change: Change, service: str, action: str) -> tuple[tuple[str, str], ...]:
    """Return the condition keys of a request: the tags that it sets or that are there, a boundary, a policy."""
    old, new = change.before_and_after
    keys: list[tuple[str, str]] = []
    if action.startswith(("Create", "Add", "Tag")):
        keys += [(f"aws:RequestTag/{key}", value) for key, value in tags_of(new).items()]
    if not (change.verb == "create" and action.startswith("Create")):
        keys += [(f"aws:ResourceTag/{key}", value) for key, value in tags_of(old or new).items()]
    if service == "iam" and change.type == "AWS::IAM::Role":
        boundary = new.get("PermissionsBoundary") or old.get("PermissionsBoundary")
        keys += [("iam:PermissionsBoundary", str(boundary))] if boundary else []
    return tuple(keys)


def _passing(change: Change) -> Iterator[Need]:
    service, paths = _PASSED.get(change.type, ("", ()))
    for role in change.texts(*paths) if service else [_EVERYTHING]:
        yield Need("iam:PassRole", role, (("iam:PassedToService", service),))


def _attaching(action: str) -> Callable[[Change], Iterator[Need]]:
    def needed(change: Change) -> Iterator[Need]:
        if change.type == "AWS::IAM::ManagedPolicy":
            pairs = [(change.arn("iam", f"role/{role}"), _own(change)[0]) for role in change.texts("Roles")]
        else:
            pairs = [(_own(change)[0], policy) for policy in change.texts("ManagedPolicyArns")]
        for role, policy in pairs:
            yield Need(f"iam:{action}RolePolicy", role, (("iam:PolicyARN", policy),))

    return needed


def _linking(change: Change) -> Iterator[Need]:
    if change.type == _TARGET:
        role = change.arn("iam", f"role/{_LINKED}")
        yield Need("iam:CreateServiceLinkedRole", role, (("iam:AWSServiceName", _LINKING),))
    else:
        yield Need("iam:CreateServiceLinkedRole", _EVERYTHING)


def _reading(action: str) -> Callable[[Change], Iterator[Need]]:
    def needed(change: Change) -> Iterator[Need]:
        for bucket, key in (
            ("Code/S3Bucket", "Code/S3Key"),
            ("DefinitionS3Location/Bucket", "DefinitionS3Location/Key"),
        ):
            for container in change.texts(bucket):
                for name in change.texts(key):
                    yield Need(f"s3:{action}", f"arn:aws:s3:::{container}/{name}")

    return needed


def _with_config(action: str) -> Callable[[Change], Iterator[Need]]:
    def needed(change: Change) -> Iterator[Need]:
        # IAM asks about the config too.
        config = change.arn("sagemaker", f"endpoint-config/{change.node.text('EndpointConfigName').lower()}")
        for resource in (*_own(change), config):
            yield Need(f"sagemaker:{action}", resource)

    return needed


_SPECIAL: dict[str, Callable[[Change], Iterator[Need]]] = {
    "iam:AttachRolePolicy": _attaching("Attach"),
    "iam:CreateServiceLinkedRole": _linking,
    "iam:DetachRolePolicy": _attaching("Detach"),
    "iam:PassRole": _passing,
    "s3:GetObject": _reading("GetObject"),
    "s3:GetObjectVersion": _reading("GetObjectVersion"),
    "sagemaker:CreateEndpoint": _with_config("CreateEndpoint"),
    "sagemaker:UpdateEndpoint": _with_config("UpdateEndpoint"),
}
