"""The description against the function: whatever it lets a caller send is answered as it says."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
checks = pytest.importorskip("schemathesis.specs.openapi.checks", reason="schemathesis is not installed")

pytestmark = pytest.mark.slow

EXAMPLES = 150
WITHOUT_PARAMETERS = ("/topics",)
"""Paths at which nothing can be sent that the description does not allow."""

CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.missing_required_header,
    checks.unsupported_method,
]
"""Not among them: that whatever the schema allows is taken. No schema can say how wide a row must be, nor that a row of
zeros says nothing."""


def checks_of(case: Any) -> list[Any]:
    """Return the checks of one request.

    A number in the place of a text is sent as its digits, and is a text like any other: only JSON tells them apart.
    """
    is_number_as_text = "json" not in (case.media_type or "json") and isinstance(case.body, int | float)
    return [check for check in CHECKS if not (is_number_as_text and check is checks.negative_data_rejection)]


def wsgi_of(service: Any) -> Callable[..., Iterable[bytes]]:
    """Serve the function's answers as WSGI."""

    def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        headers = {
            name[5:].lower().replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")
        }
        if environ.get("CONTENT_TYPE"):
            headers["content-type"] = environ["CONTENT_TYPE"]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        reply = service.handle(
            {
                "version": "2.0",
                "rawPath": environ["PATH_INFO"],
                "rawQueryString": environ.get("QUERY_STRING", ""),
                "headers": headers,
                "requestContext": {"http": {"method": environ["REQUEST_METHOD"]}, "requestId": "r"},
                "body": base64.b64encode(body).decode(),
                "isBase64Encoded": True,
            }
        )
        text = reply.text
        if environ["PATH_INFO"] == "/openapi.json" and reply.status == HTTPStatus.OK:
            # Signatures are Lambda's to check, before the function is asked.
            text = json.dumps({name: value for name, value in reply.json.items() if name != "security"})
        start_response(f"{reply.status} told", list(reply.headers.items()))
        return [text.encode()]

    return application


def test_every_answer_is_one_that_is_described(service: Any) -> None:
    description = schemathesis.openapi.from_wsgi("/openapi.json", wsgi_of(service))
    operations = [result.ok() for result in description.get_all_operations()]

    for operation in operations:
        for mode in schemathesis.GenerationMode:
            if mode == schemathesis.GenerationMode.NEGATIVE and operation.path in WITHOUT_PARAMETERS:
                continue

            @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
            @given(case=operation.as_strategy(generation_mode=mode))
            def answers_as_described(case: Any) -> None:
                case.validate_response(case.call(), checks=checks_of(case))

            answers_as_described()

    # The description's own path is read to begin with, and left out afterwards.
    assert {operation.path for operation in operations} == set(service.application.routes) - {"/openapi.json"}
