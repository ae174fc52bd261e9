"""Children that cannot outlive whoever started them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local_cloud.processes.guard import Guard
from tests.local_cloud.support import until

ROOT = Path(__file__).parents[3]
CHILD = "import os, time; os.fork(); os.write(1, b'%d\\n' % os.getpid()); time.sleep(600)"
"""Two processes, the second of which nobody but the first knows; each writes its line in one call."""
PARENT = f"""
import os, subprocess, time
from pathlib import Path
from local_cloud.processes.guard import Guard
guard = Guard()
process = guard.start([{sys.executable!r}, "-c", {CHILD!r}], folder=Path.cwd(), environment=os.environ, stdout=None)
time.sleep(600)
"""


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that has ended, and that nobody has asked for yet, is still listed.
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def test_a_child_and_its_own_child_end_when_the_parent_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        children = [int(parent.stdout.readline()), int(parent.stdout.readline())]
        assert all(is_there(pid) for pid in children)
        parent.kill()

    until(lambda: not [pid for pid in children if is_there(pid)])


def test_a_child_that_was_not_forgotten_ends_with_the_guard(tmp_path: Path) -> None:
    with Guard() as guard:
        process = guard.start(["sleep", "600"], folder=tmp_path, environment=os.environ, stdout=subprocess.PIPE)

    assert process.wait(30) == -9
    process.stdout.close()  # type: ignore[union-attr]


def test_a_forgotten_group_is_not_killed_by_the_guard(tmp_path: Path) -> None:
    with Guard() as guard:
        process = guard.start(["true"], folder=tmp_path, environment=os.environ, stdout=subprocess.DEVNULL)
        assert process.wait(30) == 0
        guard.forget(process)


@pytest.mark.parametrize("program", ["no-such-program", "/"])
def test_a_program_that_cannot_be_run_is_a_sentence(tmp_path: Path, program: str) -> None:
    with Guard() as guard:
        process = guard.start([program], folder=tmp_path, environment=os.environ, stdout=subprocess.PIPE)
        said, _ = process.communicate(timeout=30)

    assert process.returncode == 127
    assert said.decode().startswith(f"{program} cannot be run: ")
    assert said.count(b"\n") == 1
