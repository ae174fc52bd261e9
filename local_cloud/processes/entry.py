"""Run first in a process of a job: ask the kernel to end it when the emulator ends, then become the real program.

Executed by path with `python -I -S`, so that it starts in a hundredth of a second.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Become `argv[2:]`, unless the parent, process `argv[1]`, is gone already."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the emulator is gone")
    os.execvp(program[0], program)  # noqa: S606 - an argument list, and no shell


main()
