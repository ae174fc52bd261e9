"""The way a folder made on this machine gets to S3 as part of a deploy, under a name that its content gives it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from stacks.shared.deployment_function import DeploymentFunction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stacks.shared.platform import Platform


@dataclass(frozen=True)
class Folder:
    """What is uploaded.

    Attributes:
        path: the folder here.
        content_hash: its name in S3.
        prefix: under which folders of its kind are, each named by its hash; none is ever changed or removed.
        kind: the custom resource's.
        noun: what such a folder is.
        called: how descriptions name it.
        manifest: its file that is written last, where that is not corpus.json.
        files: paths of all that is uploaded; None for everything in it.
        storage_mb: what the function needs to unpack it.
    """

    path: Path
    content_hash: str
    prefix: str
    kind: str
    noun: str
    called: str
    manifest: str | None = None
    files: tuple[str, ...] | None = None
    storage_mb: int = 4096

    @contextlib.contextmanager
    def exactly(self) -> Iterator[Path]:
        """Give a folder of nothing but `files`, whatever else lies beside them: an asset takes all that it sees."""
        if self.files is None:
            yield self.path
            return
        with tempfile.TemporaryDirectory() as folder:
            for name in self.files:
                copy = Path(folder, name)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.path / name, copy)
            yield Path(folder)


class FolderUpload(Construct):
    """Unpacks the folder to `<prefix><hash>/` of a bucket.

    The CDK CLI uploads the folder as one zip asset; a function copies its files out.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        folder: Folder,
        bucket: s3.Bucket,
        key: kms.IKey,
        platform: Platform,
    ) -> None:
        super().__init__(scope, construct_id)
        # The folder's own hash names the asset: S3 needs it once, whatever a file system says of the folder.
        # CDK copies what it is given while the asset is made, so that ours is needed no longer.
        with folder.exactly() as exact:
            asset = assets.Asset(
                self,
                "Folder",
                path=str(exact),
                asset_hash=folder.content_hash,
                asset_hash_type=cdk.AssetHashType.CUSTOM,
                display_name=folder.called.capitalize(),
            )
        function = DeploymentFunction(
            self,
            "Uploader",
            handler="deploy.corpus_uploader.handle",
            description=f"Copies a {folder.called} from the deploy's assets to its place in the corpus bucket",
            platform=platform,
            timeout=cdk.Duration.minutes(15),
            memory_mb=1024,
            storage_mb=folder.storage_mb,
        )
        function.allow("s3:GetObject", on=[asset.bucket.arn_for_objects(asset.s3_object_key)])
        function.allow(
            "s3:PutObject",
            "s3:AbortMultipartUpload",
            on=[bucket.arn_for_objects(f"{folder.prefix}*")],
            because=f"A {folder.noun} is a folder of files named by its hash, and the next one has another hash.",
        )
        function.allow("s3:ListBucket", on=[bucket.bucket_arn], when={"StringLike": {"s3:prefix": f"{folder.prefix}*"}})
        function.allow("kms:Decrypt", "kms:GenerateDataKey", on=[key.key_arn])
        self.resource = function.custom_resource(
            folder.kind,
            kind=folder.kind,
            properties={
                "AssetBucket": asset.s3_bucket_name,
                "AssetKey": asset.s3_object_key,
                "Bucket": bucket.bucket_name,
                "Prefix": f"{folder.prefix}{folder.content_hash}/",
                **({"Manifest": folder.manifest} if folder.manifest is not None else {}),
            },
        )
