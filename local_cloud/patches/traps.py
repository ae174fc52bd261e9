"""Places where MiniStack differs from AWS in a way that our deployment would notice, put right."""

from __future__ import annotations

import asyncio
import functools
import secrets
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

from local_cloud.shared import emulator, private_names
from local_cloud.shared.wire import JsonObject, Node

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_cloud.shared.emulator import Headers

HELD_BACK_S = 4.0
POLL_S = 0.02
NAME_SUFFIX_BYTES = 6
S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_SSE = "x-amz-server-side-encryption"
_SSE_KEY = "x-amz-server-side-encryption-aws-kms-key-id"


def install_early() -> None:
    """Put right what is used from the first request on."""
    private_names.DATA_PLANE_ORIGIN.wrap(_always_secure)
    private_names.LAMBDA_DRAIN_STDERR.wrap(_short_drain)
    for fix in (private_names.FIX_SUCCESS_TYPE, private_names.FIX_ERROR_TYPE):
        fix.wrap(_except_ours)
    private_names.S3_WRITE_ENCRYPTION.wrap(_with_the_accounts_key)


def install_cloudformation() -> None:
    """Put right the resource handlers; imports MiniStack's CloudFormation."""
    handlers = private_names.CFN_HANDLERS.get()
    bucket = dict(handlers["AWS::S3::Bucket"])
    bucket["create"] = _with_bucket_properties(bucket["create"])
    bucket["update"] = _with_updated_bucket_properties(bucket["update"])
    bucket["delete"] = _refuse_full_bucket(bucket["delete"])
    handlers["AWS::S3::Bucket"] = bucket
    function = dict(handlers["AWS::Lambda::Function"])
    function["create"] = _with_function_properties(function["create"], properties=1)
    function["update"] = _with_function_properties(function["update"], properties=2)
    handlers["AWS::Lambda::Function"] = function
    role = dict(handlers["AWS::IAM::Role"])
    role["create"], role["update"] = _with_boundary(role["create"], new=1), _with_boundary(role["update"], new=2)
    handlers["AWS::IAM::Role"] = role
    group = dict(handlers["AWS::Logs::LogGroup"])
    group["create"], group["update"] = _named_by_its_stack(group["create"]), _keeping_its_name(group["update"])
    handlers["AWS::Logs::LogGroup"] = group


async def answer_when_settled(body: bytes) -> None:
    """Hold back DescribeStacks of one stack while an operation is going on, for a few seconds at most.

    The CDK CLI asks every 5 seconds; an answer that comes as soon as there is something to tell saves it most of
    that time with each stack. What is answered is the state at that moment, as ever.
    """
    asked = parse_qs(body.decode("latin-1")) if b"Action=DescribeStacks" in body else {}
    if asked.get("Action") != ["DescribeStacks"] or "StackName" not in asked:
        return
    deadline = time.monotonic() + HELD_BACK_S
    while time.monotonic() < deadline:
        status = emulator.stack_status(asked["StackName"][0])
        if not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
            return
        await asyncio.sleep(POLL_S)


def _always_secure(original: Callable[[str, bool], None]) -> Callable[[str, bool], None]:
    # Policies deny aws:SecureTransport=false. The emulator's one listener is on the loopback interface, where
    # plain HTTP stands for the TLS that AWS endpoints have.
    def pinned(source_ip: str, _: bool) -> None:
        original(source_ip, True)

    return pinned


def _except_ours(original: Callable[[str, int, Headers], None]) -> Callable[[str, int, Headers], None]:
    # Content types are corrected by a service's name. SageMaker's runtime shares its name with the control plane,
    # and the type of its answers is the container's.
    def fixed(service: str, status: int, headers: Headers) -> None:
        if service != "sagemaker":
            original(service, status, headers)

    return fixed


def _short_drain(original: Callable[..., str]) -> Callable[..., str]:
    # By default each warm invocation waits 50 ms for a line that the handler may never log. The handler's lines
    # are in the pipe before its answer is, so that 2 ms are ample.
    def drained(worker: object, first_line_wait: float = 0.002, idle_confirm: float = 0.001) -> str:
        return original(worker, first_line_wait=first_line_wait, idle_confirm=idle_confirm)

    return drained


def _with_the_accounts_key(original: Callable[..., Any]) -> Callable[..., Any]:
    # The CDK CLI asks for aws:kms and names no key, as one may: S3 then takes the account's own, aws/s3.
    def resolved(headers: Mapping[str, str], bucket_name: str) -> Any:  # noqa: ANN401 - MiniStack's
        if headers.get(_SSE) == "aws:kms" and not headers.get(_SSE_KEY):
            headers = {**headers, _SSE_KEY: "alias/aws/s3"}
        return original(headers, bucket_name)

    return resolved


def _with_boundary(make: Callable[..., tuple[str, Any]], *, new: int) -> Callable[..., tuple[str, Any]]:
    # Its evaluator holds roles to their boundary, but its templates give them none. `new` is the properties' place.
    def made(*arguments: Any) -> tuple[str, Any]:  # noqa: ANN401 - MiniStack's
        name, attributes = make(*arguments)
        private_names.IAM_ROLES.get()[name]["PermissionsBoundary"] = arguments[new].get("PermissionsBoundary")
        return name, attributes

    return made


def _named_by_its_stack(create: Callable[..., tuple[str, Any]]) -> Callable[..., tuple[str, Any]]:
    # MiniStack calls a log group without a name /aws/cloudformation/…; AWS names it as it names all else, and roles
    # are scoped by that.
    def created(logical_id: str, props: JsonObject, stack: str) -> tuple[str, Any]:
        name = f"{stack}-{logical_id}-{secrets.token_hex(NAME_SUFFIX_BYTES).upper()}"
        return create(logical_id, {"LogGroupName": name, **props}, stack)

    return created


def _keeping_its_name(update: Callable[..., tuple[str, Any]]) -> Callable[..., tuple[str, Any]]:
    def updated(physical_id: str, old: JsonObject, new: JsonObject, *more: object) -> tuple[str, Any]:
        kept: JsonObject = {"LogGroupName": physical_id}
        return update(physical_id, {**kept, **old}, {**kept, **new}, *more)

    return updated


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


def _with_function_properties(
    act: Callable[..., tuple[str, Any]], *, properties: int
) -> Callable[..., tuple[str, Any]]:
    # MiniStack's API knows them; its templates lose them.
    @functools.wraps(act)
    def acted(*arguments: Any, **more: Any) -> tuple[str, Any]:  # noqa: ANN401 - MiniStack's
        name, attributes = act(*arguments, **more)
        given: JsonObject = arguments[properties]
        told = {"KMSKeyArn": given.get("KmsKeyArn", "")}
        if "DeadLetterConfig" in given:
            told["DeadLetterConfig"] = given["DeadLetterConfig"]
        reserved = given.get("ReservedConcurrentExecutions")
        emulator.configure_function(
            name, told, vpc=given.get("VpcConfig"), reserved=None if reserved is None else int(str(reserved))
        )
        return name, attributes

    return acted


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
