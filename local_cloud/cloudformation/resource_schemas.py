"""What CloudFormation says of its types: permissions of handlers, properties that only a creation sets, attributes.

The table `resource_schemas.json` is of CloudFormation's public registry schemas; `scripts/cloudformation_schemas.py`
writes it. The types that have no handlers there are here, by what the service's API reference asks for.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from local_cloud.shared.wire import JsonObject, JsonValue, Node

Handler = Literal["create", "read", "update", "delete"]
HANDLERS: tuple[Handler, ...] = ("create", "read", "update", "delete")
_TABLE = Path(__file__).with_suffix(".json")

_WITHOUT_HANDLERS: dict[str, dict[Handler, tuple[str, ...]]] = {
    # https://docs.aws.amazon.com/sagemaker/latest/dg/api-permissions-reference.html
    "AWS::SageMaker::EndpointConfig": {
        "create": ("iam:PassRole", "kms:CreateGrant", "sagemaker:AddTags", "sagemaker:CreateEndpointConfig"),
        "read": ("sagemaker:DescribeEndpointConfig", "sagemaker:ListTags"),
        "update": ("sagemaker:AddTags", "sagemaker:DeleteTags"),
        "delete": ("sagemaker:DeleteEndpointConfig",),
    },
    # https://docs.aws.amazon.com/cost-management/latest/userguide/billing-permissions-ref.html
    "AWS::Budgets::Budget": {
        "create": ("budgets:ModifyBudget",),
        "read": ("budgets:ViewBudget",),
        "update": ("budgets:ModifyBudget",),
        "delete": ("budgets:ModifyBudget",),
    },
}
# By cfn-lint 1.58.0: of these types Fn::GetAtt tells further properties than those that are read-only.
_FURTHER_ATTRIBUTES = {
    "AWS::EC2::SecurityGroup": "GroupDescription GroupName SecurityGroupEgress SecurityGroupIngress Tags VpcId",
    "AWS::EC2::Subnet": (
        "AssignIpv6AddressOnCreation AvailabilityZone AvailabilityZoneId CidrBlock EnableDns64 EnableLniAtDeviceIndex "
        "Ipv4IpamPoolId Ipv4NetmaskLength Ipv6CidrBlock Ipv6IpamPoolId Ipv6Native Ipv6NetmaskLength "
        "MapPublicIpOnLaunch OutpostArn PrivateDnsNameOptionsOnLaunch Tags VpcId"
    ),
    "AWS::EC2::VPC": (
        "CidrBlock EnableDnsHostnames EnableDnsSupport InstanceTenancy Ipv4IpamPoolId Ipv4NetmaskLength Tags "
        "VpcEncryptionControl"
    ),
    "AWS::Events::Rule": "RuleName",
    "AWS::SNS::Topic": (
        "ContentBasedDeduplication DeliveryStatusLogging DisplayName FifoThroughputScope FifoTopic KmsMasterKeyId "
        "MaximumMessageSize SignatureVersion Subscription Tags TopicName TracingConfig"
    ),
    "AWS::SQS::Queue": (
        "ContentBasedDeduplication DeduplicationScope DelaySeconds FifoQueue FifoThroughputLimit "
        "KmsDataKeyReusePeriodSeconds KmsMasterKeyId MaximumMessageSize MessageRetentionPeriod QueueName "
        "ReceiveMessageWaitTimeSeconds RedrivePolicy SqsManagedSseEnabled Tags VisibilityTimeout"
    ),
    "AWS::SSM::Parameter": "AllowedPattern DataType Description Name Policies Tier Type Value",
    "AWS::SageMaker::EndpointConfig": "EndpointConfigArn EndpointConfigName",
    "AWS::SageMaker::Model": "ModelName",
    "AWS::SageMaker::MonitoringSchedule": (
        "EndpointName FailureReason LastMonitoringExecutionSummary MonitoringScheduleConfig MonitoringScheduleName "
        "MonitoringScheduleStatus Tags"
    ),
}
_TAGGING_OF_THOSE = {"AWS::SageMaker::EndpointConfig": ("sagemaker:AddTags", "sagemaker:DeleteTags")}


@dataclass(frozen=True)
class ResourceSchema:
    """One type.

    Attributes:
        create_only: paths of properties, `A/B` for B in A, whose change needs a new resource.
        conditional_create_only: paths of those whose change may need one.
        required: properties that a template must set.
        tagging: permissions that are needed for tags.
        attributes: what Fn::GetAtt tells, `A.B` for B in A.
        handlers: the permissions of each handler that the type has, sorted.
    """

    create_only: tuple[str, ...]
    conditional_create_only: tuple[str, ...]
    required: tuple[str, ...]
    tagging: tuple[str, ...]
    attributes: tuple[str, ...]
    handlers: Mapping[Handler, tuple[str, ...]]

    def permissions(self, handler: Handler) -> tuple[str, ...]:
        """Return a handler's permissions; none where the type does not have it."""
        return self.handlers.get(handler, ())

    def tells(self, attribute: str) -> bool:
        """Tell whether Fn::GetAtt knows the attribute, a part of one, or what holds one."""
        asked = f"{attribute}."
        return any(f"{known}.".startswith(asked) or asked.startswith(f"{known}.") for known in self.attributes)


