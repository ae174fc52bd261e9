"""A small HTTP/1.1 server for one application: keep-alive, everything bounded, clean ends. h11 reads the framing.

Where h11 is lenient by its own account, this is not: a bare line feed, a folded header, a control character, a length
beside a Transfer-Encoding and another version than 1.0 and 1.1 are refused too. Every request gets an answer, also one
that is cut off or comes too slowly, before its connection is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import errno
import http
import re
import resource
import signal
import sys
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import h11

from training_scripts.ntm.serving.messages import Request, Response

if TYPE_CHECKING:
    import socket

STOP_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT})
HEADER_BYTES_MAX: Final = 32 * 1024
HEADERS_MAX: Final = 100
CHUNKS_MAX: Final = 1 << 17
"""Chunks of a body: each costs time, however small it is."""
IDLE_TIMEOUT_S: Final = 120.0
"""How long an unused connection is kept: longer than the 60 s that clients and SageMaker's proxy keep theirs."""
HEAD_TIMEOUT_S: Final = 60.0
BODY_TIMEOUT_S: Final = 60.0
WRITE_TIMEOUT_S: Final = 60.0
"""How long a client may take to read an answer, and how long ..."""
STALL_TIMEOUT_S: Final = 15.0
"""... it may read nothing of it."""
ROOM_TIMEOUT_S: Final = 30.0
"""How long a request waits while too much is queued for clients that do not read."""
LINGER_TIMEOUT_S: Final = 30.0
DRAIN_TIMEOUT_S: Final = 20.0
DISCARDED_BYTES_MAX: Final = 128 << 20
CONNECTIONS_MAX: Final = 1024
"""A process's; fewer where it may open fewer files."""
QUEUED_BYTES_MAX: Final = 32 << 20
"""Unread answers of a process: beyond that a request waits, unless it is so small that its answer is too."""
SMALL_BODY_BYTES: Final = 16 * 1024
HELD_BYTES_MAX: Final = 256 << 20
"""Bodies that arrive or wait in a process; four of the largest where that is more."""
_HELD_BODIES_MIN: Final = 4
_SPARE_DESCRIPTORS: Final = 32
_SWEEP_S: Final = 0.5
_ACCEPT_PAUSE_S: Final = 0.1
_LOG_PAUSE_S: Final = 60.0
_NO_DESCRIPTOR: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_HEAD_END: Final = b"\r\n\r\n"
_HEAD_FAULT: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?=[^\n])|\n[ \t]")
_PRINTED: Final = re.compile(r"[ -~]*")
_VERSIONS: Final = frozenset({b"1.0", b"1.1"})

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
        self.application = application
        self.refusal = refusal
        self.max_body_bytes = max_body_bytes
        self.held_bytes = 0
        self.waiting: deque[_Connection] = deque()
        self.connections: set[_Connection] = set()
        self._held_max = max(HELD_BYTES_MAX, _HELD_BODIES_MIN * max_body_bytes)
        self._stopping = asyncio.Event()
        self._next_log = 0.0

    @property
    def is_stopping(self) -> bool:
        """Whether no request is taken any more that has not begun to arrive."""
        return self._stopping.is_set()

    async def serve(self, listener: socket.socket, *, parent: int | None = None) -> None:
        """Serve until SIGTERM or SIGINT; requests that have begun to arrive are still answered.

        Args:
            listener: not blocking.
            parent: the reading end of a pipe; serving ends too when the last writing end is closed.
        """
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self._stopping.set)
        if parent is not None:
            loop.add_reader(parent, self._orphaned, parent)
        # A parent blocks them around its fork: one that has come meanwhile is delivered now.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        tasks = [asyncio.create_task(self._accept(listener)), asyncio.create_task(self._sweep())]
        stopped = asyncio.create_task(self._stopping.wait())
        done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
        tasks[0].cancel()
        for task in done:
            task.result()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                while self._close_idle():  # noqa: ASYNC110 (what it closes changes meanwhile)
                    await asyncio.sleep(_ACCEPT_PAUSE_S / 10)
        for connection in list(self.connections):
            connection.abort()

    def has_room(self) -> bool:
        """Whether so little is queued that another large request may be answered."""
        return sum(connection.queued_bytes() for connection in self.connections) <= QUEUED_BYTES_MAX

    def hold(self, size: int) -> None:
        """Count bytes of a body that arrives.

        Raises:
            _RefusedError: there are too many in this process.
        """
        if self.held_bytes + size > self._held_max:
            raise _RefusedError(503, "busy", "the server holds too many large requests: send it again later")
        self.held_bytes += size

    def room_made(self) -> None:
        """Answer those that have waited for room, the first first."""
        while self.waiting and self.has_room():
            self.waiting.popleft().answer()

    def _orphaned(self, parent: int) -> None:
        asyncio.get_running_loop().remove_reader(parent)
        self._stopping.set()

    def _close_idle(self) -> bool:
        """Close what no request has begun to arrive on; tell whether anything is left."""
        for connection in list(self.connections):
            connection.close_if_idle()
        return bool(self.connections)

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_S)
            now = loop.time()
            for connection in list(self.connections):
                connection.check_time(now)

    async def _accept(self, listener: socket.socket) -> None:
        """Take connections. asyncio's own server logs each failure, and multiplies its attempts."""
        loop = asyncio.get_running_loop()
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        most = CONNECTIONS_MAX
        if files != resource.RLIM_INFINITY:
            most = min(most, max(1, files - _SPARE_DESCRIPTORS))
        while True:
            try:
                client, _ = await loop.sock_accept(listener)
            except OSError as error:
                if error.errno in _NO_DESCRIPTOR:
                    self._log_once(f"serve: no connection can be taken: {error.strerror}; unused ones are closed\n")
                    self._evict()
                await asyncio.sleep(_ACCEPT_PAUSE_S)
                continue
            try:
                await loop.connect_accepted_socket(lambda: _Connection(self), client)
            except OSError:
                # The client is gone already.
                client.close()
            while len(self.connections) > most:
                self._log_once(f"serve: there are {most} connections, as many as are kept; unused ones are closed\n")
                await asyncio.sleep(0 if self._evict() else _ACCEPT_PAUSE_S)

    def _evict(self) -> bool:
        """Close the connection that has been without a whole request for longest; tell whether there is one."""
        unused = [connection for connection in self.connections if connection.is_unused]
        if unused:
            min(unused, key=lambda connection: connection.since).abort()
        return bool(unused)

    def _log_once(self, sentence: str) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._next_log:
            self._next_log = now + _LOG_PAUSE_S
            sys.stderr.write(sentence)
            sys.stderr.flush()


