"""Entry point of a training container: `python -m training_scripts.train [--root DIR] [--tar]`.

The layout under the root is SageMaker's (input/, model/, output/, checkpoints/). Exit code 0 on success, 1 on failure,
with the reason in output/failure.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from training_scripts.archives import pack
from training_scripts.ntm.failure import failure_reason, write_failure
from training_scripts.one_thread import use_one_thread

if TYPE_CHECKING:
    from types import FrameType

DEFAULT_ROOT: Final = "/opt/ml"
ROOT_VARIABLE: Final = "SM_OPT_ML"
COMPILE_CACHE_VARIABLE: Final = "JAX_COMPILATION_CACHE_DIR"
_SET_PARENT_DEATH_SIGNAL: Final = 1


def main(arguments: list[str] | None = None) -> int:
    """Run the job in a child process and watch over it.

    The child may be ended in ways that leave it no last word: by the kernel for its memory, or by JAX's runtime when
    another instance is gone. The parent then writes the reason, so that no job fails without one.
    """
    options = _options(arguments)
    child = os.fork()
    if child == 0:
        _prepare_process()
        code = 1
        try:
            code = _train(options.root, tar=options.tar, script_mode=options.script_mode)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            # No interpreter shutdown: after a failure JAX would wait there for the other instances.
            os._exit(code)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda caught, _: os.kill(child, caught))
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        if not (options.root / "output" / "failure").exists():
            hint = {
                "SIGKILL": "the instance may have run out of memory",
                "SIGABRT": "another instance of the job may have ended",
            }.get(name, "see the log")
            write_failure(options.root, f"AlgorithmError: the training process was ended by {name}: {hint}")
        return 1
    return os.WEXITSTATUS(status)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="train", description="Train the open Neural Topic Model as SageMaker does.")
    parser.add_argument(
        "--root",
        type=Path,
        default=Path(os.environ.get(ROOT_VARIABLE, DEFAULT_ROOT)),
        help=f"the container's folder (default: ${ROOT_VARIABLE}, or {DEFAULT_ROOT})",
    )
    parser.add_argument("--tar", action="store_true", help="also pack model/ into model.tar.gz, as the service does")
    parser.add_argument(
        "--script-mode", action="store_true", help="started by the SageMaker training toolkit, in a framework container"
    )
    return parser.parse_args(arguments)


def _train(root: Path, *, tar: bool, script_mode: bool) -> int:
    stop = _StopRequest()
    signal.signal(signal.SIGTERM, stop.note)
    signal.signal(signal.SIGINT, stop.note)
    try:
        _configure_runtime()
        # Only now, and only in the child: a parent with JAX's threads could not have forked.
        from training_scripts.ntm import artifact  # noqa: PLC0415
        from training_scripts.ntm.learning.job import Job  # noqa: PLC0415

        Job(root, script_mode=script_mode).run(interrupted=stop.is_requested)
        if tar and (root / "model" / artifact.MODEL_FILE).exists():
            pack(root / "model", root / artifact.ARCHIVE)
    except Exception as error:  # noqa: BLE001 (whatever ends the job must reach output/failure)
        reason = failure_reason(error)
        if not reason.startswith("ClientError"):
            sys.excepthook(type(error), error, error.__traceback__)
        # Last, where whoever has only the log looks for it.
        sys.stderr.write(f"{reason}\n")
        try:
            write_failure(root, reason)
        except OSError as refused:
            sys.stderr.write(f"{reason} (output/failure cannot be written: {refused})\n")
        return 1
    return 0


class _StopRequest:
    """Whether the job is to end: SIGTERM, which SageMaker sends; Ctrl-C; nobody waiting for it any more."""

    def __init__(self) -> None:
        self._requested = False
        self._parent = os.getppid()

    def note(self, _number: int, _frame: FrameType | None) -> None:
        self._requested = True

    def is_requested(self) -> bool:
        return self._requested or os.getppid() != self._parent


def _configure_runtime() -> None:
    """Settings that must be made before JAX and BLAS start."""
    # More threads than cores make two instances on one machine wait for each other; the step is too small to gain.
    use_one_thread()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    os.environ.setdefault(COMPILE_CACHE_VARIABLE, str(home / "open-ntm" / "xla"))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "0")


def _prepare_process() -> None:
    """Have Linux end this process with its parent, so that no orphan trains on."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    libc.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
