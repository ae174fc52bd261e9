"""A proxy on loopback that answers for AWS's hosts, for clients that cannot be given another address.

What is for AWS goes to the emulator, over TLS by a certificate of the cloud's own, and never leaves the machine. Any
other host is connected to as it would be without the proxy, by the user's own proxy where there is one, and its bytes
pass unchanged. It takes the run's credentials, so that no other user of the machine goes through it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import importlib
import logging
import re
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from local_cloud.entrance.certificates import Authority
from local_cloud.entrance.gate import is_of_aws

logger = logging.getLogger("local_cloud")

USER = "local-cloud"
"""The user in the proxy's address, by which a second `env --proxy` knows it."""
LOOPBACK = "127.0.0.1"
HEAD_S = 30.0
"""How long a client may take for the head of its request, and a host to be connected to."""
READ_BYTES = 65_536
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_AUTHORITY = re.compile(rb"(?P<host>[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?")
_ABSOLUTE = re.compile(rb"http://(?P<authority>[^/?#]+)(?P<path>.*)", re.DOTALL | re.IGNORECASE)
_OF_THIS_HOP = (b"proxy-authorization", b"proxy-connection", b"connection", b"keep-alive")
_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Upstream:
    """The user's own proxy, for hosts that are not AWS's: its address, and the hosts that go without it (NO_PROXY)."""

    proxy: str = ""
    without: str = ""

    def is_for(self, host: str) -> bool:
        """Tell whether a host is reached by it."""
        # Not in the library's documentation, and what its own requests go by.
        bypassed = urllib.request.proxy_bypass_environment(host, {"no": self.without})  # type: ignore[attr-defined]
        return bool(self.proxy) and not bypassed


class RefusedError(Exception):
    """A request that the proxy does not carry out: the status line's end, and a sentence."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Head:
    """The head of a request to a proxy."""

    method: bytes
    target: bytes
    headers: Sequence[bytes]

    @classmethod
    def read(cls, text: bytes) -> Head:
        """Read it.

        Raises:
            RefusedError: it is none.
        """
        line, *headers = text.removesuffix(b"\r\n\r\n").split(b"\r\n")
        parts = line.split(b" ")
        if len(parts) != 3 or not parts[2].startswith(b"HTTP/1."):  # noqa: PLR2004 (method, target and version)
            raise RefusedError("400 Bad Request", "This is no request of HTTP/1.1.")
        return cls(parts[0], parts[1], headers)

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of a header."""
        pairs = [line.partition(b":") for line in self.headers]
        return [value.strip() for each, _, value in pairs if each.strip().lower() == name]

    def onward(self, target: bytes, *more: bytes) -> bytes:
        """Return it for the next hop, with `more` headers."""
        kept = [line for line in self.headers if line.partition(b":")[0].strip().lower() not in _OF_THIS_HOP]
        return b"\r\n".join([b" ".join((self.method, target, b"HTTP/1.1")), *kept, *more, b"", b""])


