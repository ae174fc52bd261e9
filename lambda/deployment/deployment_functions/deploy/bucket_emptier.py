"""Empties a bucket when its stack is destroyed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployment_functions import clients
from deployment_functions.deploy.cloudformation import DeployError, Request, serve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployment_functions.ports import S3


def handle(event: Mapping[str, object], _context: object) -> None:
    """Answer CloudFormation's request."""
    serve(event, act)


def act(request: Request) -> bool:
    """Delete every version of every object on Delete; nothing otherwise."""
    if request.kind == "Delete":
        empty(clients.s3(), request.text("Bucket"))
    return True


def empty(s3: S3, bucket: str) -> None:
    """Delete every object version and delete marker of `bucket`."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        versions = [
            {"Key": item["Key"], "VersionId": item["VersionId"]}
            for kind in ("Versions", "DeleteMarkers")
            for item in page.get(kind, [])
        ]
        if not versions:
            continue
        refused = s3.delete_objects(Bucket=bucket, Delete={"Objects": versions, "Quiet": True}).get("Errors", [])
        if refused:
            key, reason = refused[0]["Key"], refused[0].get("Message") or refused[0]["Code"]
            raise DeployError(f"bucket {bucket} cannot be emptied: {key} was not deleted ({reason})")
