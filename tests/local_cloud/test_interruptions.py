"""What is under way when a local cloud stops, or is killed, ends with it; and no two live in one home."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from local_cloud import LocalCloud
from local_cloud.launcher import STOP_LIMIT_S
from local_cloud.running import Running
from local_cloud.shared.paths import Home
from local_cloud.shared.settings import PROJECT_ROOT
from tests.local_cloud import support
from tests.local_cloud.support import SETTINGS, allow, processes_of, until

pytestmark = [
    pytest.mark.local_cloud,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="what is left over is read from /proc"),
]

SLEEPS = """
import time
def handler(event, context):
    print("asked", flush=True)
    time.sleep(500)
"""
SAYS_NOTHING = """
def handler(event, context):
    print("asked", flush=True)
"""


def command(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "local_cloud", "--home", str(home), *arguments],
        cwd=PROJECT_ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def create_waiting_stack(cloud: LocalCloud, code: str) -> None:
    """Create a stack whose custom resource waits for the answer of this function."""
    account = support.Account(cloud)
    role = account.role(allow("*"), service="lambda.amazonaws.com")
    function = {"Runtime": "python3.13", "Handler": "index.handler", "Role": role, "Timeout": 600}
    resources: dict[str, Any] = {
        "Function": {"Type": "AWS::Lambda::Function", "Properties": {**function, "Code": {"ZipFile": code}}},
        "Waits": {"Type": "Custom::Waits", "Properties": {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}}},
    }
    stacks = account.root("cloudformation")
    stacks.create_stack(StackName="waits", TemplateBody=json.dumps({"Resources": resources}))
    logs = account.root("logs")

    def is_asked() -> bool:
        # A function that has not answered yet has not logged yet: it is seen as a process.
        workers = [line for line in processes_of(cloud.home.root).values() if "_worker.py" in line]
        return bool(workers) and (code == SLEEPS or bool(logs.describe_log_groups()["logGroups"]))

    until(is_asked)


@pytest.mark.parametrize("code", [SLEEPS, SAYS_NOTHING], ids=["a function that runs", "an answer that never comes"])
def test_a_custom_resource_under_way_does_not_hold_up_a_stop(tmp_path: Path, code: str) -> None:
    with LocalCloud(home=tmp_path, settings=SETTINGS) as cloud:
        create_waiting_stack(cloud, code)
        begun = time.monotonic()
        cloud.stop()
        took_s = time.monotonic() - begun

    # Half of what ends it by force: it ended by itself.
    assert took_s < STOP_LIMIT_S / 2, (tmp_path / "emulator.log").read_text()[-2000:]
    until(lambda: not processes_of(tmp_path))


def test_a_function_that_runs_ends_when_the_emulator_is_killed(tmp_path: Path) -> None:
    with LocalCloud(home=tmp_path, settings=SETTINGS) as cloud:
        create_waiting_stack(cloud, SLEEPS)
        os.kill(cloud.running.pid, signal.SIGKILL)

        until(lambda: not processes_of(tmp_path))


def test_of_two_that_start_at_once_one_runs_and_the_other_says_which(tmp_path: Path) -> None:
    both = [command(tmp_path, "up"), command(tmp_path, "up")]
    until(lambda: [up for up in both if up.poll() is not None])
    (refused,) = [up for up in both if up.poll() is not None]
    (runs,) = [up for up in both if up.poll() is None]
    running = Running.find(tmp_path)
    assert running is not None
    told = refused.communicate()[1]
    assert command(tmp_path, "down").wait(60) == 0

    assert (refused.returncode, runs.wait(60)) == (2, 0)
    assert f"already runs on port {running.port} (process {running.pid})" in told
    assert told.count("\n") == 1
    runs.communicate()


def test_what_a_dead_cloud_left_is_no_obstacle(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.lock.write_text(f"{os.getpid()}\n")
    # The process lives, and is another's.
    home.running.write_text(json.dumps({"pid": os.getpid(), "port": 1}))
    (home.works / "of-the-dead").mkdir(parents=True)
    assert Running.find(tmp_path) is None

    with LocalCloud(home=tmp_path, settings=SETTINGS) as cloud:
        assert [run.name for run in home.works.iterdir()] == [cloud.home.run]


def test_one_that_is_detached_outlives_its_command_until_down(tmp_path: Path) -> None:
    up = command(tmp_path, "up", "--detach")
    exports, said = up.communicate(timeout=60)
    running = Running.find(tmp_path)
    assert running is not None

    assert up.returncode == 0
    assert exports.startswith(f"export AWS_ENDPOINT_URL={running.endpoint_url}")
    assert "`python -m local_cloud down` stops it" in said
    assert command(tmp_path, "down").wait(60) == 0
    until(lambda: not processes_of(tmp_path))
