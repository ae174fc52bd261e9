"""The training jobs of a sweep, run by a deployed stage's state machine, and their models brought here.

An execution is remembered by a note beside the models: a command that was interrupted goes on watching it, and what it
has brought is not trained again.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shlex
import shutil
import sys
import tarfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from explore import builtin_model
from explore.documents import records_of
from explore.files import written_whole
from operations.errors import OperationError
from operations.stage import DeployedStage, reason_of
from operations.sweep.jobs import Job
from operations.sweep.stage import Stage
from stacks.shared.names import sweep_job_name_prefix
from stacks.training.sweep.sweep_job import COMPLETED
from training_scripts.archives import unpack
from training_scripts.corpus.manifest import VOCABULARY_PATH, CorpusManifest
from training_scripts.corpus.progress import Progress
from training_scripts.hyperparameters import OpenNtmSwitches

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

POLL_S: Final = 2.0
NOTE_FILE: Final = ".pipeline.json"
SEED: Final = "seed"
"""What tells repeats apart here; there it goes by the job's environment, since the built-in refuses it."""
_DIGEST_CHARS: Final = 8


@dataclass(frozen=True)
class Note:
    """What is remembered of an execution: its ARN, and of each of its jobs the name here and the digest of what it is.

    The order is that of the execution's jobs.
    """

    execution: str
    jobs: list[str]
    digests: list[str]

    @property
    def run(self) -> str:
        """The execution's name."""
        return self.execution.rpartition(":")[2]


