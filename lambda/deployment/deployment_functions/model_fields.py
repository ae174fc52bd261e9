"""What is recorded of a trained model. Imports nothing: the stacks declare their parameters from it."""

from __future__ import annotations

from typing import Final

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
"""One plain String parameter each: CloudFormation cannot parse JSON. `validation_loss.py` reads and writes its own."""

CANDIDATE: Final = "candidate"
"""Written by each successful run of the pipeline."""
APPROVED: Final = "approved"
"""The only one that serving reads."""
PREVIOUS: Final = "previous"
"""What was approved before."""

NOT_REPORTED: Final = "not-reported"
"""A parameter cannot be empty; this stands for a loss that the job did not report."""

LOSS: Final = "ValidationLoss"
AGE: Final = "ApprovedModelAge"
"""The metrics that are told of models."""
