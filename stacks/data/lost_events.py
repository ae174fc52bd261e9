"""Where events go that a function was to handle and could not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs

from stacks.shared.acknowledgments import acknowledge, everywhere

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct


class LostEvents(sqs.Queue):
    """The stage's one dead-letter queue: a message in it is a deploy that waits for an answer in vain."""

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="EventsOfThisAccount",
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.queue_arn],
                conditions={"StringEquals": {"aws:SourceAccount": cdk.Stack.of(self).account}},
            )
        )
        last = "It is the dead-letter queue itself; an alarm tells of its first message."
        acknowledge(self, everywhere("SQSRedrivePolicy", last, packs=("Serverless",)))

    def of_other_stacks(self) -> None:
        """Say that no function of the queue's own stack uses it, as the packs look at one template."""
        other = "It is the dead-letter queue of the functions in the training and the serving stack."
        acknowledge(self, {"AwsSolutions-SQS3": other})
