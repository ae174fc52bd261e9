"""First step of the training pipeline: nobody else is training, and the corpus is what it should be."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypedDict

from deployment_functions import clients, corpus_folder
from deployment_functions.corpus_folder import MANIFEST
from deployment_functions.environment import FromEnvironment
from deployment_functions.ports import running
from deployment_functions.retrainings.retraining import REQUEST, checked_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployment_functions.ports import S3, StepFunctions

MOST_JOB_NAME_CHARS: Final = 63
"""https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html"""


class PipelineError(Exception):
    """A run that cannot go on; the message becomes the run's cause, and what a waiting deploy reads."""


@dataclass(frozen=True)
class Settings(FromEnvironment):
    """What the stack tells the function."""

    corpus_bucket: str
    corpus_prefix: str
    corpus_hash: str
    job_name_prefix: str
    min_train_shards: int

    def of_corpus(self, corpus_hash: str) -> Settings:
        """Return the same for another corpus beside the stage's."""
        parent = self.corpus_prefix.rstrip("/").removesuffix(self.corpus_hash)
        return replace(self, corpus_hash=corpus_hash, corpus_prefix=f"{parent}{corpus_hash}/")


def handle(event: Mapping[str, object], _context: object) -> dict[str, str]:
    """Return what the training job's definition takes from the run."""
    settings, execution = Settings.from_environment(), str(event["execution"])
    refuse_second_run(clients.step_functions(), execution)
    asked = retraining_of(event.get("input"))
    if asked is not None:
        settings = settings.of_corpus(asked)
    s3 = clients.s3()
    manifest = read_manifest(s3, settings)
    refuse_other_objects(s3, settings, manifest["sizes"])
    return {
        "job_name": job_name(settings.job_name_prefix, execution.rpartition(":")[2]),
        "corpus_uri": f"s3://{settings.corpus_bucket}/{settings.corpus_prefix}",
        "corpus_hash": settings.corpus_hash,
        "vocabulary_hash": manifest["vocabulary_hash"],
        "feature_dim": manifest["feature_dim"],
        **({REQUEST: "true"} if asked is not None else {}),
    }


def retraining_of(run_input: object) -> str | None:
    """Return the corpus that a retraining asks for in its run's input, or None where it is another kind of run."""
    asked = run_input.get(REQUEST) if isinstance(run_input, dict) else None
    return checked_hash(asked.get("corpus_hash")) if isinstance(asked, dict) else None


def refuse_second_run(step_functions: StepFunctions, execution_arn: str) -> None:
    """Raise PipelineError if another run was under way before this one; of two at once, the earlier goes on."""
    machine = execution_arn.rpartition(":")[0].replace(":execution:", ":stateMachine:")
    others = running(step_functions, machine)
    mine = next((run for run in others if run["executionArn"] == execution_arn), None)
    for run in others:
        if run is not mine and (mine is None or (run["startDate"], run["name"]) < (mine["startDate"], mine["name"])):
            raise PipelineError(
                f"run {run['name']} of the training pipeline is under way, and one runs at a time: "
                "wait for its end, or stop it"
            )


class Manifest(TypedDict):
    """What a run takes from corpus.json; `sizes` are the files' sizes in bytes, by path."""

    vocabulary_hash: str
    feature_dim: str
    sizes: dict[str, int]


def read_manifest(s3: S3, settings: Settings) -> Manifest:
    """Return what the corpus's corpus.json says.

    Raises:
        PipelineError: it is not there, is another corpus's, or has fewer shards than the job has instances.
    """
    uri = f"s3://{settings.corpus_bucket}/{settings.corpus_prefix}{MANIFEST}"
    try:
        body = s3.get_object(Bucket=settings.corpus_bucket, Key=f"{settings.corpus_prefix}{MANIFEST}")["Body"].read()
    except Exception as error:
        code = getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)
        raise PipelineError(f"the corpus cannot be read: {uri} gave {code}") from error
    try:
        manifest = json.loads(body)
        corpus_hash, shards = manifest["corpus_hash"], int(manifest["shards"]["train"])
        known = Manifest(
            feature_dim=str(manifest["feature_dim"]),
            vocabulary_hash=str(manifest["vocabulary_hash"]),
            sizes={str(name): int(described["bytes"]) for name, described in manifest["files"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PipelineError(f"{uri} is not a corpus manifest: {type(error).__name__} {error}") from None
    if corpus_hash != settings.corpus_hash:
        raise PipelineError(f"{uri} is of corpus {corpus_hash}, but the stage's corpus is {settings.corpus_hash}")
    if shards < settings.min_train_shards:
        raise PipelineError(
            f"corpus {corpus_hash} has {shards} train shards for {settings.min_train_shards} instances: "
            "prepare it with as many shards as there are instances, or more"
        )
    return known


def refuse_other_objects(s3: S3, settings: Settings, sizes: Mapping[str, int]) -> None:
    """Hold the corpus's folder to its manifest: a job reads whatever lies under its channels' prefixes.

    Raises:
        PipelineError: a file is missing or has another size, or there is an object that the manifest does not name.
    """
    uri = f"s3://{settings.corpus_bucket}/{settings.corpus_prefix}"
    there = corpus_folder.listed(s3, settings.corpus_bucket, settings.corpus_prefix)
    wrong = corpus_folder.wrong_sizes(sizes, there, uri=uri)
    wrong = wrong or corpus_folder.strangers(there, [*sizes, MANIFEST], uri=uri)
    if wrong is not None:
        raise PipelineError(wrong)


def job_name(prefix: str, run: str) -> str:
    """Return the training job's name: the run's, made to fit what SageMaker allows."""
    name = prefix + re.sub(r"[^a-zA-Z0-9]+", "-", run).strip("-")
    if len(name) <= MOST_JOB_NAME_CHARS:
        return name
    return prefix + hashlib.sha256(run.encode()).hexdigest()[:24]
