"""Who may come in, as a function of a request's method, path and headers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.entrance import gate
from local_cloud.entrance.gate import TOKEN_HEADER, Entry, Gate, Refusal, guarded

if TYPE_CHECKING:
    from local_cloud.entrance.gate import Message

PORT = 41234
TOKEN = "ab" * 32
ID = "a1" * 16
WITH_CORS = f"/_aws/lambda-url/{ID}/"
GATE = Gate(PORT, TOKEN, lambda host, path: ID in host or path.startswith(WITH_CORS))
OWN = [f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"[::1]:{PORT}"]
BUCKETS = [f"my-bucket.localhost:{PORT}", f"b12.s3.localhost:{PORT}", f"my-bucket.s3.us-east-1.localhost:{PORT}"]
FUNCTIONS = [f"{ID}.lambda-url.us-east-1.on.aws", f"{ID}.lambda-url.eu-west-1.localhost:{PORT}"]
NAMES = st.text(st.characters(codec="latin-1"), max_size=40)


def admitted(host: str | None = OWN[0], path: str = "/", method: str = "POST", **headers: str) -> Entry | Refusal:
    sent = [(b"Host", host.encode("latin-1"))] if host is not None else []
    sent += [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return GATE.admit(method, path, sent)


def code(verdict: Entry | Refusal) -> str | None:
    return verdict.code if isinstance(verdict, Refusal) else None


@pytest.mark.parametrize("host", [*OWN, *BUCKETS, OWN[1].upper()])
def test_the_clouds_own_names_are_let_in_to_have_their_signature_looked_at(host: str) -> None:
    assert admitted(host) is Entry.SIGNED


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "127.0.0.1",
        f"127.0.0.1:{PORT + 1}",
        f"127.0.0.1:{PORT}.evil.example",
        f"evil.example:{PORT}",
        f"127.0.0.1.evil.example:{PORT}",
        f"127.0.0.2:{PORT}",
        f"0.0.0.0:{PORT}",
        f"localhost.evil.example:{PORT}",
        f"bucket.s3.evil.example:{PORT}",
        f"bucket.localhost.evil.example:{PORT}",
        f"abcd1234.execute-api.localhost:{PORT}",
        f"{ID}.lambda-url.us-east-1.evil.example",
        f"{ID}.lambda-url.us-east-1.on.aws.evil.example",
        "evil.example/.lambda-url.us-east-1.on.aws",
        f"user@127.0.0.1:{PORT}",
    ],
)
def test_any_other_host_is_refused(host: str | None) -> None:
    assert code(admitted(host)) == "ForeignHost"


def test_two_hosts_are_refused_though_both_are_the_clouds() -> None:
    assert code(GATE.admit("GET", "/", [(b"host", OWN[0].encode()), (b"host", OWN[0].encode())])) == "ForeignHost"


@given(host=NAMES)
def test_only_names_that_no_foreign_server_can_have_are_let_in(host: str) -> None:
    verdict = admitted(host)

    name = host.lower().removesuffix(f":{PORT}")
    own = host.lower() in OWN or name.endswith((".localhost", ".on.aws"))
    assert own or code(verdict) == "ForeignHost"


@given(
    name=st.sampled_from(["127.0.0.1", "localhost", "my-bucket.localhost", f"{ID}.lambda-url.us-east-1.on.aws"]),
    joint=st.sampled_from([".", "-", ":", "/", "@", "#", " "]),
    domain=st.from_regex(r"[a-z0-9]{1,8}(\.[a-z]{2,6}){1,2}", fullmatch=True).filter(lambda text: text != "on.aws"),
    port=st.sampled_from(["", f":{PORT}"]),
)
def test_a_foreign_domain_that_begins_with_a_name_of_the_cloud_is_foreign(
    name: str, joint: str, domain: str, port: str
) -> None:
    assert code(admitted(f"{name}{joint}{domain}{port}")) == "ForeignHost"


@pytest.mark.parametrize("host", OWN)
def test_a_page_of_the_clouds_own_origin_may_ask(host: str) -> None:
    assert admitted(host, Origin=f"http://{host}", Sec_Fetch_Site="same-origin") is Entry.SIGNED
    assert admitted(host, Sec_Fetch_Site="none") is Entry.SIGNED


@given(origin=NAMES.filter(lambda text: text.strip() not in {f"http://{host}" for host in OWN}))
def test_every_other_origin_is_refused_whatever_it_asks_for(origin: str) -> None:
    for path in ("/", "/bucket/key", "/_ministack/reset", "/_ministack/health", "/_aws/lambda-url/" + "b2" * 16 + "/"):
        assert code(admitted(path=path, Origin=origin)) == "ForeignOrigin"


@pytest.mark.parametrize("origin", ["null", f"https://127.0.0.1:{PORT}", f"http://127.0.0.1:{PORT + 1}", ""])
def test_origins_that_look_like_the_clouds_are_refused(origin: str) -> None:
    assert code(admitted(Origin=origin)) == "ForeignOrigin"


@given(site=NAMES.filter(lambda text: text.strip() not in {"same-origin", "none"}))
def test_every_other_fetch_site_is_refused(site: str) -> None:
    assert code(admitted(Sec_Fetch_Site=site)) == "ForeignOrigin"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_function_url_with_cors_of_its_own_answers_pages_by_itself(site: str) -> None:
    page = {"Origin": "https://page.example", "Sec_Fetch_Site": site}

    assert admitted(path=WITH_CORS, **page) is Entry.URL
    assert [admitted(host, **page) for host in FUNCTIONS] == [Entry.URL, Entry.URL]


def test_a_function_url_without_cors_is_closed_to_pages_and_open_to_others() -> None:
    path = "/_aws/lambda-url/" + "b2" * 16 + "/"

    assert code(admitted(path=path, Origin="https://page.example")) == "ForeignOrigin"
    assert admitted(path=path) is Entry.URL


@pytest.mark.parametrize("path", ["/_ministack/reset", "/v2/", "/_local_cloud/clock", "/health", "/login"])
def test_every_path_of_a_function_urls_host_is_the_functions(path: str) -> None:
    assert admitted(FUNCTIONS[0], path) is Entry.URL


@pytest.mark.parametrize(
    "path",
    [
        "/_local_cloud/clock",
        "/_local_cloud/interruptions",
        "/_local_cloud/sessions",
        "/_local_cloud/stack-roles",
        "/_ministack/reset",
        "/_ministack/config",
        "/_ministack/ready",
        "/_ministack/lambda-code/000000000000/us-east-1/f",
        "/_ministack/rds/iam-auth",
        "/_ministack/eks-auth/x",
        "/_localstack/health",
        "/_aws/ses/messages",
        "/_aws/execute-api/abcd1234/dev/",
        "/_alb/lb/",
    ],
)
@pytest.mark.parametrize("host", [OWN[0], BUCKETS[0]])
def test_a_control_path_takes_the_runs_token_and_nothing_else(path: str, host: str) -> None:
    assert code(admitted(host, path)) == "ControlToken"
    assert code(admitted(host, path, **{TOKEN_HEADER: TOKEN[:-1]})) == "ControlToken"
    assert code(admitted(host, path, **{TOKEN_HEADER: ""})) == "ControlToken"
    assert (
        code(admitted(host, path, Authorization="AWS4-HMAC-SHA256 Credential=k/d/r/s/aws4_request")) == "ControlToken"
    )
    assert admitted(host, path, **{TOKEN_HEADER: TOKEN}) is Entry.OPEN


def test_the_token_does_not_make_a_foreign_page_welcome() -> None:
    page = {TOKEN_HEADER: TOKEN, "Origin": "https://page.example"}

    assert code(admitted(path="/_ministack/reset", **page)) == "ForeignOrigin"
    assert code(admitted("evil.example", "/_ministack/reset", **page)) == "ForeignHost"


def test_health_may_be_asked_by_whoever_is_on_the_machine() -> None:
    assert admitted(path="/_ministack/health", method="GET") is Entry.OPEN
    assert code(admitted(path="/_ministack/health", method="POST")) == "ControlToken"


def test_a_custom_resource_puts_its_answer_without_a_signature_and_can_do_no_more_there() -> None:
    assert admitted(path="/_ministack/cfn-response/token", method="PUT") is Entry.OPEN
    assert code(admitted(path="/_ministack/cfn-response/token", method="POST")) == "ControlToken"


def exchanged(scope: Message) -> tuple[list[Message], list[str]]:
    sent: list[Message] = []
    reached: list[str] = []

    async def inner(scope: Message, receive: object, send: gate.Send) -> None:
        del scope, receive
        reached.append(gate.entry.get().name)
        wildcard = [(b"Access-Control-Allow-Origin", b"*"), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": wildcard})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def answered() -> None:
        await guarded(GATE, inner)(scope, receive, send)

    asyncio.run(answered())
    return sent, reached


def test_what_is_refused_never_reaches_the_emulator() -> None:
    sent, reached = exchanged({"type": "http", "method": "POST", "path": "/", "headers": [(b"host", b"evil.example")]})

    assert reached == []
    assert sent[0]["status"] == 403


def test_a_websocket_is_closed_before_it_opens() -> None:
    sent, reached = exchanged({"type": "websocket", "path": "/", "headers": [(b"host", OWN[0].encode())]})

    assert reached == []
    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize(("path", "kept"), [("/", False), (WITH_CORS, True)])
def test_only_a_function_url_tells_a_browser_that_others_may_read_it(path: str, *, kept: bool) -> None:
    sent, reached = exchanged({"type": "http", "method": "GET", "path": path, "headers": [(b"host", OWN[0].encode())]})

    assert reached == [Entry.URL.name if kept else Entry.SIGNED.name]
    names = [name for name, _ in sent[0]["headers"]]  # type: ignore[attr-defined]
    assert (b"Access-Control-Allow-Origin" in names) is kept
    assert b"content-type" in names


@pytest.mark.parametrize(
    "host", ["sts.amazonaws.com", "S3.us-east-1.amazonaws.com:443", "s3.amazonaws.com.", "a.api.aws"]
)
def test_a_host_of_awss_is_let_in_from_the_clouds_own_proxy_alone(host: str) -> None:
    proxied = Gate(PORT, TOKEN, lambda *_: False, {("127.0.0.1", 50_000)})
    sent = [(b"Host", host.encode())]

    assert proxied.admit("POST", "/", sent, ("127.0.0.1", 50_000)) is Entry.SIGNED
    assert code(proxied.admit("POST", "/", sent, ("127.0.0.1", 50_001))) == "ForeignHost"
    assert code(proxied.admit("POST", "/_ministack/reset", sent, ("127.0.0.1", 50_000))) == "ControlToken"
    assert code(proxied.admit("POST", "/", [*sent, (b"Origin", b"https://evil.example")], ("127.0.0.1", 50_000)))


@pytest.mark.parametrize("host", ["evil.example", "amazonaws.com.evil.example", "notamazonaws.com", "a.on.aws.evil"])
def test_no_other_host_is_let_in_from_the_proxy(host: str) -> None:
    proxied = Gate(PORT, TOKEN, lambda *_: False, {("127.0.0.1", 50_000)})

    assert code(proxied.admit("POST", "/", [(b"Host", host.encode())], ("127.0.0.1", 50_000))) == "ForeignHost"
