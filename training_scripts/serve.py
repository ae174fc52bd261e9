"""Entry point of an inference container: `python -m training_scripts.serve [--root DIR] [--port N] [--bind ADDRESS]`.

Serves the model in <root>/model over HTTP until SIGTERM, with several worker processes on one port.
"""

from __future__ import annotations

import os

# Before NumPy: each worker is one core's share of the machine, and its matrices are small.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import asyncio
import io
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from training_scripts.ntm import artifact
from training_scripts.ntm.http_server import HttpServer
from training_scripts.ntm.service import Service

if TYPE_CHECKING:
    from types import FrameType

DEFAULT_ROOT: Final = "/opt/ml"
ROOT_VARIABLE: Final = "SM_OPT_ML"
PORT_VARIABLE: Final = "SAGEMAKER_BIND_TO_PORT"
MAX_PAYLOAD_VARIABLE: Final = "SAGEMAKER_MAX_PAYLOAD_IN_MB"
"""Set by batch transform, which may send more than an endpoint may."""
INVOCATION_BYTES_MAX: Final = 6_291_456
"""The largest body that InvokeEndpoint takes."""
_BACKLOG: Final = 512
_QUICK_END_S: Final = 1.0
_QUICK_ENDS_MAX: Final = 5


def main(arguments: list[str] | None = None) -> int:
    """Load the model once, then serve it from forked workers; a worker that dies is replaced."""
    options = _options(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # The log is followed line by line, also where it is a pipe.
        sys.stdout.reconfigure(line_buffering=True)
    max_body_bytes = int(os.environ.get(MAX_PAYLOAD_VARIABLE) or 0) << 20 or INVOCATION_BYTES_MAX
    try:
        service = Service(artifact.read(options.root / "model"), workers=options.workers, max_body_bytes=max_body_bytes)
        listener = _listen(options.bind, options.port)
    except (artifact.ArtifactError, OSError) as error:
        sys.stderr.write(f"serve: {error}\n")
        return 2
    banner = (
        f"serving {options.root / 'model'} on http://{options.bind}:{listener.getsockname()[1]}, "
        f"{options.workers} workers\n"
    )
    return _Workers(service, listener, max_body_bytes).run(options.workers, banner)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="serve", description="Serve a trained open Neural Topic Model.")
    parser.add_argument(
        "--root",
        type=Path,
        default=Path(os.environ.get(ROOT_VARIABLE, DEFAULT_ROOT)),
        help=f"the container's folder (default: ${ROOT_VARIABLE}, or {DEFAULT_ROOT})",
    )
    parser.add_argument("--port", type=int, default=int(os.environ.get(PORT_VARIABLE) or 8080))
    parser.add_argument("--bind", default="127.0.0.1", help="address to listen on; a container gives 0.0.0.0")
    parser.add_argument(
        "--workers", type=_positive, default=max(1, int(os.environ.get("SM_NUM_CPUS") or os.cpu_count() or 1))
    )
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not a number of 1 or more")
    return number


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener


class _Workers:
    """The worker processes: they share the listening socket and the loaded model's memory."""

    def __init__(self, service: Service, listener: socket.socket, max_body_bytes: int) -> None:
        self._service = service
        self._listener = listener
        self._max_body_bytes = max_body_bytes
        self._started: dict[int, float] = {}
        self._stopping = False

    def run(self, number: int, banner: str) -> int:
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signal_number, self._stop)
        for _ in range(number):
            self._start()
        sys.stdout.write(banner)
        sys.stdout.flush()
        quick_ends = 0
        while self._started:
            child, _ = os.wait()
            lived = time.monotonic() - self._started.pop(child, 0.0)
            if self._stopping:
                continue
            quick_ends = quick_ends + 1 if lived < _QUICK_END_S else 0
            if quick_ends > _QUICK_ENDS_MAX:
                sys.stderr.write("serve: workers end as soon as they start\n")
                self._stop(signal.SIGTERM, None)
                return 1
            sys.stderr.write(f"serve: worker {child} ended; starting another\n")
            self._start()
        return 0

    def _start(self) -> None:
        child = os.fork()
        if child:
            self._started[child] = time.monotonic()
            return
        code = 1
        try:
            asyncio.run(self._serve())
            code = 0
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    async def _serve(self) -> None:
        server = HttpServer(self._service.answer, refusal=self._service.refusal, max_body_bytes=self._max_body_bytes)
        await server.serve(self._listener)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        for child in self._started:
            os.kill(child, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
