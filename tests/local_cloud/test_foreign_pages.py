"""A page of another origin in a real browser, beside a developer's local cloud."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from local_cloud import LocalCloud
from tests.local_cloud.support import SETTINGS, Account, allow, invoked

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
BUCKET = "kept-bucket"
HANDLER = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'answered'}\n"
PRESIGNED = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test/20260101/us-east-1/iam/aws4_request"
    "&X-Amz-Date=20260101T000000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
ATTACK = """
async ({base, presigned, trust, credentials}) => {
  const told = [];
  const attempt = async (name, path, options) => {
    try {
      const answer = await fetch(base + path, {mode: "no-cors", credentials: "include", ...options});
      told.push([name, answer.type, answer.status]);
    } catch (error) {
      told.push([name, "blocked", String(error)]);
    }
  };
  const form = new URLSearchParams({Action: "CreateRole", RoleName: "intruder", AssumeRolePolicyDocument: trust});
  for (const query of credentials) {
    await attempt("text", "/?" + query, {method: "POST", body: String(form)});
    await attempt("in the query", "/?" + form + "&" + query, {method: "POST", body: ""});
    await attempt("form", "/?" + query, {method: "POST", body: form});
    await attempt("a GET", "/?" + form + "&" + query);
    await attempt("a bucket's object", "/kept-bucket/intruder?" + query, {method: "POST", body: "x"});
  }
  await attempt("reset", "/_ministack/reset", {method: "POST"});
  await attempt("reset with init", "/_ministack/reset?init=1", {method: "POST", body: "{}"});
  await attempt("config", "/_ministack/config", {method: "POST", body: '{"lambda_svc.LAMBDA_EXECUTOR": "docker"}'});
  await attempt("clock", "/_local_cloud/clock", {method: "POST", body: '{"advance_s": 100000}'});
  await attempt("sessions", "/_local_cloud/sessions", {method: "POST", body: '{"expire": "x"}'});
  const cors = [];
  for (const [path, options] of [
    ["/_ministack/health", {}],
    ["/kept-bucket/kept", {}],
    ["/?Action=ListRoles&" + presigned, {}],
    ["/kept-bucket/intruder", {method: "PUT", body: "x"}],
    ["/kept-bucket/kept", {method: "DELETE"}],
    ["/", {method: "POST", headers: {"X-Amz-Target": "SageMaker.ListModels", "Authorization": "x"}, body: "{}"}],
  ]) {
    try {
      cors.push([path, (await fetch(base + path, options)).status]);
    } catch (error) {
      cors.push([path, "unreadable"]);
    }
  }
  return {told, cors};
}
"""
SUBMIT = """
({base, trust, query}) => new Promise(resolve => {
  const frame = document.createElement("iframe");
  frame.name = "target";
  document.body.append(frame);
  const form = document.createElement("form");
  Object.assign(form, {method: "POST", action: base + "/?" + query, target: "target", enctype: "text/plain"});
  const asked = {Action: "CreateRole", RoleName: "intruder", AssumeRolePolicyDocument: trust};
  for (const [name, value] of Object.entries(asked)) {
    const input = document.createElement("input");
    Object.assign(input, {type: "hidden", name, value});
    form.append(input);
  }
  document.body.append(form);
  frame.addEventListener("load", () => resolve(true));
  form.submit();
})
"""
IMAGES = """
({base, paths}) => Promise.all(paths.map(path => new Promise(resolve => {
  const image = new Image();
  image.onload = () => resolve("loaded");
  image.onerror = () => resolve("refused");
  image.src = base + path;
})))
"""
SOCKET = """
base => new Promise(resolve => {
  const socket = new WebSocket(base.replace("http", "ws") + "/_aws/execute-api/abcd1234/dev/");
  socket.onopen = () => resolve("open");
  socket.onerror = () => resolve("refused");
})
"""
READ = """
async address => {
  try {
    const answer = await fetch(address, {method: "POST", headers: {"x-asked": "1"}, body: "x"});
    return [answer.status, await answer.text()];
  } catch (error) {
    return [0, "unreadable"];
  }
}
"""

pytestmark = [
    pytest.mark.local_cloud,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH: apt-get install chromium"),
]


class Blank(BaseHTTPRequestHandler):
    """An empty page, whatever is asked for."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title><body></body>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """One of its own: these pages would wipe it if they could."""
    with LocalCloud(home=tmp_path_factory.mktemp("visited"), settings=SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def account(cloud: LocalCloud) -> Account:
    made = Account(cloud)
    made.root("s3").create_bucket(Bucket=BUCKET)
    made.root("s3").put_object(Bucket=BUCKET, Key="kept", Body=b"kept")
    return made


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """The port of another server on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Blank)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--host-resolver-rules=MAP rebound.example 127.0.0.1"]
        )
        yield launched
        launched.close()


