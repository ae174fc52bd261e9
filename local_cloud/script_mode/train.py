"""What stands for PyTorch's training container: `python -m local_cloud.script_mode.train --root DIR`.

Does what sagemaker-training does with a program in script mode. `tests/script_mode` runs the real one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.script_mode import wheels
from local_cloud.shared.wire import JsonObject, JsonValue
from training_scripts.archives import ArchiveError, unpack
from training_scripts.ntm.failure import write_failure
from training_scripts.script_mode import layout

_OWN = layout.TOOLKIT_HYPERPARAMETERS


def main(arguments: list[str] | None = None) -> int:  # noqa: RET503 (it becomes the program)
    """Bring the code to its folder and become the program; return an exit code where that cannot be."""
    parser = argparse.ArgumentParser(prog="train")
    parser.add_argument("--root", type=Path, required=True)
    root: Path = parser.parse_args(arguments).root
    hyperparameters = {name: _decoded(str(value)) for name, value in _config(root, "hyperparameters").items()}
    program = hyperparameters.get(f"{_OWN}program") or os.environ.get("SAGEMAKER_PROGRAM")
    submitted = hyperparameters.get(f"{_OWN}submit_directory")
    code = root / "code"
    if not isinstance(program, str) or not isinstance(submitted, str):
        return _failed(root, "the hyperparameters sagemaker_program and sagemaker_submit_directory must be given")
    try:
        _bring(submitted, root, code)
    except (ArchiveError, BotoCoreError, ClientError, OSError, ValueError) as error:
        return _failed(root, f"sagemaker_submit_directory {submitted} cannot be used: {error}")
    if fault := wheels.fault_of(code):
        return _failed(root, f"InstallRequirementsError: {fault}")
    if not (code / program).is_file():
        return _failed(root, f"there is no {program} in {submitted}")
    given = {name: value for name, value in hyperparameters.items() if not name.startswith(_OWN)}
    options = [part for name, value in sorted(given.items()) for part in (f"--{name}", _text(value))]
    os.chdir(code)
    sys.stdout.flush()
    command = [sys.executable, "--", program, *options]
    os.execve(sys.executable, command, _environment(root))  # noqa: S606 (no shell is wanted)


def _bring(submitted: str, root: Path, code: Path) -> None:
    """Bring what the SDK has submitted: an archive in S3, or a folder or an archive below the container's root."""
    if submitted.startswith("s3://"):
        place = urlsplit(submitted)
        client = botocore.session.get_session().create_client("s3")
        unpack(client.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"], code)
        return
    source = root / Path(submitted).relative_to(layout.CONTAINER_ROOT)
    if source.is_file():
        unpack(source, code)
    else:
        shutil.copytree(source, code)


def _environment(root: Path) -> dict[str, str]:
    resources, channels = _config(root, "resourceconfig"), _config(root, "inputdataconfig")
    # Not the project's own path: the program and its package are those that the channel brought.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {
        **inherited,
        layout.ROOT_VARIABLE: str(root),
        "SM_MODEL_DIR": str(root / "model"),
        "SM_OUTPUT_DATA_DIR": str(root / "output" / "data"),
        "SM_HOSTS": json.dumps(resources["hosts"]),
        "SM_CURRENT_HOST": str(resources["current_host"]),
        "SM_NUM_GPUS": "0",
        "SM_CHANNELS": json.dumps(sorted(channels)),
        **{f"SM_CHANNEL_{name.upper()}": str(root / "input" / "data" / name) for name in channels},
    }


def _config(root: Path, name: str) -> JsonObject:
    content = json.loads((root / "input" / "config" / f"{name}.json").read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise TypeError(f"{name}.json holds no object")
    return content


def _decoded(value: str) -> JsonValue:
    try:
        decoded: JsonValue = json.loads(value)
    except ValueError:
        return value
    return decoded


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _failed(root: Path, reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    write_failure(root, reason)
    return 1


if __name__ == "__main__":
    sys.exit(main())
