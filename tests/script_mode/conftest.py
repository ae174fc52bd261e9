"""Containers of AWS's framework images, as far as they are Python: the real toolkits, in fresh environments."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts import bundle
from tests.end_to_end.deployment import ROOT, write_documents
from training_scripts import prepare
from training_scripts.script_mode import layout

TOOLKITS = ROOT / ".venv-script-mode"
PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
NO_WAY_OUT = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
"""Whoever asks an index all the same is refused."""


@dataclass
class Image:
    """A fresh environment in which the toolkits are, and nothing of what the bundle brings but NumPy and SciPy."""

    python: Path
    home: Path

    def start(
        self, root: Path, *arguments: str, environment: Mapping[str, str], stdin: str | None = None
    ) -> subprocess.Popen[str]:
        """Start a Python program as a container without a network does."""
        process = subprocess.Popen(
            [str(self.python), *arguments],
            cwd=root,
            env={
                "PATH": f"{self.python.parent}{os.pathsep}{os.defpath}",
                "HOME": str(self.home),
                layout.ROOT_VARIABLE: str(root),
                **NO_WAY_OUT,
                **environment,
            },
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if stdin is not None and process.stdin is not None:
            process.stdin.write(stdin)
            process.stdin.close()
            process.stdin = None
        return process


@pytest.fixture(scope="session")
def open_bundle() -> Path:
    """The bundle for this Python; its wheels are there since `make test-all`."""
    target = TOOLKITS / "bundle"
    bundle.make(target, processor="cpu", python_version=PYTHON_VERSION)
    return target


@pytest.fixture(scope="session")
def new_image(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Image]:
    """Make a container's Python."""

    def made() -> Image:
        folder = tmp_path_factory.mktemp("image")
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        [packages] = (folder / "venv" / "lib").glob("python*/site-packages")
        [toolkits] = (TOOLKITS / "lib").glob("python*/site-packages")
        (packages / "toolkits.pth").write_text(f"{toolkits}\n")
        return Image(folder / "venv" / "bin" / "python", folder)

    return made


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small corpus of two shards."""
    folder = tmp_path_factory.mktemp("corpus")
    write_documents(folder / "documents.jsonl")
    arguments = ["jsonl", str(folder / "documents.jsonl"), "--train-shards", "2", "--output", str(folder / "prepared")]
    assert prepare.main(arguments) == 0
    return folder / "prepared"


class TrainingJob:
    """A training job's containers, from their folders to their ends."""

    def __init__(self, folder: Path, image: Image, corpus: Path, code: Path) -> None:
        self.folder, self._image, self._corpus, self._code = folder, image, corpus, code

    def root(self, host: str) -> Path:
        return self.folder / host / "opt" / "ml"

    def run(self, hosts: Sequence[str], **hyperparameters: str) -> list[tuple[int, str]]:
        """Run one container a host; return the exit code and the output of each."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            coordinator = f"127.0.0.1:{probe.getsockname()[1]}"
        running = [self._start(host, hosts, number, coordinator, hyperparameters) for number, host in enumerate(hosts)]
        return [(process.wait(timeout=400), output) for process in running for output in [process.communicate()[0]]]

    def _start(
        self, host: str, hosts: Sequence[str], number: int, coordinator: str, hyperparameters: Mapping[str, str]
    ) -> subprocess.Popen[str]:
        root = self.root(host)
        shutil.rmtree(root, ignore_errors=True)
        for name in ("input/config", "input/data/train", "model", "output"):
            (root / name).mkdir(parents=True)
        data = root / "input" / "data"
        shards = sorted((self._corpus / "train").iterdir())
        for shard in shards[number :: len(hosts)]:
            shutil.copy2(shard, data / "train")
        for part in ("validation", "test", "auxiliary"):
            shutil.copytree(self._corpus / part, data / part)
        shutil.copytree(self._code, data / layout.CODE_CHANNEL)
        feature_dim = json.loads((self._corpus / "corpus.json").read_text())["feature_dim"]
        settings = {
            "feature_dim": str(feature_dim),
            "num_topics": "3",
            "epochs": "3",
            "mini_batch_size": "32",
            "sagemaker_program": json.dumps(layout.TRAINING_PROGRAM),
            "sagemaker_submit_directory": json.dumps(str(data / layout.CODE_CHANNEL)),
            **hyperparameters,
        }
        channel = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
        names = ("train", "validation", "test", "auxiliary", layout.CODE_CHANNEL)
        resources = {"current_host": host, "hosts": list(hosts), "network_interface_name": "lo"}
        for name, document in (
            ("hyperparameters", settings),
            ("inputdataconfig", dict.fromkeys(names, channel)),
            ("resourceconfig", resources),
        ):
            (root / "input" / "config" / f"{name}.json").write_text(json.dumps(document))
        return self._image.start(
            root,
            *("-m", "sagemaker_training.cli.train"),
            environment={
                "SAGEMAKER_TRAINING_MODULE": "sagemaker_pytorch_container.training:main",
                "TRAINING_JOB_NAME": "open-job",
                "CORPUS_HASH": "c0ffee",
                "NTM_COORDINATOR": coordinator,
            },
        )
