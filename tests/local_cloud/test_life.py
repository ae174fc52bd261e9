"""Starting, stopping, and being left alone."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cloud import LocalCloud, LocalCloudError
from local_cloud.running import Running
from local_cloud.shared.settings import PROJECT_ROOT
from tests.local_cloud import support
from tests.local_cloud.support import IMAGE, SETTINGS, allow, channel, until

pytestmark = pytest.mark.local_cloud

EMULATOR_START_S = 5.0
"""Far more than the half second that it takes, for a machine that has other things to do."""

MAX_IDLE_BYTES = 300 * 1024 * 1024


def cli(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "local_cloud", "--home", str(home), *arguments],
        cwd=PROJECT_ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run(home: Path, *arguments: str) -> tuple[int, str, str]:
    process = cli(home, *arguments)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def start_waiting_job(cloud: LocalCloud) -> list[int]:
    """Start a training job that waits to be stopped; return the process ids of its instances."""
    account = support.Account(cloud)
    account.root("s3").create_bucket(Bucket="waits-bucket")
    account.root("s3").put_object(Bucket="waits-bucket", Key="corpus/train/x", Body=b"x")
    sagemaker = account.root("sagemaker")
    sagemaker.create_training_job(
        TrainingJobName="waits",
        RoleArn=account.role(allow("*")),
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        HyperParameters={"task": "wait"},
        InputDataConfig=[channel("waits-bucket", "train", "FullyReplicated")],
        OutputDataConfig={"S3OutputPath": "s3://waits-bucket/out"},
        ResourceConfig={"InstanceType": "ml.c5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )
    until(lambda: sagemaker.describe_training_job(TrainingJobName="waits")["SecondaryStatus"] == "Training")
    # Beside the guard, which is to end with them.
    return until(lambda: (pids := children(cloud.running.pid)) and len(pids) >= 3 and pids)  # type: ignore[no-any-return]


def children(pid: int) -> list[int]:
    listings = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for listing in listings for child in listing.read_text().split()]


def test_it_is_ready_soon_and_small(tmp_path: Path) -> None:
    started = time.monotonic()
    with LocalCloud(home=tmp_path, settings=SETTINGS) as cloud:
        assert time.monotonic() - started < EMULATOR_START_S
        status = Path(f"/proc/{cloud.running.pid}/status").read_text()
        resident = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert resident is not None
        assert int(resident[1]) * 1024 < MAX_IDLE_BYTES


def test_stopping_it_stops_its_jobs_and_leaves_no_files(tmp_path: Path) -> None:
    with LocalCloud(home=tmp_path, settings=SETTINGS) as cloud:
        emulator, instances = cloud.running.pid, start_waiting_job(cloud)

    assert not is_alive(emulator)
    assert not [pid for pid in instances if is_alive(pid)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aws", "cdk-home", "emulator.log", "lock", "state"]
    assert Running.find(tmp_path) is None


def test_when_its_parent_is_killed_everything_ends(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from local_cloud import LocalCloud;"
        "cloud = LocalCloud(home=Path(sys.argv[1])); cloud.start();"
        "print(cloud.running.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    emulator = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()

    until(lambda: not is_alive(emulator))
    assert not (tmp_path / "work").exists()


def test_when_the_emulator_is_killed_its_jobs_end(tmp_path: Path) -> None:
    cloud = LocalCloud(home=tmp_path, settings=SETTINGS)
    cloud.start()
    instances = start_waiting_job(cloud)
    os.kill(cloud.running.pid, signal.SIGKILL)

    until(lambda: not [pid for pid in instances if is_alive(pid)])
    cloud.stop()


def test_a_second_one_in_the_same_folder_is_refused(cloud: LocalCloud) -> None:
    with pytest.raises(LocalCloudError, match="already runs on port"):
        LocalCloud(home=cloud.home.root).start()


def test_a_taken_port_is_refused_by_number(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalCloudError, match=f"port {port} of 127.0.0.1 cannot be used"):
            LocalCloud(home=tmp_path, port=port).start()


@pytest.fixture
def with_ctrl_c() -> Iterator[None]:
    """What a shell starts in the background ignores Ctrl-C, and so does what that starts, unless it is told not to."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_up_prints_the_variables_and_ends_at_ctrl_c(tmp_path: Path, with_ctrl_c: None) -> None:
    up = cli(tmp_path, "up")
    assert up.stdout is not None
    first = up.stdout.readline()
    code, printed, _ = run(tmp_path, "env")
    up.send_signal(signal.SIGINT)
    up.communicate(timeout=120)

    assert first.startswith("export AWS_ENDPOINT_URL=http://127.0.0.1:")
    assert (code, printed.splitlines()[0]) == (0, first.strip())
    assert up.returncode == 0
    assert Running.find(tmp_path) is None


def test_down_stops_what_up_started(tmp_path: Path) -> None:
    up = cli(tmp_path, "up")
    assert up.stdout is not None
    up.stdout.readline()

    assert run(tmp_path, "down")[0] == 0
    assert up.wait(timeout=120) == 0
    up.communicate()


@pytest.mark.parametrize("command", ["env", "down", "deploy", "destroy"])
def test_without_a_running_one_a_command_says_how_to_start_it(tmp_path: Path, command: str) -> None:
    code, out, err = run(tmp_path, command)

    assert (code, out) == (2, "")
    assert err == "local_cloud: no local cloud is running: start one with `python -m local_cloud up`\n"


def test_children_get_the_clouds_variables_and_not_the_users(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "mine")
    environment = cloud.environment()

    assert environment["AWS_ENDPOINT_URL"] == cloud.endpoint_url
    assert environment["AWS_CONFIG_FILE"].startswith(str(cloud.home.root))
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN"} & set(environment)


def test_functions_see_neither_the_project_nor_the_launchers_variables(cloud: LocalCloud) -> None:
    account = support.Account(cloud)
    role = account.role(allow("*"), service="lambda.amazonaws.com")
    code = (
        "import importlib.util, os\n"
        "def handler(event, context):\n"
        "    return {'found': importlib.util.find_spec('training_scripts') is not None,\n"
        "            'variables': [name for name in os.environ if name.startswith('LOCAL_CLOUD')]}\n"
    )
    told = support.invoked(account.root("lambda"), code, role)

    assert told == {"found": False, "variables": []}


def test_health_is_answered_at_its_address(cloud: LocalCloud) -> None:
    with urllib.request.urlopen(cloud.endpoint_url + "/_ministack/health") as answer:
        assert answer.status == 200
    assert support.Account(cloud).root("sts").get_caller_identity()["Account"] == "000000000000"


def test_a_cloud_in_the_background_is_left_as_it_is_by_the_next_up_unless_that_asks_for_another(tmp_path: Path) -> None:
    first, again, other = (run(tmp_path, "up", "--detach", *more) for more in ([], [], ["--port", "1"]))
    down = run(tmp_path, "down")

    assert (first[0], again[0], down[0]) == (0, 0, 0)
    assert again[1] == first[1]
    assert other[0] == 2
    assert "already runs on port" in other[2]
