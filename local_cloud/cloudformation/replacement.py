"""Create-only properties decide replacement for every type that CloudFormation's schemas are known of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from local_cloud.cloudformation.resource_schemas import replaces, resource_schemas
from local_cloud.shared import private_names
from local_cloud.shared.wire import JsonObject

if TYPE_CHECKING:
    Replaces = Callable[[str, JsonObject, JsonObject], bool]

NAME_PROPERTIES = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::CompositeAlarm": "AlarmName",
    "AWS::EC2::SecurityGroup": "GroupName",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::S3Vectors::Index": "IndexName",
    "AWS::S3Vectors::VectorBucket": "VectorBucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SageMaker::EndpointConfig": "EndpointConfigName",
    "AWS::SageMaker::Model": "ModelName",
    "AWS::SageMaker::ModelPackageGroup": "ModelPackageGroupName",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}
"""The property by which a template may name what has other create-only properties besides: such a resource cannot be
replaced under its name."""


def install() -> None:
    """Put the schemas' create-only properties before MiniStack's; imports its CloudFormation."""
    for kind, schema in resource_schemas().items():
        private_names.CFN_REPLACING.get()[kind] = tuple(path for path in schema.create_only if "/" not in path)
        private_names.CFN_REPLACING_IF.get()[kind] = (
            *(path.partition("/")[0] for path in schema.create_only if "/" in path),
            *schema.conditional_create_only,
        )
    for kind, name in NAME_PROPERTIES.items():
        private_names.CFN_CUSTOM_NAMES.get().setdefault(kind, {"name": name})
    for decision in (private_names.CFN_REPLACES, private_names.CFN_REPLACES_IN_STACKS):
        decision.wrap(_by_schema)


def _by_schema(original: Replaces) -> Replaces:
    def decided(kind: str, old: JsonObject, new: JsonObject) -> bool:
        return replaces(kind, old, new) if kind in resource_schemas() else original(kind, old, new)

    return decided
