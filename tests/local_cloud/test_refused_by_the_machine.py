"""A full disk, a folder that is not ours to write, no folder of the user's own: each is one sentence."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local_cloud import LocalCloud, LocalCloudError
from local_cloud.running import home_folder
from local_cloud.sagemaker.shared.backend import internal_error
from local_cloud.shared.paths import Home
from local_cloud.shared.settings import PROJECT_ROOT
from tests.local_cloud.support import SETTINGS, ended

pytestmark = pytest.mark.local_cloud


def fill(volume: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        (volume / "filler").write_bytes(bytes(1 << 20))


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A volume of 256 KiB without a free byte."""
    volume = tmp_path / "volume"
    volume.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(volume)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no volume can be mounted here: it takes root")
    try:
        fill(volume)
        yield volume
    finally:
        subprocess.run(["umount", "--lazy", str(volume)], check=True)


def unprivileged(*arguments: str) -> list[str]:
    """Return a command of this Python to whom read-only is read-only, also where root runs the tests."""
    python = [sys.executable, "-m", *arguments]
    if os.geteuid():
        return python
    if shutil.which("setpriv") is None:
        pytest.skip("root may write everywhere, and there is no setpriv to take that right away")
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *python]


@pytest.mark.parametrize(
    "arguments",
    [
        ("local_cloud", "--home", "{}/home", "up"),
        ("local_cloud", "--home", "{}/../home", "up", "--state", "{}/state"),
        ("local_cloud.demo", "--home", "{}/home"),
        ("local_cloud.demo", "--home", "{}/../home", "--output", "{}/output"),
        ("training_scripts.prepare", "jsonl", "{}/../documents.jsonl", "--output", "{}/corpus"),
        ("scripts.bundle", "--output", "{}/bundle"),
        ("audit", "--assembly", "{}/../assembly", "--out", "{}/audit"),
    ],
    ids=lambda arguments: f"{arguments[0]} {arguments[-1].rpartition('/')[2]}",
)
def test_a_folder_that_is_read_only_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    folder = tmp_path / "read-only"
    folder.mkdir()
    folder.chmod(0o555)
    (tmp_path / "documents.jsonl").write_text('{"text": "one word and another word"}\n' * 3)
    (tmp_path / "assembly").mkdir()
    (tmp_path / "assembly" / "Stack.template.json").write_text('{"Resources": {}}')
    finished = subprocess.run(
        unprivileged(*(part.format(folder) for part in arguments)),
        cwd=PROJECT_ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip

    assert finished.returncode == 2, finished.stderr
    last = finished.stderr.strip().splitlines()[-1]
    assert "ermission denied" in last
    assert "Traceback" not in finished.stderr


def test_a_cloud_on_a_full_volume_is_one_sentence(full: Path) -> None:
    with pytest.raises(LocalCloudError, match="cannot hold the local cloud: No space left on device"):
        LocalCloud(home=full / "home", settings=SETTINGS).start()


def test_a_state_on_a_full_volume_is_said_when_the_cloud_stops(full: Path, tmp_path: Path) -> None:
    (full / "filler").unlink()
    cloud = LocalCloud(home=tmp_path / "home", state=full / "state", settings=SETTINGS)
    cloud.start()
    fill(full)

    with pytest.raises(LocalCloudError, match="the state was not kept: No space left on device"):
        cloud.stop()


def test_a_job_whose_disk_is_full_fails_with_that_reason(
    sagemaker: Any, request_for: Callable[..., dict[str, Any]]
) -> None:
    request = request_for({"task": "fill"})
    sagemaker.create_training_job(**request)
    job = ended(sagemaker, request["TrainingJobName"])

    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == ("AlgorithmError: OSError: [Errno 28] No space left on device, exit code: 1")


def test_what_the_machine_refuses_the_cloud_is_named_in_a_jobs_reason() -> None:
    refused = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/work/model")

    assert internal_error(refused) == (
        "InternalServerError: The machine of the local cloud refused: No space left on device: /work/model"
    )
    assert "internal error" in internal_error(ValueError("ours"))


@pytest.mark.parametrize("own", [None, "", "/nowhere"])
def test_node_has_a_home_where_the_user_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str | None
) -> None:
    if own is None:
        monkeypatch.delenv("HOME")
    else:
        monkeypatch.setenv("HOME", own)

    assert home_folder(Home(tmp_path)) == str(tmp_path / "cdk-home")
