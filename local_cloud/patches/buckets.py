"""Buckets: MiniStack's templates lose some of their properties, and delete a bucket that is full."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from local_cloud.shared import private_names
from local_cloud.shared.wire import JsonObject, Node

S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_SSE = "x-amz-server-side-encryption"
_SSE_KEY = "x-amz-server-side-encryption-aws-kms-key-id"


def install() -> None:
    """Put the resource handlers right; imports MiniStack's CloudFormation."""
    handlers = private_names.CFN_HANDLERS.get()
    bucket = dict(handlers["AWS::S3::Bucket"])
    bucket["create"] = _with_bucket_properties(bucket["create"])
    bucket["update"] = _with_updated_bucket_properties(bucket["update"])
    bucket["delete"] = _refuse_full_bucket(bucket["delete"])
    handlers["AWS::S3::Bucket"] = bucket


def install_early() -> None:
    """Put right what is used from the first request on."""
    private_names.S3_WRITE_ENCRYPTION.wrap(_with_the_accounts_key)


def _with_the_accounts_key(original: Callable[..., Any]) -> Callable[..., Any]:
    # The CDK CLI asks for aws:kms and names no key, as one may: S3 then takes the account's own, aws/s3.
    def resolved(headers: Mapping[str, str], bucket_name: str) -> Any:  # noqa: ANN401 - MiniStack's
        if headers.get(_SSE) == "aws:kms" and not headers.get(_SSE_KEY):
            headers = {**headers, _SSE_KEY: "alias/aws/s3"}
        return original(headers, bucket_name)

    return resolved


def _with_bucket_properties(create: Callable[..., tuple[str, Any]]) -> Callable[..., tuple[str, Any]]:
    def created(logical_id: str, props: JsonObject, stack: str) -> tuple[str, Any]:
        name, attributes = create(logical_id, props, stack)
        _apply_bucket_properties(name, props)
        return name, attributes

    return created


def _with_updated_bucket_properties(update: Callable[..., tuple[str, Any]]) -> Callable[..., tuple[str, Any]]:
    def updated(physical_id: str, old: JsonObject, new: JsonObject, stack: str) -> tuple[str, Any]:
        name, attributes = update(physical_id, old, new, stack)
        _apply_bucket_properties(name, new)
        return name, attributes

    return updated


def _refuse_full_bucket(delete: Callable[..., None]) -> Callable[..., None]:
    def deleted(physical_id: str, props: JsonObject) -> None:
        record = private_names.S3_BUCKETS.get().get(physical_id) or {}
        versions = private_names.S3_VERSIONS.get()
        if record.get("objects") or any(bucket == physical_id and kept for (bucket, _), kept in versions.items()):
            raise ValueError(
                "The bucket you tried to delete is not empty. You must delete all versions in the bucket. "
                f"(Service: S3, Status Code: 409; bucket {physical_id})"
            )
        delete(physical_id, props)

    return deleted


def _apply_bucket_properties(name: str, props: JsonObject) -> None:
    node = Node(props)
    tags = {tag.text("Key"): tag.text("Value") for tag in node.nodes("Tags")}
    if tags:
        private_names.S3_TAGS.get()[name] = tags
    else:
        private_names.S3_TAGS.get().pop(name, None)
    if "BucketEncryption" in node:
        private_names.S3_ENCRYPTION_PUT.get()(name, _encryption_xml(node.node("BucketEncryption")))
    else:
        private_names.S3_ENCRYPTION.get().pop(name, None)
    private_names.S3_LOGGING_PUT.get()(name, _logging_xml(node.node("LoggingConfiguration")))


def _logging_xml(logging: Node) -> bytes:
    """Return where access is to be logged; nothing is delivered here."""
    root = ET.Element("BucketLoggingStatus", xmlns=S3_NAMESPACE)
    target = logging.text("DestinationBucketName")
    if not target:
        return ET.tostring(root)
    if target not in private_names.S3_BUCKETS.get():
        raise ValueError(f"The target bucket for logging does not exist: {target} (InvalidTargetBucketForLogging)")
    enabled = ET.SubElement(root, "LoggingEnabled")
    # S3 tells a prefix also where it is empty.
    ET.SubElement(enabled, "TargetBucket").text = target
    ET.SubElement(enabled, "TargetPrefix").text = logging.text("LogFilePrefix")
    return ET.tostring(root)


def _encryption_xml(encryption: Node) -> bytes:
    root = ET.Element("ServerSideEncryptionConfiguration", xmlns=S3_NAMESPACE)
    for configured in encryption.nodes("ServerSideEncryptionConfiguration"):
        rule = ET.SubElement(root, "Rule")
        default = configured.node("ServerSideEncryptionByDefault")
        applied = ET.SubElement(rule, "ApplyServerSideEncryptionByDefault")
        _children(applied, {name: default.text(name) for name in ("SSEAlgorithm", "KMSMasterKeyID")})
        if "BucketKeyEnabled" in configured:
            _children(rule, {"BucketKeyEnabled": str(configured.flag("BucketKeyEnabled")).lower()})
    return ET.tostring(root)


def _children(parent: ET.Element, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        if text:
            ET.SubElement(parent, name).text = text
