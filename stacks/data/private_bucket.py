"""Buckets that nobody outside reads: encrypted, TLS only, versioned, logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.shared.acknowledgments import acknowledge, everywhere, flattened
from stacks.shared.deployment_function import DeploymentFunction

if TYPE_CHECKING:
    from stacks.shared.platform import Platform

S3_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321")
EXPIRED_VERSIONS_KEPT_DAYS: Final = 7
"""How long what expired by `PrivateBucket.expire` can be brought back."""
NOT_REPLICATED: Final = (
    "Versioned, and made again from its sources: a corpus by the command that prepared it, byte for byte, a model by a "
    "training. A copy in a second region is for the owner of the documents to decide."
)


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


class PrivateBucket(s3.Bucket):
    """A bucket under the stage's own key."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.IKey,
        access_logs: s3.IBucket,
        removal_policy: cdk.RemovalPolicy,
        expire_after_days: int | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix=f"{construct_id.lower()}/",
            removal_policy=removal_policy,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="ForgetOldVersions",
                    expiration=cdk.Duration.days(expire_after_days - 1) if expire_after_days else None,
                    # What has expired is only hidden by a marker until its version goes too, a day later at the least.
                    noncurrent_version_expiration=cdk.Duration.days(1 if expire_after_days else 90),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
                )
            ],
        )
        keep_policy(self, removal_policy)
        acknowledge(self, everywhere("S3BucketReplicationEnabled", NOT_REPLICATED, packs=S3_PACKS))

    def expire(self, rule_id: str, *, prefix: str, after_days: int) -> None:
        """Have what lies under `prefix` expire, and its old versions sooner than the rest of the bucket's."""
        self.add_lifecycle_rule(
            id=rule_id,
            prefix=prefix,
            expiration=cdk.Duration.days(after_days),
            noncurrent_version_expiration=cdk.Duration.days(EXPIRED_VERSIONS_KEPT_DAYS),
        )


def keep_policy(bucket: s3.Bucket, removal_policy: cdk.RemovalPolicy) -> None:
    """Have the policy of a bucket that outlives its stack outlive it too: what it denies is denied for good."""
    if bucket.policy is not None and removal_policy is cdk.RemovalPolicy.RETAIN:
        bucket.policy.apply_removal_policy(removal_policy)


class BucketEmptier(Construct):
    """Empties buckets when the stack is destroyed, so that they can be deleted. For stages that keep nothing."""

    def __init__(self, scope: Construct, construct_id: str, *, platform: Platform) -> None:
        super().__init__(scope, construct_id)
        self._function = DeploymentFunction(
            self,
            "Emptier",
            handler="deploy.bucket_emptier.handle",
            description="Empties the stage's buckets when the stack is destroyed",
            platform=platform,
            timeout=cdk.Duration.minutes(15),
        )

    def empty(self, bucket: s3.Bucket) -> cdk.CustomResource:
        """Declare that `bucket` is emptied before it is deleted, and after what depends on the returned resource."""
        # A policy a bucket: in one for all, whatever waits for it would wait for every bucket.
        name, objects = bucket.node.id, bucket.arn_for_objects("*")
        rights = iam.ManagedPolicy(
            self,
            f"{name}Rights",
            description=f"Empty the bucket {name} when the stack is destroyed",
            roles=[self._function.role],
            statements=[
                iam.PolicyStatement(actions=["s3:ListBucketVersions"], resources=[bucket.bucket_arn]),
                iam.PolicyStatement(actions=["s3:DeleteObject", "s3:DeleteObjectVersion"], resources=[objects]),
            ],
        )
        acknowledge(
            rights,
            {
                f"AwsSolutions-IAM5[Resource::{flattened(objects, cdk.Stack.of(self))}]": (
                    "Emptying a bucket is deleting each of its objects; stages that keep their data have no such role."
                )
            },
        )
        properties = {"Bucket": bucket.bucket_name}
        resource = self._function.custom_resource(name, kind="EmptiedBucket", properties=properties)
        resource.node.add_dependency(rights)
        return resource
