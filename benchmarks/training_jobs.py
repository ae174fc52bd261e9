"""Training jobs as processes of this machine: their configuration, and runs of one or two instances."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from resource import struct_rusage

from training_scripts.corpus.manifest import CorpusManifest

KINDS = ONE, TWO, APART = "one instance", "two instances", "two jobs apart"


def configure(
    root: Path,
    hyperparameters: Mapping[str, object],
    channels: Sequence[str],
    hosts: Sequence[str] = ("algo-1",),
    host: str = "algo-1",
) -> list[str]:
    """Write a job's configuration under `root` as SageMaker does, and return the command that trains it.

    Args:
        root: the container's folder; its `input/config` is made.
        hyperparameters: of any type; the service passes strings.
        channels: their names; those of counts hold RecordIO.
        hosts: of the job.
        host: of these, the one that trains in `root`.
    """
    documents = {
        "hyperparameters": {name: str(value) for name, value in hyperparameters.items()},
        "inputdataconfig": {name: {} for name in channels},
        "resourceconfig": {"current_host": host, "hosts": list(hosts), "network_interface_name": "lo"},
    }
    config = root / "input" / "config"
    config.mkdir(parents=True)
    for name, document in documents.items():
        (config / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    return [sys.executable, "-m", "training_scripts.train", "--root", str(root)]


def run(folder: Path, corpus: Path, settings: Mapping[str, object], kind: str) -> list[struct_rusage]:
    """Train in `folder`/algo-1 and, but for ONE, `folder`/algo-2, each of two on every other shard.

    Args:
        folder: empty; afterwards it holds each instance's files, and its log as algo-<n>.log.
        corpus: a prepared one, of two shards or more.
        settings: hyperparameters beside feature_dim.
        kind: one of KINDS.

    Returns:
        What each instance used.

    Raises:
        SystemExit: an instance failed.
    """
    processes = 1 if kind == ONE else 2
    names = [f"algo-{number}" for number in range(1, processes + 1)]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        coordinator = f"127.0.0.1:{probe.getsockname()[1]}"
    manifest = CorpusManifest.load_whole(corpus)
    hyperparameters = {"feature_dim": manifest.feature_dim, **settings}
    running = []
    for number, name in enumerate(names):
        root = folder / name
        # Apart, each is a job of one instance, which has its half of the shards to itself.
        hosts = [name] if kind == APART else names
        command = configure(root, hyperparameters, ("train", "validation"), hosts, name)
        _give_data(root, corpus, manifest, share=(number, processes))
        environment = {**os.environ, "NTM_COORDINATOR": coordinator}
        with log_of(folder, name).open("w") as log:
            running.append(subprocess.Popen(command, env=environment, stdout=log))
    ended = [os.wait4(process.pid, 0) for process in running]
    for name, (_, status, _) in zip(names, ended, strict=True):
        if status:
            raise SystemExit(f"the training of {kind} failed:\n{log_of(folder, name).read_text(encoding='utf-8')}")
    return [usage for _, _, usage in ended]


def log_of(folder: Path, name: str = "algo-1") -> Path:
    """Return where `run` writes what the instance prints."""
    return folder / f"{name}.log"


def _give_data(root: Path, corpus: Path, manifest: CorpusManifest, share: tuple[int, int]) -> None:
    data = root / "input" / "data"
    first, step = share
    for path in [*manifest.of_channel("train")[first::step], *manifest.of_channel("validation")]:
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).symlink_to((corpus / path).resolve())
