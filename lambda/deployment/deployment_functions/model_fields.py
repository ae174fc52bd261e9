"""What is recorded of a trained model. Imports nothing heavy: the stacks declare their parameters from it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELDS: Final = (
    "artifact_uri",
    "job_name",
    "corpus_hash",
    "vocabulary_hash",
    "validation_loss",
    "feature_dim",
    "num_topics",
    "definition_hash",
)
"""What a record holds, in its order: CloudFormation selects a value by its place. `validation_loss.py` has its own."""

RECORD: Final = "model"
"""The one parameter of a set that holds all fields, a StringList: CloudFormation cannot parse JSON."""
RECORDS: Final = "Records"
"""The property of the trained model's resource that says so; an earlier release, which kept no records, had it not."""

ENDPOINT: Final = "Endpoint"
ENDPOINT_CONFIG: Final = "EndpointConfig"
"""Properties of the resource that asks whether a rollout has stayed."""

IN_SERVICE: Final = {
    "model": "job_name",
    "artifact": "artifact_uri",
    "corpus": "corpus_hash",
    "vocabulary": "vocabulary_hash",
    "feature_dim": "feature_dim",
    "num_topics": "num_topics",
}
"""The members that the parameter of what is in service takes from the approved model, and the fields they are."""

CANDIDATE: Final = "candidate"
"""Written by each successful run of the pipeline."""
APPROVED: Final = "approved"
"""The only one that serving reads."""
PREVIOUS: Final = "previous"
"""What was approved before."""

NOT_REPORTED: Final = "not-reported"
"""A value cannot be empty; this stands for a loss that the job did not report."""

LOSS: Final = "ValidationLoss"
AGE: Final = "ApprovedModelAge"
"""The metrics that are told of models."""


def in_service_record(approved: Mapping[str, str], *, endpoint_config: str, algorithm: str) -> str:
    """Return the JSON of the parameter that tells what the endpoint serves."""
    told = {member: approved[field] for member, field in IN_SERVICE.items()}
    return json.dumps({**told, "endpoint_config": endpoint_config, "algorithm": algorithm})
