"""A small HTTP/1.1 client for the event loop: kept connections to one server of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import h11

READ_BYTES = 65_536


class NoConnectionError(Exception):
    """The server takes no connection: the request never reached it."""


class LostConnectionError(Exception):
    """The server went away after it had been sent the request, and before it answered."""


@dataclass(frozen=True)
class HttpAnswer:
    """A complete answer. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._protocol = h11.Connection(h11.CLIENT)

    async def exchange(self, request: h11.Request, body: bytes) -> HttpAnswer:
        send = self._protocol.send
        head, content, end = send(request), send(h11.Data(data=body)), send(h11.EndOfMessage())
        self._writer.write((head or b"") + (content or b"") + (end or b""))
        try:
            await self._writer.drain()
            return await self._read()
        except ConnectionError:
            raise LostConnectionError("the connection was reset") from None
        except h11.RemoteProtocolError as error:
            raise LostConnectionError(str(error)) from None

    async def _read(self) -> HttpAnswer:
        status, headers, parts = 0, dict[str, str](), list[bytes]()
        while True:
            event = self._protocol.next_event()
            if event is h11.NEED_DATA:
                chunk = await self._reader.read(READ_BYTES)
                self._protocol.receive_data(chunk)
            elif isinstance(event, h11.Response):
                status = event.status_code
                headers = {name.decode("ascii"): value.decode("latin-1") for name, value in event.headers}
            elif isinstance(event, h11.Data):
                parts.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                return HttpAnswer(status, headers, b"".join(parts))
            elif isinstance(event, h11.ConnectionClosed):
                raise LostConnectionError("the connection was closed")

    def is_open(self) -> bool:
        return not self._reader.at_eof() and not self._writer.is_closing()

    def is_reusable(self) -> bool:
        if self._protocol.our_state is not h11.DONE or self._protocol.their_state is not h11.DONE:
            return False
        self._protocol.start_next_cycle()
        return True

    def close(self) -> None:
        self._writer.close()


class HttpPool:
    """Connections to 127.0.0.1:`port`, kept while they are good. For use on one event loop."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[_Connection] = []
        self._closed = False

    async def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, *, timeout_s: float
    ) -> HttpAnswer:
        """Send one request and return its answer.

        Raises:
            NoConnectionError: the server is not there.
            LostConnectionError: it went away with the request.
            TimeoutError: there is no complete answer within `timeout_s`.
        """
        sent = [("Host", f"127.0.0.1:{self._port}"), ("Content-Length", str(len(body))), *headers.items()]
        request = h11.Request(method=method, target=path, headers=sent)
        async with asyncio.timeout(timeout_s):
            while self._idle:
                kept = self._idle.pop()
                if kept.is_open():
                    return await self._on(kept, request, body)
                kept.close()
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError as error:
                raise NoConnectionError(str(error)) from None
            return await self._on(_Connection(reader, writer), request, body)

    def close(self) -> None:
        """Close the connections that are not in use, and keep none from now on."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    async def _on(self, connection: _Connection, request: h11.Request, body: bytes) -> HttpAnswer:
        kept = False
        try:
            answer = await connection.exchange(request, body)
            kept = not self._closed and connection.is_reusable()
            if kept:
                self._idle.append(connection)
            return answer
        finally:
            if not kept:
                connection.close()
