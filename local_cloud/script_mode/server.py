"""The model server of the stand-in for PyTorch's serving container: model_fn and transform_fn behind HTTP.

`python -P server.py MODEL_FOLDER MODULE ADDRESS PORT`: started by its path, it imports the standard library alone.
"""

from __future__ import annotations

import http
import importlib
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

_TEXT_TYPES = ("application/json", "text/csv")
"""The toolkit decodes bodies of exactly these types."""

Transform = Callable[[bytes | str, str | None, str, "Context"], tuple[bytes, str]]


class Context:
    """The answer that a handler makes of one request, as the model server's context lets it."""

    def __init__(self) -> None:
        self.status: int = http.HTTPStatus.OK
        self.phrase = ""
        self.headers: dict[str, str] = {}

    def set_response_status(self, code: int = 200, phrase: str = "") -> None:
        """Choose the status and its phrase."""
        self.status, self.phrase = code, phrase

    def set_response_header(self, idx: int, key: str, value: str) -> None:
        """Add a header to the answer of the batch's request `idx`."""
        if idx:
            raise IndexError(f"the batch has one request, and none of number {idx}")
        self.headers[key] = value


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    transform: ClassVar[Transform]

    def do_GET(self) -> None:
        """Answer /ping."""
        self._send(200 if self.path == "/ping" else 404, b"", {})

    def do_POST(self) -> None:
        """Answer /invocations."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path != "/invocations":
            self._send(404, b"", {})
            return
        content_type, accept, context = self.headers.get("Content-Type"), self.headers.get("Accept"), Context()
        if not accept or accept == "*/*":
            accept = "application/json"
        try:
            data = body.decode() if content_type in _TEXT_TYPES else body
            answer, kind = type(self).transform(data, content_type, accept, context)
        except Exception as error:  # noqa: BLE001 (the toolkit answers whatever a handler raises)
            self._send(500, f"{error}\n{traceback.format_exc()}".encode(), {})
            return
        self._send(context.status, answer, {**context.headers, "Content-Type": kind}, phrase=context.phrase)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name for it)
        """Say nothing: the handler tells of each request itself."""

    def _send(self, status: int, body: bytes, headers: dict[str, str], *, phrase: str = "") -> None:
        self.send_response(status, phrase or None)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(model_folder: str, module: str, address: str, port: str) -> int:
    """Load the model and serve it until SIGTERM; requests under way are still answered."""
    handlers = importlib.import_module(module)
    model = handlers.model_fn(model_folder)
    Handler.transform = staticmethod(lambda *given: handlers.transform_fn(model, *given))
    server = ThreadingHTTPServer((address, int(port)), Handler)
    # shutdown() waits for serve_forever(), which this signal interrupts: it must be called from elsewhere.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.05)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