class Proxy:
    """The proxy of one local cloud, which listens from when it is first asked for.

    Args:
        port: where the emulator listens.
        secret: what clients show, as the password of `USER`.
        folder: nobody else's, for the authority's certificate.
        proxied: the emulator's gate lets AWS's names in from these addresses, the proxy's own connections to it.
    """

    def __init__(self, port: int, secret: str, folder: Path, proxied: set[object]) -> None:
        self._port, self._secret, self._folder, self._proxied = port, secret, folder, proxied
        self._expected = b"Basic " + base64.b64encode(f"{USER}:{secret}".encode())
        self._upstream = Upstream()
        self._authority: Authority | None = None
        self._address = ""
        self._starting = asyncio.Lock()

    async def start(self, upstream: Upstream | None) -> tuple[str, str]:
        """Listen, with another upstream where one is given.

        Returns:
            The address with its credentials, and the file of the authority's certificate.

        Raises:
            OSError: no port is free, or the file cannot be written.
        """
        self._upstream = upstream or self._upstream
        file = self._folder / "authority.pem"
        async with self._starting:
            if not self._address:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                # What makes certificates takes a third of a second to import, and most clouds have no use for it.
                module = await asyncio.to_thread(importlib.import_module, "local_cloud.entrance.certificates")
                authority: Authority = module.Authority(self._folder)
                file.write_text(authority.pem)
                self._authority = authority
                server = await asyncio.start_server(self._serve, LOOPBACK, 0, limit=READ_BYTES)
                port = server.sockets[0].getsockname()[1]
                self._address = f"http://{USER}:{self._secret}@{LOOPBACK}:{port}"
        return self._address, str(file)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_S):
                head = Head.read(await reader.readuntil(b"\r\n\r\n"))
                self._authenticate(head)
                there = await self._route(head, writer)
            try:
                await _pump((reader, writer), there)
            finally:
                # Before the port can be another's.
                self._proxied.discard(there[1].get_extra_info("sockname"))
                there[1].close()
        except RefusedError as refusal:
            body = f"{refusal}\n".encode()
            challenge = f'Proxy-Authenticate: Basic realm="{USER}"\r\n' if refusal.status.startswith("407") else ""
            writer.write(
                f"HTTP/1.1 {refusal.status}\r\n{challenge}Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
                "Connection: close\r\n\r\n".encode()
                + body
            )
        except (OSError, EOFError, asyncio.LimitOverrunError) as error:
            logger.debug("a connection to the proxy ended: %s", error)
        finally:
            with contextlib.suppress(OSError):
                writer.close()

    def _authenticate(self, head: Head) -> None:
        given = head.values(b"proxy-authorization")
        if len(given) != 1 or not hmac.compare_digest(given[0], self._expected):
            raise RefusedError(
                "407 Proxy Authentication Required", "This proxy takes the credentials of `local_cloud env --proxy`."
            )

    async def _route(self, head: Head, writer: asyncio.StreamWriter) -> _Stream:
        """Connect a client to where its request goes: by CONNECT, or, without TLS, one request a connection."""
        connect = head.method == b"CONNECT"
        absolute = None if connect else _ABSOLUTE.fullmatch(head.target)
        authority = _AUTHORITY.fullmatch(absolute["authority"] if absolute else head.target)
        if authority is None or (not connect and absolute is None):
            raise RefusedError(
                "400 Bad Request", "A proxy takes CONNECT host:port, or the whole address after http://."
            )
        host, port = authority["host"].decode().lower().rstrip("."), int(authority["port"] or b"80")
        path = absolute["path"] if absolute else b""
        plain = head.onward(path if path.startswith(b"/") else b"/" + path, b"Connection: close") if absolute else b""
        if is_of_aws(host):
            if connect:
                writer.write(ESTABLISHED)
                assert self._authority is not None  # noqa: S101 (made before it listened)
                await writer.start_tls(self._authority.context(host))
            there = await self._to_the_emulator()
        elif self._upstream.is_for(f"{host}:{port}"):
            return await self._by_the_users_proxy(head)
        else:
            there = await _connect(host.strip("[]"), port)
            writer.write(ESTABLISHED if connect else b"")
        there[1].write(plain)
        return there

    async def _to_the_emulator(self) -> _Stream:
        reader, writer = await _connect(LOOPBACK, self._port)
        self._proxied.add(writer.get_extra_info("sockname"))
        return reader, writer

    async def _by_the_users_proxy(self, head: Head) -> _Stream:
        proxy = urlsplit(self._upstream.proxy)
        there = await _connect(proxy.hostname or "", proxy.port or 80)
        credentials = f"{unquote(proxy.username or '')}:{unquote(proxy.password or '')}".encode()
        more = [b"Proxy-Authorization: Basic " + base64.b64encode(credentials)] if proxy.username else []
        more += [] if head.method == b"CONNECT" else [b"Connection: close"]
        there[1].write(head.onward(head.target, *more))
        return there


async def _connect(host: str, port: int) -> _Stream:
    try:
        return await asyncio.open_connection(host, port)
    except (OSError, UnicodeError, OverflowError) as error:
        raise RefusedError("502 Bad Gateway", f"{host}:{port} cannot be reached: {error}") from None


async def _pump(here: _Stream, there: _Stream) -> None:
    """Pass bytes both ways until the other side has nothing more to say."""
    sending = asyncio.create_task(_copy(here[0], there[1]))
    try:
        await _copy(there[0], here[1])
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(READ_BYTES):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
