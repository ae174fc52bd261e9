"""A stand-in for a serving image: answers with the model's factor and what it was sent."""

from __future__ import annotations

import argparse
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

parser = argparse.ArgumentParser()
parser.add_argument("--root", type=Path)
parser.add_argument("--port", type=int)
parser.add_argument("--bind")
options = parser.parse_args()
factor = json.loads((options.root / "model/weights.json").read_text())["factor"]
if factor < 0:
    raise SystemExit("this model does not load")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        told = {"MaxConcurrentTransforms": 3, "BatchStrategy": "MULTI_RECORD"}
        self._answer(200, json.dumps(told).encode() if self.path == "/execution-parameters" else b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        text = body.decode()
        if text == "die":
            os._exit(9)
        if text.startswith("sleep"):
            time.sleep(float(text.split()[1]))
        if text == "bad":
            self._answer(400, b'{"error": {"code": "bad"}}')
            return
        if text == "broken":
            self._answer(500, b"it broke")
            return
        told = {
            "factor": factor,
            "pid": os.getpid(),
            "sent": text,
            "type": self.headers.get("Content-Type"),
            "accept": self.headers.get("Accept"),
            "custom": self.headers.get("X-Amzn-SageMaker-Custom-Attributes"),
        }
        if self.headers.get("Accept") == "application/jsonlines":
            lines = [json.dumps({"line": line}) for line in text.splitlines()]
            self._answer(200, "\n".join(lines).encode() + b"\n")
            return
        self._answer(200, json.dumps(told).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Amzn-SageMaker-Custom-Attributes", f"model=m{factor}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        print("served", self.path, flush=True)


server = ThreadingHTTPServer((options.bind, options.port), Handler)
server.daemon_threads = True
Thread(target=server.serve_forever).start()