@pytest.fixture(params=["127.0.0.1", "localhost"])
def page(browser: Browser, elsewhere: int, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of another origin: of the same site by the first name, of another by the second."""
    opened = browser.new_page()
    opened.goto(f"http://{request.param}:{elsewhere}/")
    yield opened
    opened.close()


def contents(account: Account) -> dict[str, Any]:
    """What a page would have made or wiped."""
    return {
        "roles": account.root("iam").list_roles()["Roles"],
        "functions": [each["FunctionName"] for each in account.root("lambda").list_functions()["Functions"]],
        "objects": [each["Key"] for each in account.root("s3").list_objects_v2(Bucket=BUCKET)["Contents"]],
    }


def test_a_foreign_page_creates_wipes_and_reads_nothing(cloud: LocalCloud, account: Account, page: Page) -> None:
    before, key = contents(account), cloud.variables()["AWS_ACCESS_KEY_ID"]
    queries = [PRESIGNED, PRESIGNED.replace("test/", "000000000000/"), PRESIGNED.replace("test/", f"{key}/"),
               "AWSAccessKeyId=test&Signature=x", "X-Amz-Credential=test/x/us-east-1/iam/aws4_request", ""]  # fmt: skip

    seen = page.evaluate(
        ATTACK, {"base": cloud.endpoint_url, "presigned": PRESIGNED, "trust": TRUST, "credentials": queries}
    )

    # The browser did send them; of each it lets the page see no more than that there was an answer, at most.
    assert len(seen["told"]) == 5 * len(queries) + 5
    assert {kind for _, kind, _ in seen["told"]} <= {"opaque", "blocked"}
    assert {answer for _, answer in seen["cors"]} == {"unreadable"}
    assert contents(account) == before


def test_a_form_of_a_foreign_page_creates_nothing(cloud: LocalCloud, account: Account, page: Page) -> None:
    before = contents(account)

    with page.expect_response(lambda answer: answer.request.method == "POST") as posted:
        page.evaluate(SUBMIT, {"base": cloud.endpoint_url, "trust": TRUST, "query": PRESIGNED})

    assert (posted.value.status, posted.value.json()["__type"]) == (403, "ForeignOrigin")
    assert contents(account) == before


def test_an_image_of_a_foreign_page_does_nothing(cloud: LocalCloud, account: Account, page: Page) -> None:
    before = contents(account)
    asked = ["/?Action=CreateRole&RoleName=intruder&" + PRESIGNED, f"/{BUCKET}/kept", "/_ministack/reset"]

    assert page.evaluate(IMAGES, {"base": cloud.endpoint_url, "paths": asked}) == ["refused"] * len(asked)
    assert contents(account) == before


def test_a_foreign_page_opens_no_websocket(cloud: LocalCloud, page: Page) -> None:
    assert page.evaluate(SOCKET, cloud.endpoint_url) == "refused"


def test_a_name_that_was_bound_to_this_machine_does_not_make_a_page_the_clouds_own(
    cloud: LocalCloud, account: Account, browser: Browser
) -> None:
    before, opened = contents(account), browser.new_page()
    port = cloud.running.port

    answer = opened.goto(f"http://rebound.example:{port}/_ministack/health")
    reset = opened.evaluate("async () => (await fetch('/_ministack/reset', {method: 'POST'})).status")
    assert answer is not None
    seen = answer.status, answer.json()["__type"], reset
    opened.close()

    assert seen == (403, "ForeignHost", 403)
    assert contents(account) == before


def url_of(account: Account, cloud: LocalCloud, name: str, cors: dict[str, list[str]] | None) -> str:
    role = account.role(allow("*"), service="lambda.amazonaws.com")
    functions = account.root("lambda")
    invoked(functions, HANDLER, role, name=name)
    for action, condition in (
        ("lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}),
        ("lambda:InvokeFunction", {"InvokedViaFunctionUrl": True}),
    ):
        functions.add_permission(
            FunctionName=name, StatementId=action.split(":")[1], Action=action, Principal="*", **condition
        )
    told = {"Cors": cors} if cors else {}
    made = functions.create_function_url_config(FunctionName=name, AuthType="NONE", **told)
    return cloud.function_url(made["FunctionUrl"]).local


def test_a_function_url_with_cors_answers_the_pages_that_it_names(
    cloud: LocalCloud, account: Account, browser: Browser, elsewhere: int
) -> None:
    ours = f"http://localhost:{elsewhere}"
    address = url_of(
        account, cloud, "for-pages", {"AllowOrigins": [ours], "AllowMethods": ["POST"], "AllowHeaders": ["x-asked"]}
    )
    answers = []
    for origin in (ours, f"http://127.0.0.1:{elsewhere}"):
        opened = browser.new_page()
        opened.goto(origin)
        answers.append(opened.evaluate(READ, address))
        opened.close()

    assert answers == [[200, "answered"], [0, "unreadable"]]


def test_a_function_url_without_cors_is_not_reached_by_a_page(cloud: LocalCloud, account: Account, page: Page) -> None:
    name = f"without-{page.url.split('/')[2].split(':')[0].replace('.', '-')}"
    address = url_of(account, cloud, name, None)

    assert page.evaluate(READ, address) == [0, "unreadable"]
    with page.expect_response(address) as answered:
        page.evaluate("address => fetch(address, {method: 'POST', mode: 'no-cors', body: 'x'}).then(() => 1)", address)
    assert answered.value.status == 403
