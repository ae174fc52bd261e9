"""Who may come in: what is asked of each request before anything of the emulator sees it.

The emulator listens on loopback, which any web page in the developer's browser and any other user of the machine can
reach. So a request must address the cloud by its own name (against DNS rebinding), must not come from another
origin's page, and must carry a signature, which `authentication` verifies. A path that acts without one is closed, or
takes the run's token.
"""

from __future__ import annotations

import contextvars
import enum
import hmac
import json
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Message: TypeAlias = MutableMapping[str, object]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
AsgiApplication: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

HEALTH_PATH = "/_ministack/health"
TOKEN_HEADER = "x-local-cloud-token"  # noqa: S105 - the header's name
FUNCTION_URL_PREFIX = "/_aws/lambda-url/"
CONTROL_PREFIXES = ("/_local_cloud", "/_ministack", "/_localstack", "/_aws", "/_alb")
"""Paths that act without a signature: the cloud's own, MiniStack's, and its data planes that nothing here uses."""
ANSWER_PREFIXES = ("/_ministack/cfn-response/", "/_ministack/cfn-signal/")
"""Where a custom resource PUTs its answer, unsigned as to S3 on AWS. The path itself ends in a random token."""
AWS_DOMAINS = ("amazonaws.com", "amazonaws.com.cn", "api.aws", "on.aws")
"""What AWS's hosts are called: in the name of these the proxy answers, and nothing for them leaves the machine."""
OWN_NAMES = ("127.0.0.1", "localhost", "[::1]")
HTTP_PORT = 80
FORBIDDEN = 403
_POLICY_VIOLATION = 1008
_SAME_SITE_VALUES = frozenset({b"same-origin", b"none"})
_BUCKET_HOST = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]\.(s3\.([a-z0-9-]+\.)?)?localhost", re.ASCII)
_FUNCTION_HOST = re.compile(
    r"([a-z0-9]{32}|[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12})\.lambda-url\.[a-z0-9-]+\.(on\.aws|localhost)", re.ASCII
)


def is_of_aws(host: str) -> bool:
    """Tell whether a host, in lower case and without a port, is AWS's."""
    host = host.rstrip(".")
    return host.endswith(tuple(f".{domain}" for domain in AWS_DOMAINS)) or host in AWS_DOMAINS


class Entry(enum.Enum):
    """How a request that is let in is answered."""

    OPEN = "without a signature"
    URL = "by a function, whose URL says who may call it"
    SIGNED = "if its signature is good"


@dataclass(frozen=True)
class Refusal:
    """Why a request is not let in: a stable code, and a sentence."""

    code: str
    message: str


class _HostKind(enum.Enum):
    OWN, BUCKET, FUNCTION, AWS = range(4)


entry: contextvars.ContextVar[Entry] = contextvars.ContextVar("entry", default=Entry.SIGNED)
"""How the request that is being answered came in."""


