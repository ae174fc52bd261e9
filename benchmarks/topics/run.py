"""Run the benchmark: `python -m benchmarks.topics.run [--quick]`. Writes docs/benchmarks/.

Every fit is a process of its own, and what has been measured is kept in build/bench/: an interrupted run goes on.
"""

# ruff: noqa: PLR0917 (a fit is six words)

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import log
from pathlib import Path
from typing import Any, Final

from benchmarks.topics import corpora, report, space

RESULTS: Final = Path("build/bench/results.jsonl")
TUNING_CORPUS: Final = "api-reference"
TUNING_TOPICS: Final = 30
CURVE_EPOCHS: Final = (1, 2, 3, 4, 5, 10, 20, 40)
CURVE_ITERATIONS: Final = (25, 50, 100, 250, 500)

Record = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """How much is run. `trials` is each tuned model's budget, the same for all."""

    trials: int
    seeds: int
    topics: tuple[int, ...]
    scored: tuple[corpora.CorpusName, ...]
    curves: bool
    scored_compared: tuple[corpora.CorpusName, ...] = ()
    """Corpora on which only what the bounds compare is scored; they enter no bound."""
    models: tuple[str, ...] = tuple(space.DEFAULTS)


FULL: Final = Plan(
    trials=8,
    seeds=5,
    topics=(20, 30, 50, 100),
    scored=("20newsgroups", "debian"),
    scored_compared=("20newsgroups-known",),
    curves=True,
)
QUICK: Final = Plan(trials=2, seeds=2, topics=(30,), scored=("20newsgroups",), curves=False)


class Runner:
    """Runs fits, several at a time, and remembers what they gave."""

    def __init__(self, jobs: int, *, only_known: bool = False) -> None:
        """Read what earlier runs have measured; `only_known` measures nothing more."""
        self._jobs = jobs
        self._only_known = only_known
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
        self._known = {_key(record): record for record in map(json.loads, lines)}

    def run(self, stage: str, wanted: list[Record]) -> list[Record]:
        """Return the record of each wanted fit, in their order; with `only_known`, of those measured."""
        if self._only_known:
            wanted = [fit for fit in wanted if _key(fit) in self._known]
        missing = [fit for fit in wanted if _key(fit) not in self._known]
        started = time.monotonic()
        with ThreadPoolExecutor(self._jobs) as pool:
            for done, record in enumerate(pool.map(_measured, missing), start=1):
                self._known[_key(record)] = record
                with RESULTS.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(record) + "\n")
                what = f"{record['model']}, K={record['topics']}, seed {record['seed']}, {record['cpu_s']:.0f} CPU s"
                print(f"{stage}: {done} of {len(missing)}, {time.monotonic() - started:.0f} s: {what}", file=sys.stderr)
        return [self._known[_key(fit)] for fit in wanted]


def objective(record: Record) -> float:
    """Return what tuning maximises: held-out window NPMI, 10-NN accuracy and relative log perplexity, weighted equally.

    NPMI over documents is no part: it is what training itself maximises, and says nothing of what people see.
    """
    fit = 1 - log(record["perplexity"]) / log(2000)
    return float(record["npmi_window"] + record["knn"] + fit) / 3


