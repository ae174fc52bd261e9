"""The process of a `Guard`: ends process groups when the pipe at standard input closes, whatever closed it.

Lines tell which: `+<group>` from a process that has begun, `-<group>` of one whose end has been seen. Executed by path
with `python -I -S`, so that it starts in a hundredth of a second.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys


def main() -> None:
    """Follow standard input to its end, then kill what is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line.startswith("+") else groups.discard)(int(line[1:]))
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


main()
