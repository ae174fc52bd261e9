"""The stage's keys: one for data, one for operations, one for what is captured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

if TYPE_CHECKING:
    from constructs import Construct


class StageKey(kms.Key):
    """A customer-managed key, rotated every year."""

    def __init__(
        self, scope: Construct, construct_id: str, *, description: str, removal_policy: cdk.RemovalPolicy
    ) -> None:
        super().__init__(
            scope, construct_id, description=description, enable_key_rotation=True, removal_policy=removal_policy
        )

    def allow_vector_indexing(self) -> None:
        """Allow S3 Vectors to index vectors under the key in the background, for this account's buckets only.

        Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-data-encryption.html
        """
        stack = cdk.Stack.of(self)
        buckets = stack.format_arn(service="s3vectors", resource="bucket", resource_name="*")
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="VectorIndexesOfThisAccount",
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                principals=[iam.ServicePrincipal("indexing.s3vectors.amazonaws.com")],
                resources=["*"],
                conditions={
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    "ArnLike": {"aws:SourceArn": buckets},
                },
            )
        )


class OperationsKey(StageKey):
    """Encrypts logs, the alarm topic and the queue of lost events, for the services that fill them."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: str, removal_policy: cdk.RemovalPolicy) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"Topic model, stage {stage}: logs, alarm topic and lost events",
            removal_policy=removal_policy,
        )
        stack = cdk.Stack.of(self)
        groups = stack.format_arn(
            service="logs", resource="log-group", resource_name="*", arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
        )
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="LogGroupsOfThisAccount",
                actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                principals=[iam.ServicePrincipal(f"logs.{cdk.Aws.REGION}.{cdk.Aws.URL_SUFFIX}")],
                resources=["*"],
                conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
            )
        )
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsAndEventsOfThisAccount",
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                principals=[
                    iam.ServicePrincipal("cloudwatch.amazonaws.com"),
                    iam.ServicePrincipal("events.amazonaws.com"),
                ],
                resources=["*"],
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            )
        )