class _Phase(enum.Enum):
    HEAD = enum.auto()
    BODY = enum.auto()
    WAITING = enum.auto()
    WRITING = enum.auto()
    LINGERING = enum.auto()
    """All is sent, and what still comes is thrown away: a reset would lose the answer."""


class _Connection(asyncio.Protocol):
    """One connection: the head and the body of a request, its answer, and the next one."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._head = bytearray()
        self._searched = 0
        self._ended = False
        self._transport: asyncio.Transport
        self.since = self._loop.time()
        self._begin()

    def _begin(self) -> None:
        """Be ready for a request."""
        # It only reads: that is a third of what sending through it as well would take.
        self._protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=HEADER_BYTES_MAX)
        self._request: h11.Request | None = None
        self._pieces: list[bytes] = []
        self._held = 0
        self._written = 0
        self._closing = False
        self._enter(_Phase.HEAD, IDLE_TIMEOUT_S)

    def _enter(self, phase: _Phase, timeout: float) -> None:
        self._phase = phase
        self.since = self._loop.time()
        self._deadline = self.since + timeout
        self._stalled = self.since + STALL_TIMEOUT_S

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a connection has a transport that reads and writes")
        self._transport = transport
        # pause_writing() is called when any byte of an answer is left, resume_writing() when none is.
        transport.set_write_buffer_limits(high=0)
        self._server.connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._release()
        self._server.connections.discard(self)
        if self in self._server.waiting:
            self._server.waiting.remove(self)
        self._server.room_made()

    def data_received(self, data: bytes) -> None:
        if self._phase is _Phase.HEAD:
            self._take_head(data)
        elif self._phase is _Phase.BODY:
            self._guarded(self._take_body, data)
        elif self._phase is _Phase.LINGERING:
            self._written += len(data)
            if self._written > DISCARDED_BYTES_MAX:
                self._transport.abort()
        else:
            # What was read before the transport was told to pause.
            self._head += data

    def eof_received(self) -> bool:
        """Answer what has been asked; what is cut off is refused."""
        self._ended = True
        if self._phase is _Phase.LINGERING or (self._phase is _Phase.HEAD and not self._head):
            self._transport.close()
        elif self._phase is _Phase.HEAD:
            self._guarded(self._search_head)
        elif self._phase is _Phase.BODY:
            self._guarded(self._take_body)
        return True

    def pause_writing(self) -> None:
        """Nothing to do: that something is left is asked for after each write."""

    def resume_writing(self) -> None:
        if self._phase is _Phase.WRITING:
            self._sent()
            self._server.room_made()

    @property
    def is_unused(self) -> bool:
        """Whether no answer is owed here to a whole request's head."""
        return self._phase in {_Phase.HEAD, _Phase.LINGERING}

    def queued_bytes(self) -> int:
        """Return how much of an answer the client has not taken."""
        return self._transport.get_write_buffer_size() if self._phase is _Phase.WRITING else 0

    def close_if_idle(self) -> None:
        """Close, unless a request has begun to arrive."""
        if self._phase is _Phase.LINGERING or (self._phase is _Phase.HEAD and not self._head):
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def check_time(self, now: float) -> None:
        """Do what is due when a client has taken too long."""
        if self._phase is _Phase.WRITING:
            left = self._transport.get_write_buffer_size()
            if left != self._written:
                self._written, self._stalled = left, now + STALL_TIMEOUT_S
            if now > min(self._deadline, self._stalled):
                self._transport.abort()
        elif now > self._deadline:
            if self._phase is _Phase.WAITING:
                self._server.waiting.remove(self)
                self._refuse(_RefusedError(503, "busy", "answers wait for clients that do not read: send it again"))
            elif self._phase is _Phase.BODY or self._head:
                self._refuse(_RefusedError(408, "timeout", "the request took too long to arrive"))
            else:
                self._transport.close()

    def _guarded(self, take: Callable[[bytes], None], data: bytes = b"") -> None:
        try:
            take(data)
        except _RefusedError as refused:
            self._refuse(refused)
        except h11.RemoteProtocolError as error:
            self._refuse(_refusal_of(error))

    def _take_head(self, data: bytes) -> None:
        if not self._head:
            self._enter(_Phase.HEAD, HEAD_TIMEOUT_S)
        self._head += data
        self._guarded(self._search_head)

    def _search_head(self, _none: bytes) -> None:
        begin = max(0, self._searched - len(_HEAD_END))
        end = self._head.find(_HEAD_END, begin, HEADER_BYTES_MAX)
        size = end + len(_HEAD_END) if end >= 0 else HEADER_BYTES_MAX
        head = bytes(self._head[:size])
        if fault := _HEAD_FAULT.search(head, begin):
            raise _RefusedError(400, "bad_request", f"the request's head has {fault[0]!r} at byte {fault.start()}")
        if end < 0:
            self._searched = len(self._head)
            if self._searched > HEADER_BYTES_MAX:
                raise _RefusedError(431, "headers_too_large", "the request's headers are too large")
            if self._ended:
                raise _cut_off()
            return
        rest = bytes(self._head[size:])
        self._head.clear()
        self._searched = 0
        self._protocol.receive_data(head)
        event = self._protocol.next_event()
        if not isinstance(event, h11.Request):
            raise _RefusedError(400, "bad_request", "the request's head is malformed")
        self._request = event
        self._check_head(event)
        if self._protocol.they_are_waiting_for_100_continue:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._enter(_Phase.BODY, BODY_TIMEOUT_S)
        self._take_body(rest)

    def _check_head(self, request: h11.Request) -> None:
        if request.http_version not in _VERSIONS:
            raise _RefusedError(505, "bad_version", "the request is not one of HTTP/1.1")
        if len(request.headers) > HEADERS_MAX:
            raise _RefusedError(431, "headers_too_large", f"the request has more than {HEADERS_MAX} headers")
        lengths = [value for name, value in request.headers if name == b"content-length"]
        if any(name == b"transfer-encoding" for name, _ in request.headers):
            if lengths:
                raise _RefusedError(400, "bad_request", "the request has both a Content-Length and a Transfer-Encoding")
            if request.http_version == b"1.0":
                raise _RefusedError(400, "bad_request", "HTTP/1.0 has no Transfer-Encoding")
        if lengths and int(lengths[0]) > self._server.max_body_bytes:
            raise self._too_large()

    def _take_body(self, data: bytes) -> None:
        if data:
            self._protocol.receive_data(data)
        while True:
            event = self._protocol.next_event()
            if event is h11.NEED_DATA:
                if self._ended:
                    raise _cut_off()
                return
            if isinstance(event, h11.EndOfMessage):
                self._whole()
                return
            if isinstance(event, h11.Data):
                size = len(event.data)
                if self._held + size > self._server.max_body_bytes:
                    raise self._too_large()
                self._server.hold(size)
                self._held += size
                if len(self._pieces) == CHUNKS_MAX:
                    raise _RefusedError(413, "too_many_chunks", f"the body has more than {CHUNKS_MAX} chunks")
                self._pieces.append(bytes(event.data))

    def _too_large(self) -> _RefusedError:
        return _RefusedError(413, "too_large", f"the body is larger than {self._server.max_body_bytes} bytes")

    def _whole(self) -> None:
        """Answer, or wait for room."""
        if self._held > SMALL_BODY_BYTES and not self._server.has_room():
            self._enter(_Phase.WAITING, ROOM_TIMEOUT_S)
            self._transport.pause_reading()
            self._server.waiting.append(self)
            return
        self.answer()

    def answer(self) -> None:
        """Answer the request that is here, whole."""
        request = self._request
        if request is None:
            raise RuntimeError("there is a request to answer")
        headers: dict[str, str] = {}
        for raw, value in request.headers:
            name, text = raw.decode("ascii"), value.decode("latin-1")
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
        body = b"".join(self._pieces)
        self._pieces.clear()
        path = request.target.decode("ascii").partition("?")[0]
        response = self._server.application(Request(request.method.decode("ascii"), path, headers, body))
        del body
        self._send(response, close=self._server.is_stopping)

    def _refuse(self, refused: _RefusedError) -> None:
        self._head.clear()
        self._send(self._server.refusal(refused.status, refused.code, refused.message), close=True)

    def _send(self, response: Response, *, close: bool) -> None:
        self._release()
        # Also where the client has asked for it, speaks HTTP/1.0 or has not sent all.
        self._closing = close or self._protocol.their_state is not h11.DONE
        head = _encoded_head(response, close=self._closing)
        body = b"" if self._request is not None and self._request.method == b"HEAD" else response.body
        self._enter(_Phase.WRITING, WRITE_TIMEOUT_S)
        self._transport.write(head + body)
        if self._transport.get_write_buffer_size():
            self._transport.pause_reading()
        else:
            self._sent()

    def _sent(self) -> None:
        """Go on after an answer that the client has been handed."""
        if self._transport.is_closing():
            return
        if self._closing:
            if self._ended:
                self._transport.close()
                return
            self._enter(_Phase.LINGERING, LINGER_TIMEOUT_S)
            self._written = 0
            try:
                self._transport.write_eof()
            except OSError:
                # The client is gone, and has reset the connection.
                self._transport.abort()
                return
            self._transport.resume_reading()
            return
        self._head[:0] = self._protocol.trailing_data[0]
        self._begin()
        if self._head:
            # Not at once: many small requests behind each other would go ever deeper, and keep all others waiting.
            self._loop.call_soon(self._go_on)
        elif self._ended or self._server.is_stopping:
            self._transport.close()
        else:
            self._transport.resume_reading()

    def _go_on(self) -> None:
        """Read the request that came behind the one before."""
        if self._head and self._phase is _Phase.HEAD and not self._transport.is_closing():
            if not self._ended:
                self._transport.resume_reading()
            self._enter(_Phase.HEAD, HEAD_TIMEOUT_S)
            self._guarded(self._search_head)

    def _release(self) -> None:
        self._server.held_bytes -= self._held
        self._held = 0
        self._pieces.clear()


def _cut_off() -> _RefusedError:
    return _RefusedError(400, "bad_request", "the request is cut off")


def _encoded_head(response: Response, *, close: bool) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {http.HTTPStatus(response.status).phrase}"]
    lines.append(f"Content-Length: {len(response.body)}")
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if close:
        lines.append("Connection: close")
    if not _PRINTED.fullmatch("".join(lines)):
        raise ValueError("a header of an answer has a character that would end it, or is not ASCII")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _refusal_of(error: h11.RemoteProtocolError) -> _RefusedError:
    """Return how a request is refused that h11 cannot read. A sentence of its own: h11 quotes what was sent."""
    status = error.error_status_hint
    if status == http.HTTPStatus.NOT_IMPLEMENTED:
        return _RefusedError(
            status, "unsupported_encoding", "no Transfer-Encoding but chunked, given once, is supported"
        )
    if status == http.HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
        return _RefusedError(status, "headers_too_large", "the request's headers, or a line of a chunk, are too large")
    return _RefusedError(400, "bad_request", f"the request is not HTTP: {str(error)[:120]}")
