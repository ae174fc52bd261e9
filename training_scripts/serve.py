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
import traceback
from pathlib import Path
from typing import Final

from training_scripts.ntm import artifact
from training_scripts.ntm.serving.http_server import DRAIN_TIMEOUT_S, STOP_SIGNALS, HttpServer
from training_scripts.ntm.serving.service import Service

DEFAULT_ROOT: Final = "/opt/ml"
ROOT_VARIABLE: Final = "SM_OPT_ML"
PORT_VARIABLE: Final = "SAGEMAKER_BIND_TO_PORT"
MAX_PAYLOAD_VARIABLE: Final = "SAGEMAKER_MAX_PAYLOAD_IN_MB"
"""Set by batch transform, which may send more than an endpoint may."""
INVOCATION_BYTES_MAX: Final = 6_291_456
"""The largest body that InvokeEndpoint takes."""
_AWAITED: Final = STOP_SIGNALS | {signal.SIGCHLD, signal.SIGALRM}
_BACKLOG: Final = 512
_QUICK_END_S: Final = 1.0
_QUICK_ENDS_MAX: Final = 5
_END_TIMEOUT_S: Final = DRAIN_TIMEOUT_S + 5.0
"""How long a worker may take to end; SageMaker kills the container 30 s after SIGTERM."""


def main(arguments: list[str] | None = None) -> int:
    """Load the model once, then serve it from forked workers; a worker that dies is replaced."""
    options = _options(arguments)
    # Blocked from here on and waited for: whenever one comes, no handler runs in the midst of a fork or of loading.
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    # A signal that is ignored, as this one is by default, may not stay pending; no handler runs while it is blocked.
    signal.signal(signal.SIGCHLD, lambda *_: None)
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
        self._quick_ends = 0
        # The workers hold the reading end: it ends with this process, however that ends.
        self._parent, self._held_open = os.pipe()

    def run(self, number: int, banner: str) -> int:
        """Keep so many workers until SIGTERM or SIGINT; return the exit code."""
        for _ in range(number):
            self._start()
        sys.stdout.write(banner)
        sys.stdout.flush()
        while self._quick_ends <= _QUICK_ENDS_MAX:
            if signal.sigwait(_AWAITED) in STOP_SIGNALS:
                self._end()
                return 0
            for child, lived in self._reaped():
                self._quick_ends = self._quick_ends + 1 if lived < _QUICK_END_S else 0
                sys.stderr.write(f"serve: worker {child} ended; starting another\n")
                self._start()
        sys.stderr.write("serve: workers end as soon as they start\n")
        self._end()
        return 1

    def _reaped(self) -> list[tuple[int, float]]:
        """Return the workers that have ended since, and how long each was there."""
        ended = [child for child in self._started if os.waitpid(child, os.WNOHANG)[0]]
        return [(child, time.monotonic() - self._started.pop(child)) for child in ended]

    def _start(self) -> None:
        child = os.fork()
        if child:
            self._started[child] = time.monotonic()
            return
        code = 1
        try:
            os.close(self._held_open)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            asyncio.run(self._serve())
            code = 0
        except BaseException:  # noqa: BLE001 (whatever it is, this process must not go on as its parent would)
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    async def _serve(self) -> None:
        server = HttpServer(self._service.answer, refusal=self._service.refusal, max_body_bytes=self._max_body_bytes)
        await server.serve(self._listener, parent=self._parent)

    def _end(self) -> None:
        """End the workers; one that takes too long is killed."""
        self._signal(signal.SIGTERM)
        signal.setitimer(signal.ITIMER_REAL, _END_TIMEOUT_S)
        while self._started:
            if signal.sigwait({signal.SIGCHLD, signal.SIGALRM}) == signal.SIGALRM:
                self._signal(signal.SIGKILL)
            self._reaped()

    def _signal(self, number: signal.Signals) -> None:
        for child in self._started:
            os.kill(child, number)


if __name__ == "__main__":
    sys.exit(main())
