"""What every function, log group and job of a stage shares: key, retention, network, tracing, lost events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_logs as logs

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
