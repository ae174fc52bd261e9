"""The training jobs of a sweep, run on this machine as a container runs them, several at a time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from operations.errors import OperationError
from training_scripts.content_types import RECORDIO_PROTOBUF
from training_scripts.corpus.manifest import CorpusManifest
from training_scripts.corpus.progress import Progress
from training_scripts.ntm import artifact
from training_scripts.ntm_environment import CORPUS_VARIABLE

CHANNELS: Final = ("train", "validation", "auxiliary")
"""Without `test`: what is chosen by a sweep must not have seen it."""
POLL_S: Final = 0.2
HERE: Final = "this machine"
_NOTE: Final = "job.json"


@dataclass(frozen=True)
class Job:
    """One training: a point of the sweep and a seed.

    Attributes:
        point: the hyperparameters that the sweep varies.
        seed: of the training.
        hyperparameters: all of them, as strings, as a job takes them.
        root: its folder, laid out as a training container's.
        by: what trains it. Instances share the documents out, so another place gives another model.
    """

    point: tuple[tuple[str, str], ...]
    seed: int
    hyperparameters: dict[str, str]
    root: Path
    by: str = HERE

    @property
    def name(self) -> str:
        """What the model is called, too."""
        return self.root.name

    @property
    def model(self) -> Path:
        """The folder of its model."""
        return self.root / "model"

    def is_done(self, corpus: CorpusManifest) -> bool:
        """Whether an earlier run has ended well, with these hyperparameters on this corpus."""
        try:
            same = json.loads((self.root / _NOTE).read_text(encoding="utf-8")) == self._description(corpus)
        except (OSError, ValueError):
            return False
        return same and (self.model / artifact.MODEL_FILE).is_file()

    def begin(self, corpus: CorpusManifest) -> None:
        """Make the folder anew, with a note of what the model in it will be of."""
        # What an interrupted run has left is no model: the job starts over.
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(parents=True)
        (self.root / _NOTE).write_text(json.dumps(self._description(corpus), indent=1) + "\n", encoding="utf-8")

    def _description(self, corpus: CorpusManifest) -> dict[str, object]:
        return {"by": self.by, "corpus": corpus.corpus_hash, "hyperparameters": self.hyperparameters}


def run_all(
    jobs: Sequence[Job],
    folder: Path,
    corpus: CorpusManifest,
    *,
    at_a_time: int,
    budget_s: float | None,
    progress: Progress,
) -> list[Job]:
    """Run the jobs that are not done yet, and return those that are done at the end.

    Args:
        jobs: in the order to start them in.
        folder: the prepared corpus.
        corpus: its manifest.
        at_a_time: processes at once.
        budget_s: no job is started later than this; None for all of them.
        progress: told of the jobs.

    Raises:
        OperationError: a job failed; the message ends with its reason.
    """
    done = [job for job in jobs if job.is_done(corpus)]
    waiting = [job for job in jobs if job not in done]
    running: list[tuple[Job, subprocess.Popen[bytes]]] = []
    started = time.monotonic()
    try:
        while waiting or running:
            over = budget_s is not None and time.monotonic() - started >= budget_s
            if over and not running:
                break
            while waiting and len(running) < at_a_time and not over:
                job = waiting.pop(0)
                running.append((job, _start(job, folder, corpus)))
            names = ", ".join(job.name for job, _ in running)
            progress.tell(f"{len(done)} of {len(jobs)} trainings done, running {names}")
            time.sleep(POLL_S)
            for job, process in list(running):
                if process.poll() is None:
                    continue
                running.remove((job, process))
                if process.returncode != 0:
                    raise OperationError(f"training {job.name} failed: {_failure(job)}")
                done.append(job)
    finally:
        for _, process in running:
            process.terminate()
        for _, process in running:
            process.wait()
    return [job for job in jobs if job in done]


def _start(job: Job, folder: Path, corpus: CorpusManifest) -> subprocess.Popen[bytes]:
    job.begin(corpus)
    config, data = job.root / "input" / "config", job.root / "input" / "data"
    config.mkdir(parents=True)
    data.mkdir()
    described = {}
    for channel in CHANNELS:
        # File by file: what else lies in the folder is no part of the corpus.
        for path in corpus.of_channel(channel):
            (data / path).parent.mkdir(parents=True, exist_ok=True)
            (data / path).symlink_to((folder / path).resolve())
        kind = "text/plain" if channel == "auxiliary" else RECORDIO_PROTOBUF
        described[channel] = {"ContentType": kind, "TrainingInputMode": "File"}
    (config / "inputdataconfig.json").write_text(json.dumps(described), encoding="utf-8")
    (config / "hyperparameters.json").write_text(json.dumps(job.hyperparameters), encoding="utf-8")
    environment = {**os.environ, "TRAINING_JOB_NAME": job.name, CORPUS_VARIABLE: corpus.corpus_hash}
    with (job.root / "train.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "training_scripts.train", "--root", str(job.root)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _failure(job: Job) -> str:
    try:
        return (job.root / "output" / "failure").read_text(encoding="utf-8")
    except OSError:
        return f"see {job.root / 'train.log'}"
