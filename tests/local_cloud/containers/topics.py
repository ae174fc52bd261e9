"""A stand-in for a topic model's server that fails on demand: each file in the folder $FAULTS is one request's fault.

A document's topic weights are its counts, made a sum of 1, so that every answer tells which document it is of.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from training_scripts import recordio

parser = argparse.ArgumentParser()
parser.add_argument("--root", type=Path)
parser.add_argument("--port", type=int)
parser.add_argument("--bind")
options = parser.parse_args()
model = json.loads((options.root / "model/model.json").read_text())
faults = Path(os.environ["FAULTS"])
SLOW_S = 9.0


def next_fault() -> str:
    for file in sorted(faults.iterdir()):
        try:
            # Of several processes that see a file, one can remove it.
            file.unlink()
        except FileNotFoundError:
            continue
        return file.name.partition("-")[2]
    return ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        rows = recordio.read_records(body).toarray()
        weights = (rows / rows.sum(axis=1, keepdims=True)).tolist()
        answer = json.dumps({"predictions": [{"topic_weights": row} for row in weights]}).encode()
        fault = next_fault()
        if fault == "die":
            os._exit(9)
        if fault == "slow":
            time.sleep(SLOW_S)
        if fault == "broken":
            self._answer(500, b"it broke")
            return
        if rows.shape[1] != model["feature_dim"]:
            error = {"code": "wrong_width", "message": "the width is wrong", "row": 1, "corpus": model["corpus"]}
            self._answer(400, json.dumps({"error": error}).encode())
            return
        if fault == "short":
            answer = answer[: len(answer) // 2]
        self._answer(200, answer, cut=fault == "cut")

    def _answer(self, status: int, body: bytes, *, cut: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if model["names_its_version"]:
            named = f"model={model['model']};corpus={model['corpus']};vocabulary={model['vocabulary']}"
            self.send_header("X-Amzn-SageMaker-Custom-Attributes", named)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.close_connection = True


server = ThreadingHTTPServer((options.bind, options.port), Handler)
server.daemon_threads = True
Thread(target=server.serve_forever).start()