@dataclass(frozen=True)
class Gate:
    """The rules of one local cloud.

    Args:
        port: where it listens.
        token: what opens its control paths.
        has_own_cors: whether the Function URL of a host and a path has something set for browsers.
        proxied: the addresses that the cloud's own proxy connects from, which brings requests for AWS's hosts.
    """

    port: int
    token: str
    has_own_cors: Callable[[str, str], bool]
    proxied: set[object] = field(default_factory=set)

    def admit(
        self, method: str, path: str, headers: Sequence[tuple[bytes, bytes]], client: object = None
    ) -> Entry | Refusal:
        """Decide on a request by its method, its decoded path, its headers as they came, and its client's address."""
        hosts = _values(headers, b"host")
        host = hosts[0].decode("latin-1").lower() if len(hosts) == 1 else ""
        kind = self._kind(host) or (_HostKind.AWS if self._is_proxied(host, client) else None)
        if kind is None:
            return Refusal(
                "ForeignHost", f"The Host header must be one name of this local cloud, such as 127.0.0.1:{self.port}."
            )
        is_url = kind is _HostKind.FUNCTION or (kind is _HostKind.OWN and path.startswith(FUNCTION_URL_PREFIX))
        if self._is_foreign(headers) and not (is_url and self.has_own_cors(host, path)):
            return Refusal(
                "ForeignOrigin",
                "A page of another origin may not use this local cloud, but for Function URLs with a CORS "
                "configuration of their own.",
            )
        if is_url:
            return Entry.URL
        return self._entry(method, path, headers)

    def _entry(self, method: str, path: str, headers: Sequence[tuple[bytes, bytes]]) -> Entry | Refusal:
        if path == HEALTH_PATH and method in {"GET", "HEAD"}:
            return Entry.OPEN
        if path.startswith(ANSWER_PREFIXES) and method == "PUT":
            return Entry.OPEN
        if path.startswith(CONTROL_PREFIXES):
            tokens = _values(headers, TOKEN_HEADER.encode())
            if len(tokens) == 1 and hmac.compare_digest(tokens[0], self.token.encode()):
                return Entry.OPEN
            return Refusal("ControlToken", f"This path takes the token of this run, in the header {TOKEN_HEADER}.")
        return Entry.SIGNED

    def _kind(self, host: str) -> _HostKind | None:
        own = self._own_authorities()
        if host in own:
            return _HostKind.OWN
        name = self._without_port(host)
        if _FUNCTION_HOST.fullmatch(host) and host.endswith(".on.aws"):
            return _HostKind.FUNCTION
        if _FUNCTION_HOST.fullmatch(name):
            return _HostKind.FUNCTION
        return _HostKind.BUCKET if _BUCKET_HOST.fullmatch(name) else None

    def _is_proxied(self, host: str, client: object) -> bool:
        return client in self.proxied and is_of_aws(host.removesuffix(":443").removesuffix(":80"))

    def _own_authorities(self) -> list[str]:
        suffixes = [f":{self.port}", *([""] if self.port == HTTP_PORT else [])]
        return [name + suffix for name in OWN_NAMES for suffix in suffixes]

    def _without_port(self, host: str) -> str:
        """Return the name of `host`; '' where its port is not the cloud's."""
        suffix = f":{self.port}"
        if host.endswith(suffix):
            return host.removesuffix(suffix)
        return host if self.port == HTTP_PORT else ""

    def _is_foreign(self, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        own = {f"http://{authority}".encode() for authority in self._own_authorities()}
        return any(origin not in own for origin in _values(headers, b"origin")) or any(
            site not in _SAME_SITE_VALUES for site in _values(headers, b"sec-fetch-site")
        )


def guarded(gate: Gate, inner: AsgiApplication) -> AsgiApplication:
    """Return `inner` behind the gate: what is refused never reaches it, and its wildcards never reach a browser."""

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            # Nothing here uses MiniStack's WebSockets, and a browser opens one to any origin.
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        if scope["type"] != "http":
            await inner(scope, receive, send)
            return
        headers = _headers(scope)
        client = scope.get("client")
        address = tuple(client) if isinstance(client, Sequence) else None
        verdict = gate.admit(str(scope["method"]), str(scope["path"]), headers, address)
        if isinstance(verdict, Refusal):
            await _refuse(verdict, send)
            return
        entry.set(verdict)
        await inner(scope, receive, send if verdict is Entry.URL else _without_cors(send))

    return application


async def _refuse(refusal: Refusal, send: Send) -> None:
    body = json.dumps({"__type": refusal.code, "message": refusal.message}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": FORBIDDEN, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _without_cors(send: Send) -> Send:
    # MiniStack allows every origin to read what any service answers. A page that may ask at all is of our own origin.
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in _headers(message) if not pair[0].lower().startswith(b"access-control-")]
            message = {**message, "headers": kept}
        await send(message)

    return sent


def _headers(message: Message) -> list[tuple[bytes, bytes]]:
    pairs = message.get("headers", ())
    if not isinstance(pairs, Iterable):
        raise TypeError("ASGI headers are pairs")
    return [(bytes(name), bytes(value)) for name, value in pairs]


def _values(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    return [value.strip() for each, value in headers if each.lower() == name]
