from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
