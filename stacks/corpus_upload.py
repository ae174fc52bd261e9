"""The way a corpus prepared on this machine gets to S3 as part of a deploy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from stacks.deployment_function import DeploymentFunction

if TYPE_CHECKING:
    from pathlib import Path

    from stacks.platform import Platform

CORPORA_PREFIX: Final = "corpora/"
"""Every corpus is a folder of its own under this prefix, named by its hash; none is ever changed or removed."""


class CorpusUpload(Construct):
    """Unpacks the corpus folder to `corpora/<hash>/` of a bucket. Older corpora stay: a model in service needs its own.

    The CDK CLI uploads the folder as one zip asset; a function copies its files out.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        folder: Path,
        corpus_hash: str,
        bucket: s3.Bucket,
        key: kms.IKey,
        platform: Platform,
    ) -> None:
        super().__init__(scope, construct_id)
        # The corpus's own hash names the asset: S3 needs it once, whatever a file system says of the folder.
        asset = assets.Asset(
            self,
            "Folder",
            path=str(folder),
            asset_hash=corpus_hash,
            asset_hash_type=cdk.AssetHashType.CUSTOM,
            display_name="Prepared corpus",
        )
        function = DeploymentFunction(
            self,
            "Uploader",
            handler="corpus_uploader.handle",
            description="Copies a prepared corpus from the deploy's assets to its place in the corpus bucket",
            platform=platform,
            timeout=cdk.Duration.minutes(15),
            memory_mb=1024,
            storage_mb=4096,
        )
        function.allow("s3:GetObject", on=[asset.bucket.arn_for_objects(asset.s3_object_key)])
        function.allow(
            "s3:PutObject",
            "s3:AbortMultipartUpload",
            on=[bucket.arn_for_objects(f"{CORPORA_PREFIX}*")],
            because="A corpus is a folder of files named by its hash, and the next one has another hash.",
        )
        function.allow(
            "s3:ListBucket", on=[bucket.bucket_arn], when={"StringLike": {"s3:prefix": f"{CORPORA_PREFIX}*"}}
        )
        function.allow("kms:Decrypt", "kms:GenerateDataKey", on=[key.key_arn])
        self.resource = function.custom_resource(
            "Corpus",
            kind="Corpus",
            properties={
                "AssetBucket": asset.s3_bucket_name,
                "AssetKey": asset.s3_object_key,
                "Bucket": bucket.bucket_name,
                "Prefix": f"{CORPORA_PREFIX}{corpus_hash}/",
            },
        )
