"""A small HTTP/1.1 server for one application: keep-alive, bounded requests, clean ends. Standard library only."""

from __future__ import annotations

import asyncio
import contextlib
import http
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket

HEADER_BYTES_MAX: Final = 32 * 1024
IDLE_TIMEOUT_S: Final = 120.0
"""How long an unused connection is kept: longer than the 60 s that clients and SageMaker's proxy keep theirs."""
BODY_TIMEOUT_S: Final = 60.0
DRAIN_TIMEOUT_S: Final = 20.0
DISCARDED_BYTES_MAX: Final = 128 << 20
_READ_BYTES: Final = 1 << 16
_CHUNK_LINE_BYTES_MAX: Final = 1024


@dataclass(frozen=True)
class Request:
    """A request, whole. Header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    """An answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Application = Callable[[Request], Response]
Refusal = Callable[[int, str, str], Response]
"""(status, code, message) -> the answer to a request that the application is never shown."""


class _RefusedError(Exception):
    """A request that cannot be read."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class HttpServer:
    """Serves `application`, one request at a time, on a listening socket that other processes may share."""

    def __init__(self, application: Application, *, refusal: Refusal, max_body_bytes: int) -> None:
        """Take the application and the largest body it is shown; a larger one is answered 413."""
        self._application = application
        self._refusal = refusal
        self._max_body_bytes = max_body_bytes
        self._stopping = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()

    async def serve(self, listener: socket.socket) -> None:
        """Serve until SIGTERM or SIGINT; requests that have begun to arrive are still answered."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        server = await asyncio.start_server(self._connected, sock=listener, limit=HEADER_BYTES_MAX)
        await self._stopping.wait()
        server.close()
        for task in self._connections - self._busy:
            task.cancel()
        if self._busy:
            await asyncio.wait(self._busy, timeout=DRAIN_TIMEOUT_S)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("asyncio runs a connection's handler as a task")
        self._connections.add(task)
        try:
            with contextlib.suppress(ConnectionError, TimeoutError, asyncio.CancelledError):
                while not self._stopping.is_set() and await self._exchange(reader, writer, task):
                    pass
        finally:
            self._connections.discard(task)
            self._busy.discard(task)
            writer.close()

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: asyncio.Task[None]
    ) -> bool:
        """Answer one request; return whether the connection stays open."""
        try:
            async with asyncio.timeout(IDLE_TIMEOUT_S):
                head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        except asyncio.LimitOverrunError:
            await _send(
                writer, self._refusal(431, "headers_too_large", "the request's headers are too large"), close=True
            )
            return False
        self._busy.add(task)
        try:
            method, path, version, headers = _parsed_head(head)
            body = await self._body(reader, writer, headers)
            wish = headers.get("connection", "").lower()
            close = self._stopping.is_set() or wish == "close" or (version == "HTTP/1.0" and wish != "keep-alive")
            response = self._application(Request(method, path, headers, body))
        except _RefusedError as refused:
            await _send(writer, self._refusal(refused.status, refused.code, refused.message), close=True)
            await _discard(reader)
            return False
        except asyncio.IncompleteReadError:
            return False
        await _send(writer, response, close=close)
        self._busy.discard(task)
        return not close

    async def _body(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: Mapping[str, str]
    ) -> bytes:
        coding = headers.get("transfer-encoding", "").lower()
        if coding not in {"", "chunked"}:
            raise _RefusedError(501, "unsupported_encoding", f"Transfer-Encoding {coding[:40]!r} is not supported")
        length = headers.get("content-length", "0")
        if coding and "content-length" in headers:
            raise _RefusedError(400, "bad_request", "the request has both a Content-Length and a Transfer-Encoding")
        if not (length.isascii() and length.isdecimal()):
            raise _RefusedError(400, "bad_request", f"Content-Length {length[:40]!r} is not a number")
        if int(length) > self._max_body_bytes:
            raise self._too_large()
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await self._chunked(reader) if coding else await reader.readexactly(int(length))

    async def _chunked(self, reader: asyncio.StreamReader) -> bytes:
        body = bytearray()
        while True:
            line = await reader.readline()
            size_text = line.split(b";")[0].strip()
            try:
                size = int(size_text, 16)
            except ValueError:
                size = -1
            if size < 0 or not line.endswith(b"\n") or len(line) > _CHUNK_LINE_BYTES_MAX:
                raise _RefusedError(400, "bad_request", "a chunk of the body has no size")
            if not size:
                while (await reader.readline()).strip():
                    pass
                return bytes(body)
            if len(body) + size > self._max_body_bytes:
                raise self._too_large()
            body += await reader.readexactly(size)
            await reader.readexactly(2)

    def _too_large(self) -> _RefusedError:
        return _RefusedError(413, "too_large", f"the body is larger than {self._max_body_bytes} bytes")


def _parsed_head(head: bytes) -> tuple[str, str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or parts[2] not in {"HTTP/1.1", "HTTP/1.0"}:  # noqa: PLR2004 (method, target, version)
        raise _RefusedError(400, "bad_request", "the request line is not one of HTTP/1.1")
    headers: dict[str, str] = {}
    for line in lines:
        if not line:
            continue
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise _RefusedError(400, "bad_request", "a header line is malformed")
        key = name.lower()
        if key == "content-length" and headers.get(key, value.strip()) != value.strip():
            raise _RefusedError(400, "bad_request", "the request has two different Content-Length headers")
        headers[key] = value.strip()
    return parts[0], parts[1].partition("?")[0], parts[2], headers


async def _discard(reader: asyncio.StreamReader) -> None:
    """Read on for a while: many clients read no answer before they have sent all, and a reset would lose it."""
    left = DISCARDED_BYTES_MAX
    async with asyncio.timeout(BODY_TIMEOUT_S):
        while left > 0 and (piece := await reader.read(_READ_BYTES)):
            left -= len(piece)


async def _send(writer: asyncio.StreamWriter, response: Response, *, close: bool) -> None:
    phrase = http.HTTPStatus(response.status).phrase
    lines = [f"HTTP/1.1 {response.status} {phrase}", f"Content-Length: {len(response.body)}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    lines.append("Connection: close" if close else "Connection: keep-alive")
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + response.body)
    await writer.drain()
