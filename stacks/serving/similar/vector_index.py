"""Amazon S3 Vectors: the bucket, and the index of the approved model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_s3vectors as s3vectors
from constructs import Construct

from stacks.shared.names import job_name_prefix

from similar_function.places import LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_kms as kms

    from stacks.shared.platform import Platform


class VectorIndex(Construct):
    """Square roots of topic weights by Euclidean distance, which is Hellinger's of the topics up to a factor.

    The index has the model's name. Another approved model makes another index, empty until somebody publishes into it,
    and takes this one away when the update has succeeded: vectors of two models are never in one.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, approved: Mapping[str, str], key: kms.IKey, platform: Platform
    ) -> None:
        super().__init__(scope, construct_id)
        self._index_names = f"{job_name_prefix(platform.stage)}*"
        self.bucket = s3vectors.CfnVectorBucket(
            self,
            "Bucket",
            encryption_configuration=s3vectors.CfnVectorBucket.EncryptionConfigurationProperty(
                sse_type="aws:kms", kms_key_arn=key.key_arn
            ),
        )
        self.bucket.apply_removal_policy(platform.removal_policy)
        index = s3vectors.CfnIndex(
            self,
            "Index",
            vector_bucket_arn=self.bucket.attr_vector_bucket_arn,
            index_name=approved["job_name"],
            data_type="float32",
            dimension=cdk.Token.as_number(approved["num_topics"]),
            distance_metric="euclidean",
            metadata_configuration=s3vectors.CfnIndex.MetadataConfigurationProperty(
                non_filterable_metadata_keys=[LABEL]
            ),
        )
        # Made again from the topic vectors by one command: nothing is lost with it.
        index.apply_removal_policy(cdk.RemovalPolicy.DESTROY)

    @property
    def name(self) -> str:
        """The bucket's name."""
        return cdk.Fn.select(1, cdk.Fn.split("/", self.bucket.attr_vector_bucket_arn))

    @property
    def indexes_arn(self) -> str:
        """ARN of the index of every model of the stage."""
        return f"{self.bucket.attr_vector_bucket_arn}/index/{self._index_names}"