def main() -> int:
    """Tune, score, report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.topics.run", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a small form, under 10 minutes; writes to build/bench only"
    )
    parser.add_argument("--jobs", type=int, default=2, help="fits at a time, each of one thread (default 2)")
    parser.add_argument("--topics", type=int, nargs="+", help="only these numbers of topics, 30 among them")
    parser.add_argument("--seeds", type=int, help="only this many seeds")
    parser.add_argument("--scored", nargs="+", choices=FULL.scored, help="only these corpora, 20newsgroups among them")
    parser.add_argument(
        "--models", nargs="+", choices=space.DEFAULTS, help=f"only these, {', '.join(report.COMPARED)} among them"
    )
    parser.add_argument(
        "--only-known", action="store_true", help="measure nothing, report what build/bench/results.jsonl holds"
    )
    options = parser.parse_args()
    if options.models and (left_out := [model for model in report.COMPARED if model not in options.models]):
        parser.error(f"the bounds compare {', '.join(report.COMPARED)}, and --models leaves out {', '.join(left_out)}")
    plan = _restricted(QUICK if options.quick else FULL, options)
    started = time.monotonic()
    if not options.only_known:
        for name in (TUNING_CORPUS, *plan.scored):
            corpora.prepare(name)
    runner = Runner(options.jobs, only_known=options.only_known)
    tuning = {model: _tune(runner, model, plan.trials) for model in space.SPACES if model in plan.models}
    # Settings chosen from fewer trials than planned would not be those of the protocol.
    tuning = {model: records for model, records in tuning.items() if len(records) == plan.trials}
    chosen = {model: max(records, key=objective)["settings"] for model, records in tuning.items()}
    chosen |= {model: space.DEFAULTS[model] for model in space.UNTUNED if model in plan.models}
    scored = runner.run("score", _scored(plan, chosen))
    curves = runner.run("curves", _curves(chosen)) if plan.curves else []
    folder = Path("build/bench/quick") if options.quick else Path("docs")
    report.write(folder, report.Outcome(tuning, chosen, scored, curves, plan.trials))
    print(f"wrote {folder / 'benchmarks'} in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return 0


def _restricted(plan: Plan, options: argparse.Namespace) -> Plan:
    return replace(
        plan,
        topics=tuple(options.topics or plan.topics),
        seeds=options.seeds or plan.seeds,
        scored=tuple(options.scored or plan.scored),
        scored_compared=() if options.scored else plan.scored_compared,
        models=tuple(options.models or plan.models),
    )


def _tune(runner: Runner, model: str, trials: int) -> list[Record]:
    wanted = [
        _fit(model, TUNING_CORPUS, "validation", TUNING_TOPICS, 0, settings) for settings in space.trials(model, trials)
    ]
    return runner.run(f"tune {model}", wanted)


def _scored(plan: Plan, chosen: dict[str, Record]) -> list[Record]:
    return [
        _fit(model, corpus, "test", topics, seed, settings)
        for corpus in plan.scored + plan.scored_compared
        for topics in (plan.topics if corpus == "20newsgroups" else (TUNING_TOPICS,))
        for seed in range(plan.seeds)
        for model, settings in chosen.items()
        if corpus in plan.scored or model in report.COMPARED
    ]


def _curves(chosen: dict[str, Record]) -> list[Record]:
    ours = [
        _fit(
            "open NTM",
            "20newsgroups",
            "test",
            TUNING_TOPICS,
            0,
            {**chosen["open NTM"], "epochs": epochs, "num_patience_epochs": epochs + 1},
        )
        for epochs in CURVE_EPOCHS
    ]
    gibbs = [
        _fit("Gibbs LDA", "20newsgroups", "test", TUNING_TOPICS, 0, {**chosen["Gibbs LDA"], "iterations": iterations})
        for iterations in CURVE_ITERATIONS
    ]
    return ours + gibbs


def _fit(model: str, corpus: str, part: str, topics: int, seed: int, settings: Record) -> Record:
    return {"model": model, "corpus": corpus, "part": part, "topics": topics, "seed": seed, "settings": settings}


def _key(record: Record) -> str:
    return json.dumps(
        {name: record[name] for name in ("model", "corpus", "part", "topics", "seed", "settings")}, sort_keys=True
    )


def _measured(wanted: Record) -> Record:
    command = [sys.executable, "-m", "benchmarks.topics.trial", json.dumps(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{wanted} failed:\n{done.stderr[-3000:]}")
    record: Record = json.loads(done.stdout.splitlines()[-1])
    return record


if __name__ == "__main__":
    sys.exit(main())
