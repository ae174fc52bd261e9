"""Function URLs: Lambda's size limits inside the emulator, and calling a URL from outside it."""

from __future__ import annotations

import base64
import importlib
import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local_cloud.shared import emulated_identity, emulated_metrics, emulator, private_names
from local_cloud.shared.errors import LocalCloudError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from local_cloud.shared.emulator import Headers, Query, Response
    from local_cloud.shared.wire import JsonObject

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
"""A buffered request or answer, of a synchronous invocation and of a Function URL, as Lambda's quotas give it."""

FUNCTION_ARN_PARTS = 7
_BODY = 6
"""Which argument of MiniStack's the body is."""
CLIENT_ERRORS, SERVER_ERRORS = range(400, 500), range(500, 600)
_HOST = re.compile(r"^(?P<id>[a-z0-9]+)\.lambda-url\.(?P<region>[a-z0-9-]+)\.on\.aws$")


def install() -> None:
    """Hold requests and answers to Lambda's limits, callers to both of its permissions, and answer browsers."""
    private_names.FUNCTION_URL.wrap(_limited)
    private_names.FUNCTION_URL_EVENT.wrap(_with_whole_bodies)


def _limited(original: Callable[..., Awaitable[Response | None]]) -> Callable[..., Awaitable[Response | None]]:
    parse = private_names.PARSE_FUNCTION_URL.get()

    async def handled(  # noqa: PLR0917 - MiniStack's
        host: str, path: str, method: str, headers: Headers, body: bytes, query: Query, *rest: object, **named: object
    ) -> Response | None:
        if len(body) > MAX_PAYLOAD_BYTES and parse(host, path) is not None:
            return _refusal(413, "RequestEntityTooLargeException", "Request must be smaller than 6291456 bytes")
        if method == "OPTIONS" and (cors_headers := emulator.cors_of_url(host, path, headers)) is not None:
            # Lambda answers by itself, and whoever asks: a browser does not sign its preflight.
            return 200, cors_headers, b""
        if _names_no_caller(host, path, headers, query) or _lacks_invoke_function(host, path, headers):
            return _refusal(403, "AccessDeniedException", "Forbidden")
        started = time.perf_counter()
        answer = await original(host, path, method, headers, body, query, *rest, **named)
        if answer is not None:
            _publish(emulator.function_of_url(host, path), answer[0], time.perf_counter() - started)
        if answer is not None and len(answer[2]) > MAX_PAYLOAD_BYTES:
            # Lambda fails the invocation, and the URL says no more than that.
            return _refusal(502, "", "Internal Server Error")
        return answer

    return handled


def _with_whole_bodies(original: Callable[..., JsonObject]) -> Callable[..., JsonObject]:
    """Hand bytes that are no UTF-8 on in base64, as those of binary types are, where MiniStack would replace them."""

    def built(*given: object, **named: object) -> JsonObject:
        event = original(*given, **named)
        body = given[_BODY]
        if isinstance(body, bytes) and not _is_utf8(body):
            return {**event, "body": base64.b64encode(body).decode("ascii"), "isBase64Encoded": True}
        return event

    return built


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _names_no_caller(host: str, path: str, headers: Headers, query: Query) -> bool:
    """Whether a URL that takes signed requests only would take MiniStack's own root for the caller."""
    return emulator.url_asks_for_signatures(host, path) and emulated_identity.names_no_caller(headers, query)


def _lacks_invoke_function(host: str, path: str, headers: Headers) -> bool:
    """Whether a signed request lacks the second permission, which MiniStack does not ask for.

    Since October 2025 a caller of a Function URL needs lambda:InvokeFunction beside lambda:InvokeFunctionUrl.
    """
    if not headers.get("authorization", "").startswith("AWS4") or not emulator.url_asks_for_signatures(host, path):
        return False
    target, keys = emulator.function_of_url(host, path), {"lambda:InvokedViaFunctionUrl": "true"}
    denied = emulated_identity.caller_denial(headers, emulator.current_scope(), "lambda:InvokeFunction", target, keys)
    return denied is not None


def _publish(arn: str, status: int, seconds: float) -> None:
    """Publish Lambda's metrics of Function URLs, for the function and for the alias that the URL calls."""
    parts = arn.split(":")
    if len(parts) < FUNCTION_ARN_PARTS:
        return
    scope, (function, *alias) = emulator.Scope(parts[4], parts[3]), parts[6:]
    named = [{"FunctionName": function}, {"FunctionName": function, "Resource": ":".join([function, *alias])}]
    counts = {
        "UrlRequestCount": True,
        "Url4xxCount": status in CLIENT_ERRORS,
        "Url5xxCount": status in SERVER_ERRORS,
    }
    now = time.time()
    for dimensions in named:
        for name, count in counts.items():
            values = {float(count): 1}
            emulated_metrics.put_metric(scope, "AWS/Lambda", name, dimensions, unit="Count", values=values, at=now)
        latency = {seconds * 1000: 1}
        emulated_metrics.put_metric(
            scope, "AWS/Lambda", "UrlRequestLatency", dimensions, unit="Milliseconds", values=latency, at=now
        )


def _refusal(status: int, error: str, message: str) -> Response:
    headers = {"Content-Type": "application/json"}
    if error:
        headers["x-amzn-ErrorType"] = error
    return status, headers, json.dumps({"Message": message}).encode()


@dataclass(frozen=True)
class FunctionUrl:
    """A deployed Function URL and where it is reached here.

    Attributes:
        public: the address as the stack gives it, `https://<id>.lambda-url.<region>.on.aws/`.
        local: the same function on the emulator, ending in `/`.
        region: the region to sign for.
    """

    public: str
    local: str
    region: str

    @classmethod
    def at(cls, public: str, endpoint_url: str) -> FunctionUrl:
        """Find the local address of a public one.

        Raises:
            LocalCloudError: `public` is not the address of a Function URL.
        """
        if (url := cls.of(public, endpoint_url)) is None:
            raise LocalCloudError(f"{public!r} is no Function URL: those are https://<id>.lambda-url.<region>.on.aws/")
        return url

    @classmethod
    def of(cls, text: str, endpoint_url: str) -> FunctionUrl | None:
        """Return the Function URL that a text is; None where it is another."""
        match = _HOST.match(urlsplit(text).hostname or "") if text.startswith("https://") else None
        return match and cls(text, f"{endpoint_url}/_aws/lambda-url/{match['id']}/", match["region"])

    def signed(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], credentials: Mapping[str, str]
    ) -> tuple[str, dict[str, str]]:
        """Sign a request with SigV4 for the service `lambda`.

        Args:
            method: GET, POST, ...
            path: the path of the function, with or without a leading slash.
            body: sent as it is.
            headers: as the caller wants them, Content-Type among them.
            credentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for a role's session, AWS_SESSION_TOKEN.

        Returns:
            The local URL to call and the headers to send.
        """
        url = self.local + path.lstrip("/")
        keys = importlib.import_module("botocore.credentials").Credentials(
            credentials["AWS_ACCESS_KEY_ID"], credentials["AWS_SECRET_ACCESS_KEY"], credentials.get("AWS_SESSION_TOKEN")
        )
        return url, importlib.import_module("topics_client.signing").sign(
            method, url, body, headers, credentials=keys, region=self.region
        )
