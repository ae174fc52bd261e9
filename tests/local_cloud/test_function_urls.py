from __future__ import annotations

import gzip
import http.client
import io
import json
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from local_cloud import LocalCloud, LocalCloudError
from local_cloud.function_urls import MAX_PAYLOAD_BYTES, FunctionUrl
from tests.local_cloud.support import Account, allow, unique, until

pytestmark = pytest.mark.local_cloud

CODE = """
import base64

def handler(event, context):
    if event["rawPath"] == "/bytes":
        # What the function is handed of the body: its bytes in hexadecimal.
        content = event.get("body", "").encode()
        if event["isBase64Encoded"]:
            content = base64.b64decode(content)
        return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": content.hex()}
    size = int(event.get("queryStringParameters", {}).get("size", "0"))
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": "x" * size or event["rawPath"]}
"""
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
def root(cloud: LocalCloud) -> dict[str, str]:
    return cloud.variables()


@pytest.fixture(scope="module")
def call(url: FunctionUrl, root: dict[str, str]) -> Callable[..., tuple[int, bytes]]:
    def made(path: str = "/", body: bytes = b"", credentials: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        address, headers = url.signed("POST", path, body, {"Content-Type": "text/plain"}, credentials or root)
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


@pytest.mark.parametrize("body", [gzip.compress(b"bike", mtime=0), b"gr\xfcn", "grün \ufffd".encode()])
def test_every_byte_of_a_body_reaches_the_function_under_a_text_type(call: Any, body: bytes) -> None:
    assert call("/bytes", body) == (200, body.hex().encode())


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
        return keys_of(account.user(*([allow(*actions, resource=arn)] if actions else [])))

    return made


def keys_of(user: Callable[[str], Any]) -> dict[str, str]:
    keys = user("sts")._request_signer._credentials
    return {"AWS_ACCESS_KEY_ID": keys.access_key, "AWS_SECRET_ACCESS_KEY": keys.secret_key}


def test_a_caller_needs_permission_to_invoke_the_url(call: Any, credentials: Any) -> None:
    assert call(credentials=credentials("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"))[0] == 200
    assert call(credentials=credentials())[0] == 403
    assert call(credentials=credentials("lambda:InvokeFunction"))[0] == 403
    assert call(credentials=credentials("lambda:InvokeFunctionUrl"))[0] == 403


def test_a_principal_that_the_functions_policy_names_may_call_the_url_and_not_the_function(
    account: Account, call: Any, function: str
) -> None:
    iam, functions = account.root("iam"), account.root("lambda")
    named, stranger = account.user(), account.user()
    arns = [user("sts").get_caller_identity()["Arn"] for user in (named, stranger)]
    for action, condition in (
        ("lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "AWS_IAM"}),
        ("lambda:InvokeFunction", {"InvokedViaFunctionUrl": True}),
    ):
        functions.add_permission(
            FunctionName=function, StatementId=unique("named"), Action=action, Principal=arns[0], **condition
        )

    assert iam.list_user_policies(UserName=arns[0].rpartition("/")[2])["PolicyNames"] == []
    assert call(credentials=keys_of(named))[0] == 200
    assert call(credentials=keys_of(stranger))[0] == 403
    with pytest.raises(ClientError, match="AccessDenied"):
        named("lambda").invoke(FunctionName=function)


ORIGIN = "https://app.example.com"


@pytest.fixture(scope="module")
def url_for_pages(account: Account, cloud: LocalCloud, function: str) -> FunctionUrl:
    functions = account.root("lambda")
    version = functions.publish_version(FunctionName=function)["Version"]
    functions.create_alias(FunctionName=function, Name="pages", FunctionVersion=version)
    cors = {"AllowOrigins": [ORIGIN], "AllowMethods": ["GET", "POST"], "AllowHeaders": ["authorization"], "MaxAge": 60}
    made = functions.create_function_url_config(FunctionName=function, Qualifier="pages", AuthType="AWS_IAM", Cors=cors)
    return cloud.function_url(made["FunctionUrl"])


def preflight(url: FunctionUrl, origin: str) -> tuple[int, dict[str, str]]:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    request = urllib.request.Request(url.local, headers=asked, method="OPTIONS")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}
    except urllib.error.HTTPError as refusal:
        return refusal.code, {name.lower(): value for name, value in refusal.headers.items()}


def test_a_browsers_preflight_is_answered_unsigned_to_named_origins_alone(url_for_pages: FunctionUrl) -> None:
    status, told = preflight(url_for_pages, ORIGIN)
    _, others = preflight(url_for_pages, "https://elsewhere.example.com")

    assert status == 200
    assert told["access-control-allow-origin"] == ORIGIN
    assert told["access-control-allow-methods"] == "GET,POST"
    assert told["access-control-allow-headers"] == "authorization"
    assert told["access-control-max-age"] == "60"
    assert "access-control-allow-origin" not in others


def test_a_preflight_to_a_url_without_cors_is_forbidden_like_any_unsigned_request(url: FunctionUrl) -> None:
    assert preflight(url, ORIGIN)[0] == 403


def test_a_page_may_read_the_answer_to_its_signed_request_and_an_unsigned_one_stays_forbidden(
    url_for_pages: FunctionUrl, root: dict[str, str]
) -> None:
    address, headers = url_for_pages.signed("POST", "/", b"", {"Content-Type": "text/plain"}, root)
    request = urllib.request.Request(address, b"", headers={**headers, "Origin": ORIGIN}, method="POST")

    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert send(url_for_pages.local, {"Origin": ORIGIN}, b"")[0] == 403


@pytest.fixture(scope="module")
def open_url(account: Account, cloud: LocalCloud, function: str) -> FunctionUrl:
    functions = account.root("lambda")
    version = functions.publish_version(FunctionName=function)["Version"]
    functions.create_alias(FunctionName=function, Name="open", FunctionVersion=version)
    made = functions.create_function_url_config(FunctionName=function, Qualifier="open", AuthType="NONE")
    for action, condition in (
        ("lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}),
        ("lambda:InvokeFunction", {"InvokedViaFunctionUrl": True}),
    ):
        functions.add_permission(
            FunctionName=function,
            Qualifier="open",
            StatementId=unique("all"),
            Action=action,
            Principal="*",
            **condition,
        )
    return cloud.function_url(made["FunctionUrl"])


def test_an_open_url_answers_whoever_asks(open_url: FunctionUrl) -> None:
    assert send(open_url.local, {}, b"")[0] == 200


OF_THE_EMULATOR = (
    "/health", "/_ministack/health", "/_ministack/ready", "/_ministack/reset", "/_ministack/rds/iam-auth",
    "/_ministack/cfn-response/x", "/_localstack/health", "/_local_cloud/clock", "/_aws/lambda-url/x/", "/_alb/x",
    "/oauth2/userInfo", "/v20180820/bucket/x", "/iceberg/v1/config", "/2015-03-31/functions", "/.well-known/jwks.json",
    "//health", "/",
)  # fmt: skip
"""What MiniStack or the local cloud answers on its own host."""


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("path", OF_THE_EMULATOR)
def test_every_path_of_a_url_is_the_functions(open_url: FunctionUrl, method: str, path: str) -> None:
    own, host = urlsplit(open_url.local), urlsplit(open_url.public).netloc
    asked = [(path, {"Host": host}), (own.path.rstrip("/") + path, {})]
    answers = []
    for target, headers in asked:
        connection = http.client.HTTPConnection(own.netloc, timeout=30)
        connection.request(method, target, body=None if method == "GET" else b"{}", headers=headers)
        answer = connection.getresponse()
        answers.append((answer.status, answer.read().decode()))
        connection.close()

    assert answers == [(200, path)] * 2


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
