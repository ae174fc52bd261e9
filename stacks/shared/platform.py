"""What every function, log group and job of a stage shares: key, retention, network, tracing, lost events."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

import aws_cdk as cdk
from aws_cdk import aws_logs as logs

from stacks.shared.names import machine_logs_prefix

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sns as sns
    from aws_cdk import aws_sqs as sqs
    from constructs import Construct

    from stacks.shared.network import Placement


@dataclass(frozen=True)
class Platform:
    """The stage's common ground, made by the data stack and handed to every construct."""

    stage: str
    hardened: bool
    tracing: bool
    retention: logs.RetentionDays
    removal_policy: cdk.RemovalPolicy
    operations_key: kms.IKey
    lost_events: sqs.IQueue
    alarms: sns.ITopic
    placement: Placement | None
    alarms_key_arn: str | None = None
    """The key of a topic that is the organisation's."""
    tags: tuple[tuple[str, str], ...] = ()
    """The organisation's, key and value: CloudFormation puts them on resources, and jobs have to be given them."""

    @cached_property
    def operations_key_arn(self) -> str:
        """The operations key's ARN. Kept, as the one below: to ask CDK is a round trip to another process."""
        return self.operations_key.key_arn

    @cached_property
    def alarms_arn(self) -> str:
        """The ARN of the topic that alarms tell."""
        return self.alarms.topic_arn

    def log_group(self, scope: Construct, construct_id: str, *, name: str | None = None) -> logs.LogGroup:
        """Declare a log group under the operations key, with the stage's retention.

        It is kept where the stage keeps things, unless it has a name: then it would stand in its successor's way.
        """
        return logs.LogGroup(
            scope,
            construct_id,
            log_group_name=name,
            retention=self.retention,
            encryption_key=self.operations_key,
            removal_policy=self.removal_policy if name is None else cdk.RemovalPolicy.DESTROY,
        )

    def machine_log_group(self, scope: Construct, machine: str, *, optional: bool) -> logs.LogGroup:
        """Declare the log group `Logs` of a state machine; a part of the stack's id sets it apart from a kept one.

        Args:
            scope: the pipeline.
            machine: the state machine's name.
            optional: whether a setting adds and removes it. Such a group is deleted with its pipeline, since the same
                stack makes it again under the same name.
        """
        stack_uuid = cdk.Fn.select(2, cdk.Fn.split("/", cdk.Aws.STACK_ID))
        group = self.log_group(scope, "Logs", name=f"{machine_logs_prefix(machine)}{stack_uuid}")
        if self.removal_policy != cdk.RemovalPolicy.DESTROY:
            # A rollback removes what it made, or the next try finds the name taken.
            group.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
            if optional:
                part = cast("cdk.CfnResource", group.node.default_child)
                part.cfn_options.deletion_policy = cdk.CfnDeletionPolicy.DELETE
        return group
