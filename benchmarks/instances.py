"""Training on two instances against one, as two processes of this machine: seconds an epoch, once all is compiled.

`python -m benchmarks.instances --corpus build/bench-preparation/one`. Each process computes with one thread: two are
what two machines of one core each would be, but for the network between them.
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
_COMPILED = 1
"""The first epoch compiles, and is left out."""


def main() -> int:
    """Train in turns, one instance and two; print seconds an epoch and the speed-up of each pair as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--topics", type=int, default=30)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args()
    pairs = [(_epoch_s(options, 1), _epoch_s(options, 2)) for _ in range(options.pairs)]
    documents = CorpusManifest.load(options.corpus).documents.train
    speed_up = [round(one[0] / two[0], 3) for one, two in pairs]
    by_cpu = [round(one[1] / two[1], 3) for one, two in pairs]
    print(
        json.dumps(
            {
                "documents": documents,
                "epoch_wall_and_cpu_s": pairs,
                "speed_up": speed_up,
                "median": statistics.median(speed_up),
                "speed_up_by_cpu": by_cpu,
                "median_by_cpu": statistics.median(by_cpu),
                "cores": os.cpu_count(),
                "load": os.getloadavg()[0],
            }
        )
    )
    return 0


def _epoch_s(options: argparse.Namespace, instances: int) -> tuple[float, float]:
    """Return the wall time of an epoch, and the CPU time that the busiest instance spends on one.

    The second is what an epoch takes on cores of its own, but for waiting on the network: it is the difference
    between a long job and a short one, so that starting and compiling are left out.
    """
    short, long = (_run(options, instances, epochs) for epochs in (_COMPILED + 1, _COMPILED + 1 + options.epochs))
    return long[0], (max(long[1]) - max(short[1])) / options.epochs


def _run(options: argparse.Namespace, instances: int, epochs: int) -> tuple[float, list[float]]:
    """Return the median wall time of an epoch, and the CPU time of each instance."""
    hosts = [f"algo-{number}" for number in range(1, instances + 1)]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        coordinator = f"127.0.0.1:{probe.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as folder:
        running = []
        for number, host in enumerate(hosts):
            root = Path(folder, host)
            _lay_out(root, options, hosts, number, epochs)
            command = [sys.executable, "-m", "training_scripts.train", "--root", str(root)]
            environment = {**os.environ, "NTM_COORDINATOR": coordinator}
            with Path(folder, f"{host}.log").open("w") as log:
                running.append(subprocess.Popen(command, env=environment, stdout=log))
        usages = [os.wait4(process.pid, 0)[2] for process in running]
        output = Path(folder, f"{hosts[0]}.log").read_text(encoding="utf-8")
    seconds = [float(found) for found in _SECONDS.findall(output)][_COMPILED:]
    if not seconds:
        raise SystemExit(f"the training of {instances} failed:\n{output}")
    return statistics.median(seconds), [usage.ru_utime + usage.ru_stime for usage in usages]


def _lay_out(root: Path, options: argparse.Namespace, hosts: list[str], number: int, epochs: int) -> None:
    manifest = CorpusManifest.load(options.corpus)
    (root / "input" / "config").mkdir(parents=True)
    data = root / "input" / "data"
    (data / "train").mkdir(parents=True)
    for shard in sorted((options.corpus / "train").iterdir())[number :: len(hosts)]:
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
        "resourceconfig": {"current_host": hosts[number], "hosts": hosts, "network_interface_name": "lo"},
    }
    for name, document in documents.items():
        (root / "input" / "config" / f"{name}.json").write_text(json.dumps(document))


if __name__ == "__main__":
    sys.exit(main())
