"""The quality of two instances against one: `python -m benchmarks.topics.instances_quality`.

Jobs as they run by default, on the API reference, scored on its test part, each kind with each seed. Two instances
train on every other shard and average once an epoch, so that no figure is the same; it should be as good.
"""

from __future__ import annotations

import os

from training_scripts import one_thread

os.environ.update(one_thread.ENVIRONMENT)

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import mean, stdev
from typing import Final

from benchmarks import training_jobs
from benchmarks.topics import corpora, models
from benchmarks.topics.trial import scored
from training_scripts.ntm import artifact

CORPUS: Final = "api-reference"
TOPICS: Final = 30
BATCH: Final = 128
SEEDS: Final = 5
_KINDS: Final = (training_jobs.ONE, training_jobs.TWO)
_OUTPUT: Final = Path("docs/benchmarks/instances-quality.json")


def main() -> int:
    """Train each kind with each seed, in turns; writes docs/benchmarks/instances-quality.json."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.topics.instances_quality", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    options = parser.parse_args()
    if options.seeds < 2:
        parser.error(f"--seeds is {options.seeds}, where a spread needs at least 2")
    corpora.prepare(CORPUS)
    corpus = corpora.load(CORPUS)
    scores: dict[str, list[dict[str, float]]] = {kind: [] for kind in _KINDS}
    for seed in range(options.seeds):
        for kind in _KINDS:
            scores[kind].append(_scores(corpus, kind, seed))
            print(json.dumps({"kind": kind, "seed": seed, **scores[kind][-1]}), file=sys.stderr)
    summary = {
        name: {kind: {"mean": mean(values), "sd": stdev(values)} for kind, values in _by_kind(scores, name).items()}
        for name in scores[training_jobs.ONE][0]
    }
    result = {"corpus": CORPUS, "topics": TOPICS, "seeds": options.seeds, "summary": summary, "each": scores}
    print(json.dumps(summary, indent=1))
    _OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    _OUTPUT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


def _scores(corpus: corpora.Corpus, kind: str, seed: int) -> dict[str, float]:
    settings = {"num_topics": TOPICS, "mini_batch_size": BATCH, "seed": seed}
    with tempfile.TemporaryDirectory() as name:
        training_jobs.run(Path(name), corpus.folder, settings, kind)
        model = models.ServedNtm(artifact.read(Path(name, "algo-1", "model")))
    return scored(model, corpus, corpus.test)


def _by_kind(found: dict[str, list[dict[str, float]]], name: str) -> dict[str, list[float]]:
    return {kind: [scores[name] for scores in each] for kind, each in found.items()}


if __name__ == "__main__":
    sys.exit(main())
