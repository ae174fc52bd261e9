"""InvokeEndpoint: a request handed to an instance of the endpoint, on the event loop and never blocking it."""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass
from urllib.parse import unquote

from local_cloud.sagemaker.hosting.capture import Exchange
from local_cloud.sagemaker.hosting.endpoint import Endpoint
from local_cloud.sagemaker.hosting.endpoints import Endpoints
from local_cloud.sagemaker.hosting.fleet import Variant
from local_cloud.sagemaker.hosting.http_pool import HttpAnswer, LostConnectionError, NoConnectionError
from local_cloud.sagemaker.hosting.metrics import InvocationMetrics, VariantKey
from local_cloud.sagemaker.hosting.serverless import throttled
from local_cloud.sagemaker.hosting.serving import ServingInstance
from local_cloud.shared import emulator
from local_cloud.shared.emulator import Headers, Response, Scope

OK = 200
SUCCESSES = range(200, 300)
CLIENT_ERRORS = range(400, 500)
MAX_ATTRIBUTES_LENGTH = 1024
MAX_MESSAGE_LENGTH = 1024
CUSTOM_ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
TARGET_VARIANT = "x-amzn-sagemaker-target-variant"
INVOKED_VARIANT = "x-Amzn-Invoked-Production-Variant"
_PATH = re.compile(r"^/endpoints/(?P<name>[^/]+)/invocations$")
REFUSED_HEADERS = {
    "x-amzn-sagemaker-target-model": "TargetModel",
    "x-amzn-sagemaker-target-container-hostname": "TargetContainerHostname",
    "x-amzn-sagemaker-enable-explanations": "EnableExplanations",
    "x-amzn-sagemaker-inference-component": "InferenceComponentName",
    "x-amzn-sagemaker-session-id": "SessionId",
    "x-amzn-sagemaker-prefix-aware-id": "PrefixAwareId",
}
"""Members of an invocation that are not emulated, by the header that they are sent in."""
_PASSED_ON = {
    "content-type": "Content-Type",
    "accept": "Accept",
    CUSTOM_ATTRIBUTES: "X-Amzn-SageMaker-Custom-Attributes",
    "x-amzn-sagemaker-inference-id": "X-Amzn-SageMaker-Inference-Id",
}
_TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)
INFERENCE_ID = "x-amzn-sagemaker-inference-id"


@dataclass(frozen=True)
class _ModelError:
    """A container that answered with an error, too late or too much."""

    status: int
    message: str


