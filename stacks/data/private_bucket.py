"""Buckets that nobody outside reads: encrypted, TLS only, versioned, logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.data.access_logs import S3_PACKS, keep_policy
from stacks.shared.acknowledgments import acknowledge, everywhere, flattened
from stacks.shared.deployment_function import DeploymentFunction

if TYPE_CHECKING:
    from stacks.data.access_logs import AccessLogs
    from stacks.shared.platform import Platform

EXPIRED_VERSIONS_KEPT_DAYS: Final = 7
"""How long what expired by `PrivateBucket.expire` can be brought back."""
NOT_REPLICATED: Final = (
    "Versioned, and made again from its sources: a corpus by the command that prepared it, byte for byte, a model by a "
    "training. A copy in a second region is for the owner of the documents to decide."
)


class PrivateBucket(s3.Bucket):
    """A bucket under the stage's own key."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.IKey,
        access_logs: AccessLogs,
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
            server_access_logs_bucket=access_logs.bucket,
            server_access_logs_prefix=f"{access_logs.prefix}{construct_id.lower()}/",
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
        if access_logs.prefix:
            said = "A named bucket's policy is its owner's: an output has the statement, and make doctor looks for it."
            cdk.Annotations.of(self).acknowledge_warning("@aws-cdk/aws-s3:accessLogsPolicyNotAdded", said)
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
