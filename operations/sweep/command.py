"""How many topics? `python -m operations.sweep` trains over a range of a hyperparameter and recommends a value."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from explore.files import written_whole
from operations import stage_settings
from operations.command import add_settings, add_stage, command
from operations.errors import OperationError
from operations.sweep.jobs import HERE, Job, run_all
from operations.sweep.scores import Score, recommended, scores
from training_scripts.command_line import Parser
from training_scripts.corpus.manifest import DEFAULT_FOLDER, CorpusManifest
from training_scripts.corpus.progress import Progress
from training_scripts.hyperparameters import FEATURE_DIM, HyperparameterError, parse_job_hyperparameters

PROGRAM: Final = "python -m operations.sweep"
DEFAULT_OUTPUT: Final = Path("build/sweep")
DEFAULT_RANGE: Final = "num_topics=10,20,30,40,50,60"
TUTORIAL: Final = {"mini_batch_size": "128", "epochs": "100", "num_patience_epochs": "5", "tolerance": "0.001"}
RESULT, PICTURE = "sweep.json", "sweep.png"
MACHINE, PIPELINE = "here", "pipeline"
_MINUTE_S: Final = 60


@command("sweep")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    _sweep(_parser().parse_args(arguments))
    return 0


def _sweep(options: argparse.Namespace) -> None:
    if options.on == PIPELINE:
        if options.stage is None:
            raise OperationError(f"--on {PIPELINE} needs --stage, the name of a deployed stage")
        if options.jobs or options.budget_minutes:
            raise OperationError(
                f"--jobs and --budget-minutes are of trainings on this machine: with --on {PIPELINE} the stage's "
                "settings say so, sweep.max_concurrency and sweep.max_instance_seconds"
            )
    corpus = CorpusManifest.load_whole(options.corpus)
    train = _by_pipeline if options.on == PIPELINE else _here
    jobs, done = train(options, corpus, Progress("sweep"))
    scored = scores(done)
    if not scored:
        raise OperationError("the budget ended before the first training: raise --budget-minutes")
    chosen, reason = recommended(scored)
    _write(options.out, corpus, scored, chosen, reason, by=jobs[0].by)
    # Only here: a sweep that fails needs no matplotlib.
    from operations.sweep.plot import draw  # noqa: PLC0415

    draw(scored, chosen, options.out / PICTURE, corpus=corpus, by=jobs[0].by)
    print(table(scored, chosen))
    if len(done) < len(jobs):
        print(f"\nThe budget ended after {len(done)} of {len(jobs)} trainings; run it again to go on.")
    print(f"\nTake {chosen.name}. {reason}\n{options.out / RESULT}, {options.out / PICTURE}")
    print(f"  corpus  {corpus.corpus_hash}\n  models  {options.out / 'jobs'}, trained by {jobs[0].by}")
    print("To write it into a stage's settings: python -m operations.choose --stage NAME")


def _here(options: argparse.Namespace, corpus: CorpusManifest, progress: Progress) -> tuple[list[Job], list[Job]]:
    base = TUTORIAL
    if options.stage is not None:
        documents = corpus.documents.train
        base = stage_settings.hyperparameters(options.settings, options.stage, documents=documents)
    jobs = _planned(options, corpus, base)
    done = run_all(
        jobs,
        options.corpus,
        corpus,
        at_a_time=options.jobs or max(1, (os.cpu_count() or 2) // 2),
        budget_s=options.budget_minutes * _MINUTE_S if options.budget_minutes else None,
        progress=progress,
    )
    return jobs, done


def _by_pipeline(
    options: argparse.Namespace, corpus: CorpusManifest, progress: Progress
) -> tuple[list[Job], list[Job]]:
    # Only here: a sweep on this machine asks no AWS.
    from operations.stage import DeployedStage  # noqa: PLC0415
    from operations.sweep.pipeline import PipelineSweep  # noqa: PLC0415
    from operations.sweep.stage import find_stage  # noqa: PLC0415

    deployed = DeployedStage(options.stage)
    stage = find_stage(deployed)
    jobs = _planned(options, corpus, stage.hyperparameters, by=stage.state_machine)
    sweep = PipelineSweep(deployed, stage, jobs, corpus_folder=options.corpus, progress=progress)
    return jobs, sweep.run(options.out)


def _planned(options: argparse.Namespace, corpus: CorpusManifest, base: dict[str, str], *, by: str = HERE) -> list[Job]:
    ranges = [_range(text) for text in options.vary or [DEFAULT_RANGE]]
    fixed = dict(read_setting(text) for text in options.set)
    if repeated := [name for name, _ in ranges if name in fixed]:
        raise OperationError(f"{repeated[0]} is both varied and set")
    return plan(ranges, {**base, **fixed}, options.seeds, corpus.feature_dim, options.out / "jobs", by=by)


def plan(
    ranges: Sequence[tuple[str, list[str]]],
    fixed: dict[str, str],
    seeds: int,
    feature_dim: int,
    folder: Path,
    *,
    by: str = HERE,
) -> list[Job]:
    """Return the trainings, the first seed of every point first, so that a budget that ends early has seen each.

    Raises:
        OperationError: a hyperparameter is unknown or out of its range.
    """
    jobs = []
    for seed, values in itertools.product(range(seeds), itertools.product(*(values for _, values in ranges))):
        point = tuple((name, value) for (name, _), value in zip(ranges, values, strict=True))
        hyperparameters = {**fixed, **dict(point), "seed": str(seed), FEATURE_DIM: str(feature_dim)}
        try:
            parse_job_hyperparameters(hyperparameters)
        except HyperparameterError as error:
            raise OperationError(str(error)) from None
        name = (
            "-".join([*(f"{key}-{value}" for key, value in point), f"seed-{seed}"]).replace("_", "-").replace(",", "x")
        )
        jobs.append(Job(point, seed, hyperparameters, folder / name, by))
    return jobs


def table(found: Sequence[Score], chosen: Score) -> str:
    """Return the scores as people read them."""
    width = max(len(score.name) for score in found)
    lines = [f"  {'':<{width}}  {'loss':>9} {'NPMI':>7} {'TU':>6} {'stability':>10} {'quality':>8}"]
    for score in found:
        stability = "-" if score.stability is None else f"{score.stability:.3f}"
        lines.append(
            f"{'*' if score is chosen else ' '} {score.name:<{width}}  {score.loss:>9.2f} {score.coherence:>7.3f} "
            f"{score.uniqueness:>6.3f} {stability:>10} {score.quality:>8.3f}"
        )
    return "\n".join(lines)


def _write(
    folder: Path, corpus: CorpusManifest, found: Sequence[Score], chosen: Score, reason: str, *, by: str
) -> None:
    result = {
        "corpus": corpus.corpus_hash,
        "source": f"{corpus.source.name} ({corpus.source.version})",
        "by": by,
        "recommended": {"point": dict(chosen.point), "reason": reason},
        "points": [{**asdict(score), "point": dict(score.point), "quality": score.quality} for score in found],
    }
    with written_whole(folder / RESULT) as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def read_setting(text: str) -> tuple[str, str]:
    """Return name and value of `name=value`.

    Raises:
        OperationError: it is written otherwise.
    """
    name, equals, value = text.partition("=")
    if not equals or not value:
        raise OperationError(f"{text!r} is no setting: write name=value")
    return name, value


def _range(text: str) -> tuple[str, list[str]]:
    name, values = read_setting(text)
    found = values.split(",")
    if len(set(found)) != len(found) or "" in found:
        raise OperationError(f"{text!r} is no range: write name=first,second,…, each value once")
    return name, found


def _parser() -> Parser:
    parser = Parser(prog=PROGRAM, description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--corpus", type=Path, default=DEFAULT_FOLDER, metavar="DIR", help=f"the prepared corpus ({DEFAULT_FOLDER})")
    add("--out", type=Path, default=DEFAULT_OUTPUT, metavar="DIR", help=f"folder to write ({DEFAULT_OUTPUT})")
    add("--vary", action="append", metavar="NAME=A,B,…", help=f"values to try ({DEFAULT_RANGE}); again for a grid")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="a hyperparameter of every training")
    add("--seeds", type=_positive, default=2, metavar="N", help="trainings of each value; from 2 on, stability (2)")
    add("--on", choices=(MACHINE, PIPELINE), default=MACHINE, help="this machine, or a deployed stage's state machine")
    add("--jobs", type=_positive, metavar="N", help="trainings at a time on this machine (half its processors)")
    add("--budget-minutes", type=float, metavar="M", help="start no training after this (no bound)")
    add_stage(parser, required=False)
    add_settings(parser)
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


if __name__ == "__main__":
    sys.exit(main())