@functools.cache
def resource_schemas() -> Mapping[str, ResourceSchema]:
    """Return what is known of each type, by its name; custom resources are not among them."""
    types = Node(json.loads(_TABLE.read_text(encoding="utf-8"))).node("types").values
    return {kind: _schema(kind, Node(facts if isinstance(facts, dict) else {})) for kind, facts in types.items()}


def _schema(kind: str, facts: Node) -> ResourceSchema:
    listed = facts.node("handlers")
    return ResourceSchema(
        create_only=tuple(facts.texts("createOnly")),
        conditional_create_only=tuple(facts.texts("conditionalCreateOnly")),
        required=tuple(facts.texts("required")),
        tagging=_TAGGING_OF_THOSE.get(kind) or tuple(facts.texts("tagging")),
        attributes=(
            *(path.replace("/", ".") for path in facts.texts("readOnly")),
            *_FURTHER_ATTRIBUTES.get(kind, "").split(),
        ),
        handlers=_WITHOUT_HANDLERS.get(kind)
        # One schema writes a service in capitals; IAM does not tell them apart.
        or {name: tuple(sorted({text[:1].lower() + text[1:] for text in listed.texts(name)}))
            for name in HANDLERS if name in listed},
    )  # fmt: skip


def value_at(properties: JsonObject, path: str) -> JsonValue:
    """Return the property at a path, of each item where a list stands on the way; None where nothing is set."""
    value: JsonValue = properties
    for part in path.split("/"):
        if isinstance(value, list):
            value = [item.get(part) for item in value if isinstance(item, dict) and item.get(part) is not None] or None
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return None if value in ([], {}) else value


def replaces(kind: str, old: JsonObject, new: JsonObject) -> bool:
    """Tell whether a change of properties needs a new resource, by the type's create-only properties."""
    schema = resource_schemas().get(kind)
    if schema is None:
        return False
    return any(value_at(old, path) != value_at(new, path) for path in schema.create_only) or any(
        CONDITIONS[kind, path](old, new) for path in schema.conditional_create_only
    )


CONDITIONS: dict[tuple[str, str], Callable[[JsonObject, JsonObject], bool]] = {
    # By the pages of the template reference: when a change of the property replaces the resource.
    ("AWS::EC2::Subnet", "Ipv6CidrBlock"): lambda old, new: (
        bool(old.get("Ipv6Native")) and old.get("Ipv6CidrBlock") != new.get("Ipv6CidrBlock")
    ),
    ("AWS::EC2::VPC", "InstanceTenancy"): lambda old, new: (
        old.get("InstanceTenancy", "default") != new.get("InstanceTenancy", "default") == "dedicated"
    ),
    ("AWS::Events::Rule", "EventBusName"): lambda old, new: (
        old.get("EventBusName", "default") != new.get("EventBusName", "default")
    ),
    ("AWS::Lambda::Function", "DurableConfig"): lambda old, new: ("DurableConfig" in old) != ("DurableConfig" in new),
    ("AWS::SNS::Subscription", "Region"): lambda old, new: old.get("Region") != new.get("Region"),
}
