"""Buckets that nobody outside reads: encrypted, TLS only, versioned, logged."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.deployment_function import DeploymentFunction


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
                    noncurrent_version_expiration=cdk.Duration.days(90),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
                )
            ],
        )


class BucketEmptier(Construct):
    """Empties buckets when the stack is destroyed, so that they can be deleted. For stages that keep nothing."""

    def __init__(self, scope: Construct, construct_id: str, *, retention: logs.RetentionDays) -> None:
        super().__init__(scope, construct_id)
        self._function = DeploymentFunction(
            self,
            "Emptier",
            handler="bucket_emptier.handle",
            description="Empties the stage's buckets when the stack is destroyed",
            retention=retention,
            timeout=cdk.Duration.minutes(15),
        )

    def empty(self, bucket: s3.Bucket) -> cdk.CustomResource:
        """Declare that `bucket` is emptied before it is deleted, and after what depends on the returned resource."""
        # A policy a bucket: in one for all, whatever waits for it would wait for every bucket.
        rights = iam.Policy(
            self,
            f"{bucket.node.id}Rights",
            roles=[self._function.role],
            statements=[
                iam.PolicyStatement(actions=["s3:ListBucketVersions"], resources=[bucket.bucket_arn]),
                iam.PolicyStatement(
                    actions=["s3:DeleteObject", "s3:DeleteObjectVersion"], resources=[bucket.arn_for_objects("*")]
                ),
            ],
        )
        resource = self._function.custom_resource(
            bucket.node.id, kind="EmptiedBucket", properties={"Bucket": bucket.bucket_name}
        )
        resource.node.add_dependency(rights)
        return resource
