"""Connections that can be ended from outside: a server that sends a byte now and then never times out by itself."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Final

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from urllib3._base_connection import BaseHTTPConnection

_AGAIN_S: Final = 0.1
_in_this_thread = threading.local()


class _HTTPConnection(HTTPConnection):
    """Keeps its socket, which the standard library forgets once an answer that closes the connection has begun."""

    kept: socket.socket | None = None

    def connect(self) -> None:
        super().connect()
        self.kept = self.sock


class _HTTPSConnection(HTTPSConnection):
    kept: socket.socket | None = None

    def connect(self) -> None:
        super().connect()
        self.kept = self.sock


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HTTPConnection

    def _get_conn(self, timeout: float | None = None) -> BaseHTTPConnection:
        return _noted(super()._get_conn(timeout))


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection

    def _get_conn(self, timeout: float | None = None) -> BaseHTTPConnection:
        return _noted(super()._get_conn(timeout))


POOLS: Final = {"http": _HTTPPool, "https": _HTTPSPool}
"""For urllib3's pool manager, so that a deadline knows which connection its thread uses."""


def _noted(connection: BaseHTTPConnection) -> BaseHTTPConnection:
    _in_this_thread.deadline.connection = connection
    return connection


class Deadline:
    """Ends this thread's connection once `seconds` are over; `is_over` tells that afterwards."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._done, self._over = threading.Event(), threading.Event()
        self.connection: BaseHTTPConnection | None = None

    @property
    def is_over(self) -> bool:
        """Whether the time was not enough, so that what has come may be cut off."""
        return self._over.is_set()

    def __enter__(self) -> Self:
        _in_this_thread.deadline = self
        threading.Thread(target=self._watch, name="topics-deadline", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()

    def _watch(self) -> None:
        if self._done.wait(self._seconds):
            return
        self._over.set()
        # Again and again: the connection may be only just being made.
        while not self._done.wait(_AGAIN_S):
            sock = getattr(self.connection, "kept", None)
            if isinstance(sock, socket.socket):
                with contextlib.suppress(OSError):
                    # Not closed: the number could be another file's by then. TLS would wait for the other side.
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
