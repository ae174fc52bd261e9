from __future__ import annotations

import io
import json
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from local_cloud import LocalCloud, LocalCloudError
from local_cloud.function_urls import MAX_PAYLOAD_BYTES, FunctionUrl
from tests.local_cloud.support import Account, allow, unique, until

pytestmark = pytest.mark.local_cloud

CODE = """
def handler(event, context):
    size = int(event.get("queryStringParameters", {}).get("size", "0"))
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": "x" * size or event["rawPath"]}
"""
ROOT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
WARM_LIMIT_S = 0.045
"""MiniStack's own wait for a line that is not logged would take 50 ms and more."""


@pytest.fixture(scope="module")
def function(account: Account) -> str:
    functions, name = account.root("lambda"), unique("function")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", CODE)
    functions.create_function(
        FunctionName=name, Runtime="python3.13", Handler="index.handler", Timeout=10,
        Role=account.role(service="lambda.amazonaws.com"), Code={"ZipFile": packed.getvalue()},
    )  # fmt: skip
    until(lambda: functions.get_function(FunctionName=name)["Configuration"]["State"] == "Active")
    return name


@pytest.fixture(scope="module")
def url(account: Account, cloud: LocalCloud, function: str) -> FunctionUrl:
    made = account.root("lambda").create_function_url_config(FunctionName=function, AuthType="AWS_IAM")["FunctionUrl"]
    return cloud.function_url(made)


@pytest.fixture(scope="module")
def call(url: FunctionUrl) -> Callable[..., tuple[int, bytes]]:
    def made(path: str = "/", body: bytes = b"", credentials: Mapping[str, str] = ROOT) -> tuple[int, bytes]:
        address, headers = url.signed("POST", path, body, {"Content-Type": "text/plain"}, credentials)
        return send(address, headers, body)

    return made


def send(address: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    request = urllib.request.Request(address, body, headers=dict(headers), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read()


def test_a_signed_request_reaches_the_function_with_its_path(call: Any) -> None:
    assert call("/topics/7") == (200, b"/topics/7")


def test_an_unsigned_or_a_changed_request_is_forbidden(url: FunctionUrl, credentials: Any) -> None:
    allowed = credentials("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")
    address, headers = url.signed("POST", "/", b"one", {"Content-Type": "text/plain"}, allowed)

    assert send(url.local, {}, b"one")[0] == 403
    assert send(address, headers, b"two")[0] == 403
    assert send(address, headers, b"one")[0] == 200


@pytest.fixture(scope="module")
def credentials(account: Account, function: str) -> Callable[..., dict[str, str]]:
    """Make a user with the given actions on the function; return its keys."""
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"

    def made(*actions: str) -> dict[str, str]:
        keys = account.user(*([allow(*actions, resource=arn)] if actions else []))("sts")._request_signer._credentials
        return {"AWS_ACCESS_KEY_ID": keys.access_key, "AWS_SECRET_ACCESS_KEY": keys.secret_key}

    return made


def test_a_caller_needs_permission_to_invoke_the_url(call: Any, credentials: Any) -> None:
    assert call(credentials=credentials("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"))[0] == 200
    assert call(credentials=credentials())[0] == 403
    assert call(credentials=credentials("lambda:InvokeFunction"))[0] == 403


def test_a_request_over_six_megabytes_is_refused_as_lambda_refuses_it(call: Any) -> None:
    status, body = call(body=b"x" * (MAX_PAYLOAD_BYTES + 1))

    assert status == 413
    assert json.loads(body)["Message"] == "Request must be smaller than 6291456 bytes"
    assert call(body=b"x" * 1_000_000)[0] == 200


def test_an_answer_over_six_megabytes_is_a_bad_gateway(call: Any) -> None:
    assert call(f"/?size={MAX_PAYLOAD_BYTES + 1}")[0] == 502
    assert len(call("/?size=5000000")[1]) == 5_000_000


def test_a_warm_call_does_not_wait_for_lines_that_are_not_logged(call: Any) -> None:
    call()
    times = []
    for _ in range(5):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)

    assert min(times) < WARM_LIMIT_S


def test_an_address_that_is_no_function_url_is_refused(cloud: LocalCloud) -> None:
    with pytest.raises(LocalCloudError, match="is no Function URL"):
        cloud.function_url("https://example.com/")
