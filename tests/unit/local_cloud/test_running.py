from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cloud import LocalCloudError, file_lock
from local_cloud.running import Running, stop
from local_cloud.shared.paths import Home
from local_cloud.shared.settings import PROJECT_ROOT
from local_cloud.shared.state import StateFolder

HOLDER = """
import os, signal, sys
from pathlib import Path
from local_cloud import file_lock

home, state = (file_lock.take(Path(name) / "lock") for name in sys.argv[1:])
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("ready", flush=True)
signal.sigwait([signal.SIGTERM])
os.close(home)
print("stopping", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a home and a state; at SIGTERM it lets the home go, and the state when it is told to."""
    folders = [tmp_path / "home", tmp_path / "state"]
    for folder in folders:
        folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, *map(str, folders)],
        cwd=PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_a_cloud_is_stopped_when_its_state_is_free(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    home, state = Home(tmp_path / "home"), StateFolder(tmp_path / "state")
    stopping = threading.Thread(target=Running(home, 1, holder.pid, state=state.root).stop)
    stopping.start()
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == "stopping\n"

    assert not file_lock.is_taken(home.lock)
    stopping.join(0.3)
    assert stopping.is_alive()

    holder.stdin.write("\n")
    holder.stdin.flush()
    stopping.join(20)
    assert not stopping.is_alive()
    assert not file_lock.is_taken(state.lock_file)


def test_where_no_cloud_runs_there_is_none_to_stop(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match="no local cloud is running"):
        stop(tmp_path)


def test_one_that_is_being_stopped_is_waited_for(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    stopping = threading.Thread(target=stop, args=(tmp_path / "home",))
    stopping.start()
    stopping.join(0.3)
    assert stopping.is_alive()

    holder.terminate()
    stopping.join(20)
    assert not stopping.is_alive()
