"""The function behind a real HTTP server that checks signatures as Lambda does."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

ACCESS_KEY, SECRET_KEY, TOKEN, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI", "session-token", "eu-west-1"


def signature_is_right(method: str, target: str, headers: dict[str, str], body: bytes, host: str) -> bool:
    """Check a request's signature, from the specification of Signature Version 4 and no library."""
    authorization = headers.get("authorization", "")
    scheme, _, rest = authorization.partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    if scheme != "AWS4-HMAC-SHA256" or not {"Credential", "SignedHeaders", "Signature"} <= parts.keys():
        return False
    key, date, region, service, _ = parts["Credential"].split("/")
    if (key, region, service) != (ACCESS_KEY, REGION, "lambda") or headers.get("x-amz-security-token") != TOKEN:
        return False
    signed = parts["SignedHeaders"].split(";")
    if not {"host", "x-amz-date"} <= set(signed):
        return False
    url = urlsplit(target)
    query = "&".join(
        f"{quote(name, '-_.~')}={quote(value, '-_.~')}"
        for name, value in sorted(parse_qsl(url.query, keep_blank_values=True))
    )
    lines = [f"{name}:{(host if name == 'host' else headers[name]).strip()}\n" for name in signed]
    digest = hashlib.sha256(body).hexdigest()
    canonical = "\n".join([method, quote(url.path or "/"), query, "".join(lines), ";".join(signed), digest])
    scope = f"{date}/{region}/{service}/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashed])
    secret = f"AWS4{SECRET_KEY}".encode()
    for part in (date, region, service, "aws4_request"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    return hmac.compare_digest(hmac.digest(secret, to_sign.encode(), "sha256").hex(), parts["Signature"])


@dataclass
class Url:
    """A Function URL on this machine.

    Attributes:
        script: answers given before the function's own: status, headers and body.
        requests: method and target of each request that came.
    """

    service: Any
    address: str = ""
    host: str = ""
    script: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)

    def answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        self.requests.append((method, target))
        if not signature_is_right(method, target, headers, body, self.host):
            return 403, {"content-type": "application/json"}, b'{"Message":"Forbidden"}'
        if self.script:
            return self.script.pop(0)
        url = urlsplit(target)
        event = {
            "version": "2.0",
            "rawPath": url.path,
            "rawQueryString": url.query,
            "headers": headers,
            "requestContext": {"http": {"method": method}, "requestId": "r"},
            "body": body.decode(),
            "isBase64Encoded": False,
        }
        reply = self.service.handle(event)
        return reply.status, reply.headers, reply.text.encode()


def handler_of(url: Url) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer_headers, answer = url.answer(self.command, self.path, headers, body)
            self.send_response(status)
            for name, value in answer_headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_args: Any) -> None:
            """Keep quiet."""

    return Handler


@pytest.fixture
def url(service: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Url]:
    url = Url(service)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(url))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    url.host = f"127.0.0.1:{server.server_address[1]}"
    url.address = f"http://{url.host}/"
    for name, value in {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": TOKEN,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "TOPICS_URL": url.address,
    }.items():
        monkeypatch.setenv(name, value)
    yield url
    server.shutdown()
    server.server_close()


@pytest.fixture
def problem() -> Any:
    def make(status: int, code: str, **members: Any) -> tuple[int, dict[str, str], bytes]:
        body = json.dumps({"status": status, "code": code, "detail": "told", "retry": False, **members}).encode()
        return status, {"content-type": "application/problem+json"}, body

    return make
