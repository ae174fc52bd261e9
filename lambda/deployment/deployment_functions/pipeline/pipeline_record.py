"""Last step of the training pipeline: record what was trained, and approve it where the stage says so."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final, Literal, TypedDict, cast

from deployment_functions import clients
from deployment_functions.ledger import Ledger
from deployment_functions.model_fields import APPROVED, CANDIDATE, NOT_REPORTED
from deployment_functions.pipeline import model_archive, topics_file
from deployment_functions.pipeline.model_metrics import loss_line
from deployment_functions.retrainings.retraining import REQUEST
from deployment_functions.validation_loss import ValidationLoss, definition_of

if TYPE_CHECKING:
    from collections.abc import Mapping

Approval = Literal["automatic", "manual"]
VALIDATION_LOSS: Final = "validation:total_loss"
"""The one metric that the built-in NTM documents."""


class Metric(TypedDict):
    """One of a training job's final metrics."""

    MetricName: str
    Value: float


class Artifacts(TypedDict):
    """Where a training job left its model."""

    S3ModelArtifacts: str


class Training(TypedDict, total=False):
    """What the state that trained gives: DescribeTrainingJob's answer, as far as it is used."""

    TrainingJobName: str
    ModelArtifacts: Artifacts
    FinalMetricDataList: list[Metric]


class Event(TypedDict):
    """What the pipeline passes: what it began with, what came out, and the definition it ran by."""

    run: dict[str, str]
    training: Training
    definition_hash: str
    num_topics: str


def handle(event: Event, _context: object) -> dict[str, object]:
    """Record the model; return its fields and whether it was approved."""
    ledger = Ledger(clients.ssm(), os.environ["PARAMETERS"])
    artifact_uri, s3 = event["training"]["ModelArtifacts"]["S3ModelArtifacts"], clients.s3()
    description = model_archive.describe(s3, artifact_uri)
    model = fields(event, loss_definition=definition_of(description))
    told = loss_line(model, stage=os.environ["STAGE"], now_s=time.time())
    if told is not None:
        print(told)
    # Before the model can go into service: who asks for its topics then must find them.
    topics_file.publish(s3, artifact_uri, description)
    if event["run"].get(REQUEST) == "true":
        # A retraining's gate decides what becomes of it; until then it is not even a candidate.
        return {"model": model, "approved": False}
    approved = record(ledger, model, approval=cast("Approval", os.environ["APPROVAL"]))
    return {"model": dict(model), "approved": approved}


def fields(event: Event, *, loss_definition: str | None) -> dict[str, str]:
    """Return what is recorded of the model, with what its loss measures where that is known."""
    training, run = event["training"], event["run"]
    losses = [
        metric["Value"] for metric in training.get("FinalMetricDataList", []) if metric["MetricName"] == VALIDATION_LOSS
    ]
    return {
        "artifact_uri": training["ModelArtifacts"]["S3ModelArtifacts"],
        "job_name": training["TrainingJobName"],
        "corpus_hash": run["corpus_hash"],
        "vocabulary_hash": run["vocabulary_hash"],
        "validation_loss": ValidationLoss(losses[-1], loss_definition).recorded() if losses else NOT_REPORTED,
        "feature_dim": run["feature_dim"],
        "num_topics": event["num_topics"],
        "definition_hash": event["definition_hash"],
    }


def record(ledger: Ledger, model: Mapping[str, str], *, approval: Approval) -> bool:
    """Write the candidate, and approve it if it is the stage's first or the stage approves by itself.

    Twice is as good as once: Step Functions may call again when an answer was lost.
    """
    ledger.write(CANDIDATE, model)
    if approval == "automatic" or ledger.read(APPROVED) is None:
        ledger.approve(model)
        return True
    return False
