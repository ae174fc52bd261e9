"""The demo's child processes: what they say goes to a log, and its gist to the terminal."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from local_cloud.processes.guard import Guard
from local_cloud.shared.errors import LocalCloudError
from local_cloud.shared.settings import PROJECT_ROOT
from local_cloud.signals import ending

_EVENT: Final = re.compile(r"^(?P<stack>\S+) \|\s*(?P<done>\d+)/(?P<of>\d+) \|[^|]*\|\s*(?P<status>\w+)")
"""A line of the CDK CLI about one resource."""
_LAST_LINES: Final = 25


def run(
    guard: Guard, arguments: Sequence[str], *, environment: Mapping[str, str], log: Path, tell: Callable[[str], None]
) -> None:
    """Run a program to its end; kill it with all that it started where something ends the wait.

    Raises:
        LocalCloudError: it failed; the message ends with the last it said.
    """
    with log.open("a", encoding="utf-8") as kept:
        process = guard.start(arguments, folder=PROJECT_ROOT, environment=environment, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None  # noqa: S101 (asked for above)
            lines: list[str] = []
            for line in io.TextIOWrapper(process.stdout, encoding="utf-8", errors="replace"):
                kept.write(line)
                lines.append(line.rstrip())
                gist = gist_of(line)
                if gist:
                    tell(gist)
            code = process.wait()
        finally:
            guard.forget(process)
    if code != 0:
        last = "\n".join(f"    {line}" for line in lines[-_LAST_LINES:])
        raise LocalCloudError(f"{shlex.join(arguments[:4])} … {ending(code)} (all it said: {log}):\n{last}")


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module on this Python."""
    return [sys.executable, "-m", module, *arguments]


def gist_of(line: str) -> str:
    """Return what of a program's line is worth showing while it runs; nothing of most lines."""
    event = _EVENT.match(line)
    if event:
        return f"{event['stack']} {event['done']}/{event['of']}"
    return line.strip() if line.startswith("build/") else ""
