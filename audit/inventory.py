"""Every resource: what it is, what it is for, whether it outlives its stack."""

from __future__ import annotations

from typing import Final

from audit.assembly import Assembly, construct_path
from audit.tables import Row, Table
from rules.model import Resource, mapping

_KEYS: Final = ("KmsKeyId", "KmsMasterKeyId", "KmsKeyArn")


def inventory(assembly: Assembly) -> Table:
    """Return the table of resources."""
    rows = [
        Row(
            (
                resource.type,
                resource.logical_id,
                construct_path(resource),
                str(resource.get("Description") or resource.get("AlarmDescription") or ""),
                _kept(resource),
                _key(assembly, stack, resource),
            ),
            assembly.place(stack, resource.logical_id),
        )
        for stack, resource in assembly.resources()
        if resource.type != "AWS::CDK::Metadata"
    ]
    return Table(
        "inventory",
        "Resources",
        "Every resource of every stack, in the templates' order.",
        ("type", "resource", "construct", "description", "when the stack goes", "key"),
        tuple(rows),
    )


def _kept(resource: Resource) -> str:
    return {"Retain": "kept", "RetainExceptOnCreate": "kept"}.get(str(resource.body.get("DeletionPolicy")), "deleted")


def _key(assembly: Assembly, stack: str, resource: Resource) -> str:
    encryption = mapping(resource.get("BucketEncryption")).get("ServerSideEncryptionConfiguration")
    if isinstance(encryption, list) and encryption:
        default = mapping(mapping(encryption[0]).get("ServerSideEncryptionByDefault"))
        key = default.get("KMSMasterKeyID")
        return assembly.flat(stack, key).strip("<>") if key else f"S3's own ({default.get('SSEAlgorithm')})"
    for name in _KEYS:
        if resource.get(name):
            return assembly.flat(stack, resource.get(name)).strip("<>")
    return ""
