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
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks import training_jobs
from benchmarks.training_jobs import KINDS
from training_scripts.corpus.manifest import CorpusManifest

_SECONDS = re.compile(r"seconds=([\d.]+)")
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
    one, two, apart = ([epochs[place] for epochs in rounds] for place in range(len(KINDS)))
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
    ratios: dict[str, object] = {}
    for place, clock in enumerate(("wall", "cpu")):
        times = [round(a[place] / b[place], 3) for a, b in zip(slower, quicker, strict=True)]
        ratios[clock] = {"median": statistics.median(times), "each": times}
    return ratios


def _epoch_s(options: argparse.Namespace, kind: str) -> Epoch:
    """Return the wall time of an epoch, and the CPU time that the busiest instance spends on one.

    The second is what an epoch takes on cores of its own, but for waiting on the network: it is the difference
    between a long job and a short one, so that starting and compiling are left out.
    """
    short, long = (_run(options, kind, epochs) for epochs in (_COMPILED + 1, _COMPILED + 1 + options.epochs))
    return long[0], (max(long[1]) - max(short[1])) / options.epochs


def _run(options: argparse.Namespace, kind: str, epochs: int) -> tuple[float, list[float]]:
    """Return the median wall time of an epoch, and the CPU time of each instance."""
    settings = {
        "num_topics": options.topics,
        "epochs": epochs,
        "num_patience_epochs": epochs + 1,
        "mini_batch_size": options.batch,
    }
    with tempfile.TemporaryDirectory() as name:
        usages = training_jobs.run(Path(name), options.corpus, settings, kind)
        output = training_jobs.log_of(Path(name)).read_text(encoding="utf-8")
    seconds = [float(text) for text in _SECONDS.findall(output)][_COMPILED:]
    return statistics.median(seconds), [usage.ru_utime + usage.ru_stime for usage in usages]


if __name__ == "__main__":
    sys.exit(main())
