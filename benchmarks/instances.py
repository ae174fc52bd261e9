"""Training on two instances against one, as two processes of this machine: seconds an epoch, once all is compiled.

`python -m benchmarks.instances --corpus build/bench-preparation/one`. Each process computes with one thread: two are
what two machines of one core each would be, but for the network between them, and for what two cores share. What they
share is measured by two jobs apart, each on its half of the documents and with nothing to say to the other: no two
instances of one job can be quicker than these, so what the job itself costs is the one against the other.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from training_scripts.corpus.manifest import CorpusManifest

_SECONDS = re.compile(r"seconds=([\d.]+)")
KINDS = ONE, TWO, APART = "one instance", "two instances", "two jobs apart"
Epoch = tuple[float, float]
"""Seconds: by the wall, and of the busiest process's CPU."""
_COMPILED = 1
"""The first epoch compiles, and is left out."""


def main() -> int:
    """Train in turns each kind; print seconds an epoch and the speed-ups of each round as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--topics", type=int, default=30)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rounds = [tuple(_epoch_s(options, kind) for kind in KINDS) for _ in range(options.rounds)]
    one, two, apart = ([found[place] for found in rounds] for place in range(len(KINDS)))
    print(
        json.dumps(
            {
                "documents": CorpusManifest.load(options.corpus).documents.train,
                "epoch_wall_and_cpu_s": dict(zip(KINDS, (one, two, apart), strict=True)),
                "two_against_one": _ratios(one, two),
                "two_apart_against_one": _ratios(one, apart),
                "two_against_two_apart": _ratios(apart, two),
                "cores": os.cpu_count(),
                "load": os.getloadavg()[0],
            },
            indent=1,
        )
    )
    return 0


def _ratios(slower: list[Epoch], quicker: list[Epoch]) -> dict[str, object]:
    """Return how many times as fast, by wall time and by the busiest instance's CPU time."""
    found: dict[str, object] = {}
    for place, clock in enumerate(("wall", "cpu")):
        times = [round(a[place] / b[place], 3) for a, b in zip(slower, quicker, strict=True)]
        found[clock] = {"median": statistics.median(times), "each": times}
    return found


def _epoch_s(options: argparse.Namespace, kind: str) -> Epoch:
    """Return the wall time of an epoch, and the CPU time that the busiest instance spends on one.

    The second is what an epoch takes on cores of its own, but for waiting on the network: it is the difference
    between a long job and a short one, so that starting and compiling are left out.
    """
    short, long = (_run(options, kind, epochs) for epochs in (_COMPILED + 1, _COMPILED + 1 + options.epochs))
    return long[0], (max(long[1]) - max(short[1])) / options.epochs


def _run(options: argparse.Namespace, kind: str, epochs: int) -> tuple[float, list[float]]:
    """Return the median wall time of an epoch, and the CPU time of each instance."""
    processes = 1 if kind == ONE else 2
    names = [f"algo-{number}" for number in range(1, processes + 1)]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        coordinator = f"127.0.0.1:{probe.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as folder:
        running = []
        for number, name in enumerate(names):
            root = Path(folder, name)
            # Apart, each is a job of one instance, which has its half of the shards to itself.
            hosts = [name] if kind == APART else names
            _lay_out(root, options, epochs, host=name, hosts=hosts, share=(number, processes))
            command = [sys.executable, "-m", "training_scripts.train", "--root", str(root)]
            environment = {**os.environ, "NTM_COORDINATOR": coordinator}
            with Path(folder, f"{name}.log").open("w") as log:
                running.append(subprocess.Popen(command, env=environment, stdout=log))
        usages = [os.wait4(process.pid, 0)[2] for process in running]
        output = Path(folder, f"{names[0]}.log").read_text(encoding="utf-8")
    seconds = [float(found) for found in _SECONDS.findall(output)][_COMPILED:]
    if not seconds:
        raise SystemExit(f"the training of {kind} failed:\n{output}")
    return statistics.median(seconds), [usage.ru_utime + usage.ru_stime for usage in usages]


def _lay_out(
    root: Path, options: argparse.Namespace, epochs: int, *, host: str, hosts: list[str], share: tuple[int, int]
) -> None:
    manifest = CorpusManifest.load(options.corpus)
    (root / "input" / "config").mkdir(parents=True)
    data = root / "input" / "data"
    (data / "train").mkdir(parents=True)
    first, step = share
    for shard in sorted((options.corpus / "train").iterdir())[first::step]:
        (data / "train" / shard.name).symlink_to(shard.resolve())
    shutil.copytree(options.corpus / "validation", data / "validation")
    documents = {
        "hyperparameters": {
            "feature_dim": str(manifest.feature_dim),
            "num_topics": str(options.topics),
            "epochs": str(epochs),
            "num_patience_epochs": str(epochs + 1),
            "mini_batch_size": str(options.batch),
        },
        "inputdataconfig": {"train": {}, "validation": {}},
        "resourceconfig": {"current_host": host, "hosts": hosts, "network_interface_name": "lo"},
    }
    for name, document in documents.items():
        (root / "input" / "config" / f"{name}.json").write_text(json.dumps(document))


if __name__ == "__main__":
    sys.exit(main())
