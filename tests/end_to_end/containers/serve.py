"""The NTM container, but for models that are marked as broken: those load, are healthy, and answer 500."""

from __future__ import annotations

import argparse
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MARK = "broken"

parser = argparse.ArgumentParser()
parser.add_argument("--root", type=Path)
parser.add_argument("--port", type=int)
parser.add_argument("--bind")
options = parser.parse_args()
if not (options.root / "model" / MARK).exists():
    os.execv(sys.executable, [sys.executable, "-m", "training_scripts.serve", *sys.argv[1:]])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(500)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


ThreadingHTTPServer((options.bind, options.port), Handler).serve_forever()
