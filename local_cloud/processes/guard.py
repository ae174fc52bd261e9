"""Child processes that cannot outlive this one, however it ends.

A pipe is held open here and read by one small process, the guard. When this process is gone, with SIGKILL too, the
pipe closes and the guard kills every process group that it was told of. A parent-death signal would do it on Linux
alone, and would miss the children's children.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

ENTRY = Path(__file__).with_name("entry.py")
WATCH = Path(__file__).with_name("watch.py")
_PYTHON = (sys.executable, "-I", "-S")


class Guard:
    """Starts programs, each in a session of its own, that end when this process does.

    Args:
        own_group: kill this process's own group too when it is gone: children that others start here.
    """

    def __init__(self, *, own_group: bool = False) -> None:
        # A session of its own: what ends a group or a terminal does not end what is to tidy up after it.
        self._watch = subprocess.Popen(
            [*_PYTHON, str(WATCH)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )
        assert self._watch.stdin is not None  # noqa: S101 (asked for above)
        self._pipe: IO[bytes] = self._watch.stdin
        if own_group:
            self._tell("+", os.getpgrp())

    def start(
        self,
        program: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        stdout: int | IO[bytes] | IO[str],
        stderr: int | None = subprocess.STDOUT,
    ) -> subprocess.Popen[bytes]:
        """Start a program without standard input; `forget` it when its end has been seen.

        Raises:
            OSError: no process can be started.
        """
        pipe = self._pipe.fileno()
        return subprocess.Popen(
            [*_PYTHON, str(ENTRY), str(pipe), *program],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            pass_fds=(pipe,),
        )

    def forget(self, process: subprocess.Popen[bytes]) -> None:
        """Kill what is left of the group of a process that has ended, and tell the guard so."""
        kill_group(process.pid)
        self._tell("-", process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill every process that was not forgotten, and end the guard."""
        self._pipe.close()
        self._watch.wait()

    def _tell(self, what: str, group: int) -> None:
        # A guard that somebody killed leaves no one to tell.
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._pipe.write(f"{what}{group}\n".encode())


def kill_group(group: int) -> None:
    """Send SIGKILL to a process group, which may be gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
