"""IAM for our services: without these entries MiniStack lets every call to them pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import unquote

from local_cloud.s3vectors import service as s3vectors
from local_cloud.shared import emulator, private_names
from local_cloud.shared.emulator import Headers, Query

_OURS = frozenset({"sagemaker", "application-autoscaling", s3vectors.NAME})
_SAGEMAKER_RESOURCES = (
    # member of the request -> resource type of the ARN; the first that a request has is what it acts on
    ("TrainingJobName", "training-job"),
    ("HyperParameterTuningJobName", "hyper-parameter-tuning-job"),
    ("TransformJobName", "transform-job"),
    ("ProcessingJobName", "processing-job"),
    ("EndpointName", "endpoint"),
    ("EndpointConfigName", "endpoint-config"),
    ("ModelName", "model"),
    ("ModelPackageArn", "model-package"),
    ("ModelPackageName", "model-package"),
    ("ModelPackageGroupName", "model-package-group"),
)
_IN_LOWER_CASE = frozenset({"endpoint", "endpoint-config", "model"})
"""ARNs of these are in lower case, whatever the name."""


def install() -> None:
    """Give our services their namespaces, REST routes and resource ARNs."""
    private_names.IAM_NAMESPACES.get().update(
        {
            "sagemaker": "sagemaker",
            "application-autoscaling": "application-autoscaling",
            s3vectors.NAME: s3vectors.NAME,
        }
    )
    private_names.IAM_BOTOCORE_SERVICES.get()["sagemaker"] = ["sagemaker-runtime", "sagemaker"]
    private_names.IAM_ACTION.wrap(_by_target_or_path)
    private_names.IAM_RESOURCE_ARN.wrap(_with_our_resources)
    private_names.IAM_DENIED_RESPONSE.wrap(_as_the_service_says)


def sagemaker_arn(path: str, body: bytes, region: str, account: str) -> str:
    """Return the ARN that a SageMaker request acts on, or * where it names none."""
    parts = [part for part in path.split("/") if part]
    prefix = f"arn:aws:sagemaker:{region}:{account}:"
    if parts[:1] == ["endpoints"] and len(parts) > 1:
        return f"{prefix}endpoint/{unquote(parts[1]).lower()}"
    try:
        request = json.loads(body or b"{}")
    except (json.JSONDecodeError, UnicodeDecodeError):
        return "*"
    if not isinstance(request, dict):
        return "*"
    if isinstance(request.get("ResourceArn"), str):
        return str(request["ResourceArn"])
    for member, kind in _SAGEMAKER_RESOURCES:
        if isinstance(request.get(member), str):
            name = request[member].lower() if kind in _IN_LOWER_CASE else request[member]
            return str(name) if name.startswith("arn:") else f"{prefix}{kind}/{name}"
    return "*"


def _by_target_or_path(original: Callable[..., str | None]) -> Callable[..., str | None]:
    # MiniStack looks for an Action parameter first, by which a caller could name another action than it performs.
    def action(  # noqa: PLR0917 - MiniStack's
        service: str, method: str, path: str, headers: Headers, body: bytes, query: Query
    ) -> str | None:
        if service == "sagemaker" and "x-amz-target" not in headers:
            return "sagemaker:InvokeEndpoint"
        if service == s3vectors.NAME:
            return f"{s3vectors.NAME}:{path.strip('/')}"
        return original(service, method, path, headers, body, {} if service in _OURS else query)

    return action


def _with_our_resources(original: Callable[..., str]) -> Callable[..., str]:
    def resource(  # noqa: PLR0917 - MiniStack's
        service: str, method: str, path: str, headers: Headers, body: bytes, query: Query, region: str, account: str
    ) -> str:
        if service == "sagemaker":
            return sagemaker_arn(path, body, region, account)
        if service == s3vectors.NAME:
            return s3vectors.resource_arn(body, region, account)
        arn = original(service, method, path, headers, body, query, region, account)
        return _with_log_stream(arn, body) if service == "logs" and ":log-group:" in arn else arn

    return resource


def _with_log_stream(arn: str, body: bytes) -> str:
    # CloudWatch Logs asks IAM about a group as `…:log-group:<name>:log-stream:`, so that policies name it with `:*`.
    # Tagging, which names the ARN itself, takes it as it is.
    asked = json.loads(body)
    return arn if "resourceArn" in asked else f"{arn}:log-stream:{asked.get('logStreamName', '')}"


def _as_the_service_says(original: Callable[..., emulator.Response]) -> Callable[..., emulator.Response]:
    def denied(service: str, action: str, principal: str, request_id: str, **details: object) -> emulator.Response:
        if service not in _OURS or details.get("error_code"):
            return original(service, action, principal, request_id, **details)
        why = (
            "with an explicit deny in an identity-based policy"
            if details.get("explicit_deny")
            else f"because no identity-based policy allows the {action} action"
        )
        message = (
            f"User: {principal} is not authorized to perform: {action} on resource: {details.get('resource_arn')} {why}"
        )
        # Two are JSON services that answer 400 here, where others answer 403.
        headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": "AccessDeniedException"}
        body = json.dumps({"__type": "AccessDeniedException", "Message": message, "message": message})
        return 403 if service == s3vectors.NAME else 400, headers, body.encode()

    return denied
