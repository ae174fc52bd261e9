"""Where access to the stage's buckets is logged: a bucket of its own, or one that the settings name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

from stacks.data.policy_statements import Home, access_log_prefix, of_access_logs
from stacks.shared.acknowledgments import acknowledge, everywhere

if TYPE_CHECKING:
    from constructs import Construct

    from stacks.settings.stage import StageSettings

S3_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321")


@dataclass(frozen=True)
class AccessLogs:
    """The bucket, and what keys in it begin with."""

    bucket: s3.IBucket
    prefix: str = ""

    @classmethod
    def of(cls, scope: Construct, stage: str, settings: StageSettings) -> AccessLogs:
        """Return the bucket that the settings name, or a new one."""
        name = settings.organisation.access_log_bucket
        if name is None:
            return cls(
                AccessLogBucket(scope, "AccessLogs", removal_policy=cdk.RemovalPolicy(settings.removal_policy.upper()))
            )
        stack = cdk.Stack.of(scope)
        home = Home(cdk.Aws.PARTITION, stack.region, stack.account, cdk.Aws.URL_SUFFIX)
        cdk.CfnOutput(
            scope,
            "AccessLogsPolicy",
            value=stack.to_json_string([of_access_logs(name, stage, home)]),
            description=f"Statement that the policy of {name} must have",
        )
        return cls(s3.Bucket.from_bucket_name(scope, "NamedAccessLogs", name), access_log_prefix(stage))


class AccessLogBucket(s3.Bucket):
    """Where the other buckets' access logs go.

    Encrypted by S3's own keys: log delivery cannot write under a KMS key, and loses the logs silently.
    """

    def __init__(self, scope: Construct, construct_id: str, *, removal_policy: cdk.RemovalPolicy) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            removal_policy=removal_policy,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="ExpireLogs",
                    expiration=cdk.Duration.days(400),
                    noncurrent_version_expiration=cdk.Duration.days(30),
                )
            ],
        )
        keep_policy(self, removal_policy)
        acknowledge(
            self,
            {"CKV_AWS_18": "It is where access logs go: logging access to it would log each log."}
            | everywhere(
                "S3BucketReplicationEnabled",
                "Evidence about this region's buckets, kept beside them for 400 days.",
                packs=S3_PACKS,
            )
            | everywhere(
                "S3DefaultEncryptionKMS",
                "S3 delivers access logs only to buckets under its own keys (SSE-S3); under a KMS key they are lost.",
                packs=S3_PACKS,
            ),
        )


def keep_policy(bucket: s3.Bucket, removal_policy: cdk.RemovalPolicy) -> None:
    """Have the policy of a bucket that outlives its stack outlive it too: what it denies is denied for good."""
    if bucket.policy is not None and removal_policy is cdk.RemovalPolicy.RETAIN:
        bucket.policy.apply_removal_policy(removal_policy)
