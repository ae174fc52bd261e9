"""Training jobs of one or two instances, as processes of this machine: what the benchmarks of instances run."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

from training_scripts.corpus.manifest import CorpusManifest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from resource import struct_rusage

KINDS = ONE, TWO, APART = "one instance", "two instances", "two jobs apart"


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
    running = []
    for number, name in enumerate(names):
        root = folder / name
        # Apart, each is a job of one instance, which has its half of the shards to itself.
        hosts = [name] if kind == APART else names
        _lay_out(root, corpus, settings, host=name, hosts=hosts, share=(number, processes))
        command = [sys.executable, "-m", "training_scripts.train", "--root", str(root)]
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


def _lay_out(
    root: Path, corpus: Path, settings: Mapping[str, object], *, host: str, hosts: list[str], share: tuple[int, int]
) -> None:
    (root / "input" / "config").mkdir(parents=True)
    data = root / "input" / "data"
    (data / "train").mkdir(parents=True)
    first, step = share
    for shard in sorted((corpus / "train").iterdir())[first::step]:
        (data / "train" / shard.name).symlink_to(shard.resolve())
    shutil.copytree(corpus / "validation", data / "validation")
    told = {"feature_dim": CorpusManifest.load(corpus).feature_dim, **settings}
    documents = {
        "hyperparameters": {name: str(value) for name, value in told.items()},
        "inputdataconfig": {"train": {}, "validation": {}},
        "resourceconfig": {"current_host": host, "hosts": hosts, "network_interface_name": "lo"},
    }
    for name, document in documents.items():
        (root / "input" / "config" / f"{name}.json").write_text(json.dumps(document))
