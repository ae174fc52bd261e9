"""Copies a prepared corpus, or a bundle of code, from the deploy's zip asset to its own folder in the corpus bucket."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
import zlib
from typing import TYPE_CHECKING, Final

from deployment_functions import clients, corpus_folder
from deployment_functions.corpus_folder import MANIFEST
from deployment_functions.deploy.cloudformation import DeployError, Request, serve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployment_functions.ports import S3

_BLOCK_BYTES: Final = 1 << 20


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
    """Copy the files that the manifest in the zip `asset` (bucket, key) names to `prefix` of `bucket`, itself last.

    A folder is named by its content, so one that has its manifest is whole and needs nothing. Whatever else the zip
    holds stays there.

    Raises:
        DeployError: a file is missing or changed, or the folder has an object already that is not of it.
    """
    there = corpus_folder.listed(s3, bucket, prefix)
    if manifest in there:
        return
    with tempfile.NamedTemporaryFile() as downloaded:
        s3.download_file(*asset, downloaded.name)
        with zipfile.ZipFile(downloaded.name) as archive:
            names = _checked(archive, manifest, uri=f"s3://{asset[0]}/{asset[1]}")
            if (stranger := corpus_folder.strangers(there, names, uri=f"s3://{bucket}/{prefix}")) is not None:
                raise DeployError(stranger)
            for name in names:
                with archive.open(name) as member:
                    s3.upload_fileobj(member, bucket, f"{prefix}{name}")


def _hash_of(archive: zipfile.ZipFile, name: str) -> str | None:
    """Return the SHA-256 of a member; None where its bytes are not those that were packed."""
    digest = hashlib.sha256()
    try:
        with archive.open(name) as member:
            while block := member.read(_BLOCK_BYTES):
                digest.update(block)
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return None
    return digest.hexdigest()


def _checked(archive: zipfile.ZipFile, manifest: str, *, uri: str) -> list[str]:
    """Return the names of the files to copy, the manifest last, having compared each with its hash."""
    names = set(archive.namelist())
    if manifest not in names:
        kind = "prepared corpus" if manifest == MANIFEST else "bundle of code"
        raise DeployError(f"asset {uri} is no {kind}: it has no {manifest}")
    try:
        files = json.loads(archive.read(manifest))["files"]
        # A bundle's manifest tells a file's hash alone, a corpus's what else there is to say of it.
        hashes = {str(name): str(told if isinstance(told, str) else told["sha256"]) for name, told in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DeployError(f"{manifest} of asset {uri} is no manifest: {type(error).__name__}") from None
    for name, expected in sorted(hashes.items()):
        if name not in names:
            raise DeployError(f"asset {uri} lacks {name}, which its {manifest} names")
        if _hash_of(archive, name) != expected:
            raise DeployError(f"{name} of asset {uri} has other bytes than its {manifest} says")
    return [*sorted(hashes), manifest]