class Runtime:
    """The data plane of every endpoint."""

    def __init__(self, endpoints: Endpoints, metrics: InvocationMetrics, timeout_s: float) -> None:
        self._endpoints = endpoints
        self._metrics = metrics
        self._timeout_s = timeout_s

    async def handle(self, method: str, path: str, headers: Headers, body: bytes) -> Response:
        """Answer a request to the runtime's REST interface."""
        match = _PATH.match(path)
        if match is None or method != "POST":
            what = path.rpartition("/")[2] or path
            return _refusal(
                501, "NotImplementedException", f"sagemaker-runtime: {what} is not emulated by the local cloud"
            )
        self._endpoints.loop = asyncio.get_running_loop()
        scope, name = emulator.current_scope(), unquote(match["name"])
        endpoint = self._endpoints.find(scope, name)
        if endpoint is None or endpoint.fleet is None:
            return _validation_error(f"Endpoint {name} of account {scope.account} not found.")
        variant = endpoint.traffic.choose(headers.get(TARGET_VARIANT, ""))
        if variant is None:
            return _validation_error(f"Variant {headers[TARGET_VARIANT]} not found for endpoint {name}.")
        return _not_admitted(variant, headers, body) or await self._invoke(endpoint, variant, headers, body)

    async def _invoke(self, endpoint: Endpoint, variant: Variant, headers: Headers, body: bytes) -> Response:
        started = time.perf_counter()
        instances, model_s = variant.count, 0.0
        passed_on = {sent: headers[name] for name, sent in _PASSED_ON.items() if headers.get(name)}
        variant.outstanding += 1
        try:
            instance, outcome = await self._ask(variant, passed_on, body)
        finally:
            variant.outstanding -= 1
        model_s = time.perf_counter() - started
        response = self._response(endpoint, variant, instance, outcome)
        status = outcome.status if isinstance(outcome, HttpAnswer) else 500
        self._metrics.record(
            VariantKey(endpoint.scope, endpoint.name, variant.spec.name),
            status=status,
            instances=instances,
            model_s=model_s,
            overhead_s=time.perf_counter() - started - model_s,
        )
        if variant.capture is not None and response[0] == OK:
            variant.capture.record(
                Exchange(
                    variant=variant.spec.name,
                    role_arn=variant.spec.model.role_arn,
                    asked_type=headers.get("content-type", ""),
                    asked=body,
                    answered_type=response[1]["Content-Type"],
                    answered=response[2],
                    custom_attributes=headers.get(CUSTOM_ATTRIBUTES, ""),
                    inference_id=headers.get(INFERENCE_ID, ""),
                )
            )
        return response

    async def _ask(
        self, variant: Variant, headers: dict[str, str], body: bytes
    ) -> tuple[ServingInstance | None, HttpAnswer | _ModelError | None]:
        instance = None
        # An instance that has just died is replaced; the request goes to the next one.
        for _ in range(variant.count):
            instance = variant.pick()
            if instance is None:
                break
            instance.outstanding += 1
            try:
                answer = await instance.pool.request("POST", "/invocations", headers, body, timeout_s=self._timeout_s)
            except NoConnectionError:
                continue
            except LostConnectionError:
                # It may have been the request that ended the container: no other one is given it.
                return instance, _ModelError(0, "Connection to the container was closed before it answered.")
            except TimeoutError:
                return instance, _ModelError(0, _TIMED_OUT)
            else:
                if len(answer.body) <= variant.max_body_bytes:
                    return instance, answer
                too_large = f"The response payload exceeded the limit of {variant.max_body_bytes} bytes."
                return instance, _ModelError(answer.status, too_large)
            finally:
                instance.outstanding -= 1
        return instance, None

    @staticmethod
    def _response(
        endpoint: Endpoint, variant: Variant, instance: ServingInstance | None, outcome: HttpAnswer | _ModelError | None
    ) -> Response:
        if instance is None or outcome is None:
            return _refusal(503, "ServiceUnavailable", f"No instance of endpoint {endpoint.name} answers; try again.")
        if isinstance(outcome, _ModelError):
            return _model_error(endpoint, instance, outcome)
        if outcome.status not in SUCCESSES:
            message = outcome.body.decode(errors="replace")
            return _model_error(endpoint, instance, _ModelError(outcome.status, message))
        headers = {
            "Content-Type": outcome.headers.get("content-type", "application/octet-stream"),
            INVOKED_VARIANT: variant.spec.name,
        }
        if outcome.headers.get(CUSTOM_ATTRIBUTES):
            headers["X-Amzn-SageMaker-Custom-Attributes"] = outcome.headers[CUSTOM_ATTRIBUTES]
        return 200, headers, outcome.body


def _not_admitted(variant: Variant, headers: Headers, body: bytes) -> Response | None:
    for header, member in REFUSED_HEADERS.items():
        if header in headers:
            return _validation_error(f"{member} is not emulated by the local cloud.")
    if len(headers.get(CUSTOM_ATTRIBUTES, "")) > MAX_ATTRIBUTES_LENGTH:
        return _validation_error(f"CustomAttributes is longer than {MAX_ATTRIBUTES_LENGTH} characters.")
    limit = variant.max_body_bytes
    if len(body) > limit:
        return _refusal(413, "", f"The request payload of {len(body)} bytes exceeded the limit of {limit} bytes.")
    if variant.is_full:
        error = throttled(variant.spec.name)
        return _refusal(error.status, error.code, error.message)
    return None


def _model_error(endpoint: Endpoint, instance: ServingInstance, error: _ModelError) -> Response:
    scope: Scope = endpoint.scope
    kind = "client" if error.status in CLIENT_ERRORS else "server"
    group = f"/aws/sagemaker/Endpoints/{endpoint.name}"
    message = (
        f'Received {kind} error ({error.status}) from primary with message "{error.message[:MAX_MESSAGE_LENGTH]}". See '
        f"https://{scope.region}.console.aws.amazon.com/cloudwatch/home?region={scope.region}"
        f"#logEventViewer:group={group} "
        f"in account {scope.account} for more information."
    )
    more: dict[str, int | str] = {
        "OriginalStatusCode": error.status,
        "OriginalMessage": error.message[:MAX_MESSAGE_LENGTH],
        "LogStreamArn": instance.log.arn,
    }
    return _refusal(424, "ModelError", message, more)


def _validation_error(message: str) -> Response:
    return _refusal(400, "ValidationError", message)


def _refusal(status: int, code: str, message: str, more: dict[str, int | str] | None = None) -> Response:
    headers = {"Content-Type": "application/json"}
    if code:
        headers["x-amzn-ErrorType"] = code
    return status, headers, json.dumps({"Message": message, "message": message, **(more or {})}).encode()
