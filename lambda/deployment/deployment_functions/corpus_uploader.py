"""Copies a prepared corpus, or a bundle of code, from the deploy's zip asset to its own folder in the corpus bucket."""

from __future__ import annotations

import tempfile
import zipfile
from typing import TYPE_CHECKING, Final

from deployment_functions import clients
from deployment_functions.cloudformation import DeployError, Request, serve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployment_functions.ports import S3

MANIFEST: Final = "corpus.json"


def handle(event: Mapping[str, object], _context: object) -> None:
    """Answer CloudFormation's request."""
    serve(event, act)


def act(request: Request) -> bool:
    """Copy on Create and Update. On Delete a corpus stays: a model in service may need its vocabulary."""
    if request.kind != "Delete":
        upload(
            clients.s3(),
            asset=(request.text("AssetBucket"), request.text("AssetKey")),
            bucket=request.text("Bucket"),
            prefix=request.text("Prefix"),
            manifest=str(request.properties.get("Manifest", MANIFEST)),
        )
    return True


def upload(s3: S3, *, asset: tuple[str, str], bucket: str, prefix: str, manifest: str = MANIFEST) -> None:
    """Copy every file of the zip `asset` (bucket, key) to `prefix` of `bucket`, the manifest last.

    A folder is named by its content, so one that has its manifest is whole and needs nothing.
    """
    if is_whole(s3, bucket, prefix, manifest):
        return
    with tempfile.NamedTemporaryFile() as downloaded:
        s3.download_file(*asset, downloaded.name)
        with zipfile.ZipFile(downloaded.name) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
            if manifest not in names:
                kind = "prepared corpus" if manifest == MANIFEST else "bundle of code"
                raise DeployError(f"asset s3://{asset[0]}/{asset[1]} is no {kind}: it has no {manifest}")
            for name in sorted(names, key=lambda name: (name == manifest, name)):
                with archive.open(name) as member:
                    s3.upload_fileobj(member, bucket, f"{prefix}{name}")


def is_whole(s3: S3, bucket: str, prefix: str, manifest: str = MANIFEST) -> bool:
    """Tell whether the folder is there, to its last file."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}{manifest}")
    return any(item["Key"] == f"{prefix}{manifest}" for page in pages for item in page.get("Contents", []))
