from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local_cloud import signals
from local_cloud.processes.supervisor import Supervisor
from local_cloud.running import Running
from local_cloud.shared.paths import Home
from local_cloud.shared.settings import PROJECT_ROOT

ASKED_TWICE = """
import signal
from local_cloud import signals

signals.interrupt_when_asked_to_end()
try:
    signal.raise_signal(signal.SIGTERM)
except signals.Interrupted as error:
    print(error.exit_code, signals.is_asked_again())
    signal.raise_signal(signal.SIGINT)
    print(signals.is_asked_again())
"""


def test_a_second_signal_does_not_break_into_the_answer_to_the_first() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASKED_TWICE], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["143", "False", "True"], "")


def test_a_cloud_whose_parent_is_gone_is_abandoned_and_one_without_a_parent_is_not() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
    home = Home(Path("home"))

    assert Running(home, 1, 1, parent=gone.pid).is_abandoned()
    assert not Running(home, 1, 1).is_abandoned()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (-9, "was ended by SIGKILL: the system does so when its memory runs out"),
        (137, "was ended by SIGKILL: the system does so when its memory runs out"),
        (-11, "was ended by SIGSEGV"),
        (1, "ended with exit code 1"),
        (255, "ended with exit code 255"),
    ],
)
def test_a_code_tells_which_signal_ended_a_process(code: int, told: str) -> None:
    assert signals.ending(code) == told


HOARD = f"{sys.executable} -c 'import time; x = bytes(range(256)) * 160_000; time.sleep(60)'"


@pytest.mark.parametrize(
    ("program", "memory_mb", "words"),
    [
        ("kill -9 $$", 100, "The container was ended by SIGKILL: the system does so when its memory runs out"),
        ("sh -c 'kill -9 $$'; exit $?", 100, "The container was ended by SIGKILL: the system does so when its memory"),
        ("echo why; exit 3", 100, "why"),
        (HOARD, 20, "The container used more memory than the 20 MB of its instance"),
    ],
)  # fmt: skip
def test_an_instance_tells_what_ended_it(tmp_path: Path, program: str, memory_mb: int, words: str) -> None:
    supervisor = Supervisor(memory_mb)
    instance = supervisor.start(
        ["sh", "-c", program], name="job", folder=tmp_path, environment=dict(os.environ), sink=lambda _: None
    )

    assert instance.wait(30)
    assert instance.last_words.startswith(words)
    supervisor.close()