class PipelineSweep:
    """The jobs of one sweep, the stage that trains them, and the folder that their models are brought to."""

    def __init__(
        self, deployed: DeployedStage, stage: Stage, jobs: Sequence[Job], *, corpus_folder: Path, progress: Progress
    ) -> None:
        """Hold a sweep to what the stage takes.

        Args:
            deployed: the stage.
            stage: what it says of its sweeps; its corpus must be the prepared one.
            jobs: in the order to start them in.
            corpus_folder: the prepared corpus, by which models are scored that do not score themselves.
            progress: told of the jobs.

        Raises:
            OperationError: the corpus is another one, the stage's algorithm does not take a hyperparameter, or the jobs
                that are not done yet are more than the stage's budget.
        """
        corpus = CorpusManifest.load_whole(corpus_folder)
        if stage.corpus != corpus.corpus_hash:
            raise OperationError(
                f"stage {stage.name!r} trains on corpus {stage.corpus[:12]}, and the prepared corpus is "
                f"{corpus.corpus_hash[:12]}: name the stage's own with --corpus"
            )
        self._deployed, self._stage, self._jobs = deployed, stage, list(jobs)
        self._states, self._sagemaker = deployed.client("stepfunctions"), deployed.client("sagemaker")
        self._corpus, self._corpus_folder, self._progress = corpus, corpus_folder, progress
        self._prefix = sweep_job_name_prefix(stage.name)
        self._require_known()
        self._require_budget()

    def run(self, folder: Path) -> list[Job]:
        """Have the jobs trained that are not done yet, bring their models, and return all jobs.

        Args:
            folder: of the sweep, for the note.

        Raises:
            OperationError: a job failed, or the execution did; the models of the others are here then.
        """
        note_file = folder / NOTE_FILE
        note = _read(note_file)
        if note is not None and self._is_known(note):
            self._require_ours(note)
            self._follow(note)
        waiting = self._waiting
        if waiting:
            note = self._start(waiting)
            with written_whole(note_file) as partial:
                partial.write_text(json.dumps(asdict(note), indent=1) + "\n", encoding="utf-8")
            failed = self._follow(note)
            if failed:
                note_file.unlink()
                raise OperationError(
                    f"{len(failed)} of {len(waiting)} trainings failed, {failed[0]}; the others are kept: run it "
                    "again to train those that are missing"
                )
        note_file.unlink(missing_ok=True)
        return self._jobs

    @property
    def _waiting(self) -> list[Job]:
        return [job for job in self._jobs if not job.is_done(self._corpus)]

    @functools.cached_property
    def _validation(self) -> csr_matrix:
        return records_of(self._corpus_folder, self._corpus, "validation")

    @functools.cached_property
    def _words(self) -> list[str]:
        return (self._corpus_folder / VOCABULARY_PATH).read_text(encoding="utf-8").splitlines()

    def _require_known(self) -> None:
        if not self._stage.is_builtin:
            return
        for job in self._jobs:
            if refused := sorted((set(job.hyperparameters) & set(OpenNtmSwitches.model_fields)) - {SEED}):
                raise OperationError(
                    f"hyperparameter {refused[0]!r} is the open NTM's own, and stage {self._stage.name!r} trains by "
                    "SageMaker's built-in, which refuses it"
                )

    def _require_budget(self) -> None:
        stage, number = self._stage, len(self._waiting)
        if number > stage.most_jobs:
            raise OperationError(
                f"the sweep is of {number} trainings, up to {number * stage.instance_seconds:,} instance-seconds, and "
                f"the budget of stage {stage.name!r} is {stage.most_jobs} trainings, "
                f"{stage.most_jobs * stage.instance_seconds:,} instance-seconds: sweep over less, or raise "
                "sweep.max_jobs and sweep.max_instance_seconds"
            )

    def _start(self, waiting: Sequence[Job]) -> Note:
        digests = [_digest(job) for job in waiting]
        asked = hashlib.sha256("".join(digests).encode()).hexdigest()[:_DIGEST_CHARS]
        sent = [
            {
                "hyperparameters": {key: value for key, value in job.hyperparameters.items() if key != SEED},
                "repeat": str(job.seed),
            }
            for job in waiting
        ]
        started = self._states.start_execution(
            stateMachineArn=self._stage.state_machine,
            name=f"{asked}-{int(time.time()):x}",
            input=json.dumps({"jobs": sent}),
        )
        return Note(started["executionArn"], [job.name for job in waiting], digests)

    def _follow(self, note: Note) -> list[str]:
        """Wait for an execution's end, bring its models, and return what is to be said of the jobs that failed."""
        while True:
            execution = self._states.describe_execution(executionArn=note.execution)
            self._bring_completed(note)
            if execution["status"] != "RUNNING":
                break
            done = len(self._jobs) - len(self._waiting)
            self._progress.tell(f"{done} of {len(self._jobs)} trainings done, execution {note.run} goes on")
            _pause(note)
        if execution["status"] != "SUCCEEDED":
            cause = reason_of(execution.get("cause") or execution.get("error") or "no cause was given")
            raise OperationError(f"execution {note.run} is {execution['status'].lower()}: {cause}")
        answers = json.loads(execution["output"])
        return [
            f"{note.jobs[number]}: {self._failure(answer)}"
            for number, answer in enumerate(answers)
            if answer["status"] != COMPLETED
        ]

    def _bring_completed(self, note: Note) -> None:
        """Bring the models that are there by now: what an interruption leaves need not be fetched again."""
        wanted = {(job.name, _digest(job)): job for job in self._waiting}
        prefix = f"{self._prefix}{note.run}-"
        pages = self._sagemaker.get_paginator("list_training_jobs").paginate(
            NameContains=prefix, StatusEquals=COMPLETED
        )
        completed = {summary["TrainingJobName"] for page in pages for summary in page["TrainingJobSummaries"]}
        for number, asked in enumerate(zip(note.jobs, note.digests, strict=True)):
            job = wanted.get(asked)
            if job is not None and f"{prefix}{number}" in completed:
                self._bring(job, f"{prefix}{number}")

    def _bring(self, job: Job, training_job: str) -> None:
        told = self._sagemaker.describe_training_job(TrainingJobName=training_job)
        uri = told["ModelArtifacts"]["S3ModelArtifacts"]
        content = self._deployed.content(uri)
        job.begin(self._corpus)
        partial = job.root / f".model.{os.getpid()}.partial"
        try:
            unpack(content, partial)
            if builtin_model.is_builtin(partial):
                builtin_model.describe(
                    partial,
                    version=training_job,
                    corpus_hash=self._corpus.corpus_hash,
                    words=self._words,
                    validation=self._validation,
                    metrics={item["MetricName"]: item["Value"] for item in told.get("FinalMetricDataList", [])},
                )
            partial.rename(job.model)
        except (OSError, tarfile.TarError) as error:
            raise OperationError(f"{uri} cannot be unpacked into {job.model}: {error}") from None
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _failure(self, answer: dict[str, str]) -> str:
        try:
            told = self._sagemaker.describe_training_job(TrainingJobName=answer["job"])
        except self._sagemaker.exceptions.ClientError:
            return f"job {answer['job']} was not made: {answer.get('error', answer['status'])}"
        return str(told.get("FailureReason") or f"job {answer['job']} is {told['TrainingJobStatus'].lower()}")

    def _require_ours(self, note: Note) -> None:
        if {_digest(job) for job in self._jobs} & set(note.digests):
            return
        if self._states.describe_execution(executionArn=note.execution)["status"] == "RUNNING":
            raise OperationError(
                f"execution {note.run} of another sweep goes on: wait for its end, stop it, or name another folder "
                "with --out"
            )

    def _is_known(self, note: Note) -> bool:
        unknown = self._states.exceptions
        try:
            self._states.describe_execution(executionArn=note.execution)
        except (unknown.ExecutionDoesNotExist, unknown.InvalidArn):
            return False
        return True


def _pause(note: Note) -> None:
    try:
        time.sleep(POLL_S)
    except KeyboardInterrupt:
        # The command ends, its trainings do not, and they are paid for.
        print(
            f"sweep: execution {note.run} goes on; the same command follows it, and aws stepfunctions stop-execution "
            f"--execution-arn {shlex.quote(note.execution)} stops it",
            file=sys.stderr,
        )
        raise


def _digest(job: Job) -> str:
    text = json.dumps([job.hyperparameters, job.seed], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read(note_file: Path) -> Note | None:
    try:
        return Note(**json.loads(note_file.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):
        # No note, or none that this program wrote: starting over is always right.
        return None
