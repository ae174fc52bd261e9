"""What a stage's schedule has transformed: the corpus itself, by order, collected into topic vectors."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from explore.documents import CountedDocuments
from operations.errors import OperationError
from operations.stage import DeployedStage
from operations.transform.formats import ordered_weights
from operations.transform.run import Outcome, Stage
from stacks.serving.transform.transform_records import RecordError
from training_scripts.corpus.manifest import PARTS, CorpusManifest, labels_path, shard_path
from training_scripts.corpus.progress import Progress
from training_scripts.recordio import read_records

_MILLISECONDS = 1000


def collect(
    deployed: DeployedStage, stage: Stage, documents: CountedDocuments, folder: Path, progress: Progress
) -> Outcome:
    """Return the newest scheduled run's topic weights of the documents, in their order.

    Args:
        deployed: the stage.
        stage: what it says of its transforms, with the setting transform.schedule.
        documents: of the prepared corpus, perhaps more than are in it; those that are not have no weights.
        folder: the prepared corpus, whose labels tell which document each record is.
        progress: told of each part.

    Raises:
        OperationError: there was no such run, it is of another corpus, or its output is not whole.
    """
    told = _newest(deployed, stage)
    manifest = CorpusManifest.load_whole(folder)
    if told["corpus"] != manifest.corpus_hash:
        raise OperationError(
            f"the newest scheduled transform is of corpus {told['corpus'][:12]}, and the prepared corpus is "
            f"{manifest.corpus_hash[:12]}: name the model's own with --corpus"
        )
    found: dict[str, list[float]] = {}
    for part in PARTS:
        names = _names(folder / labels_path(part))
        weights: list[list[float]] = []
        for number in range(getattr(manifest.shards, part)):
            path = shard_path(part, number)
            records = read_records((folder / path).read_bytes(), feature_dim=manifest.feature_dim).shape[0]
            key = f"{told['folder']}/{part}/{path.rpartition('/')[2]}.out"
            weights += _weights(deployed, stage, key, records)
        if len(weights) != len(names):
            raise OperationError(f"{folder / labels_path(part)} names {len(names)} documents of {len(weights)} records")
        found |= dict(zip(names, weights, strict=True))
        progress.tell(f"{len(found):,} vectors collected")
    known = np.flatnonzero(documents.is_known)
    if missing := [documents.ids[row] for row in known if documents.ids[row] not in found]:
        raise OperationError(
            f"{len(missing)} documents, {missing[0]!r} among them, are not in the corpus that the schedule transforms: "
            "leave --source away, or transform without --scheduled"
        )
    seconds = sum(part["ended"] - part["started"] for part in told["parts"]) / _MILLISECONDS
    rows = np.array([found[documents.ids[row]] for row in known], dtype=np.float32)
    return Outcome(rows, told["model"], told["artifact"], seconds)


def _newest(deployed: DeployedStage, stage: Stage) -> dict[str, Any]:
    pages = (
        deployed.client("stepfunctions")
        .get_paginator("list_executions")
        .paginate(stateMachineArn=stage.state_machine, statusFilter="SUCCEEDED")
    )
    runs = [run for page in pages for run in page["executions"]]
    for run in sorted(runs, key=lambda each: each["startDate"], reverse=True):
        output: dict[str, Any] = json.loads(
            deployed.client("stepfunctions").describe_execution(executionArn=run["executionArn"])["output"]
        )
        if "parts" in output:
            return output
    raise OperationError(
        f"the schedule of stage {stage.name!r} has not transformed anything yet: set transform.schedule, or wait for it"
    )


def _weights(deployed: DeployedStage, stage: Stage, key: str, records: int) -> list[list[float]]:
    where = f"s3://{stage.bucket}/{key}"
    try:
        body = deployed.client("s3").get_object(Bucket=stage.bucket, Key=key)["Body"].read()
        return ordered_weights(body, records, where=where)
    except deployed.client("s3").exceptions.NoSuchKey:
        raise OperationError(f"the transform left no {where}") from None
    except RecordError as error:
        raise OperationError(str(error)) from None


def _names(file: Path) -> list[str]:
    with file.open(encoding="utf-8", newline="") as stream:
        return [row["id"] for row in csv.DictReader(stream)]
