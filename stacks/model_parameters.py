"""What is known of a trained model, one SSM parameter a field, and the parameter that tells what is in service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk

from stacks.names import parameters_prefix

from deployment_functions.model_fields import APPROVED, FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping


def parameters_arn(stack: cdk.Stack, stage: str, pattern: str = "*") -> str:
    """Return the ARN of the stage's parameters that match `pattern`."""
    return stack.format_arn(
        service="ssm", resource="parameter", resource_name=f"{parameters_prefix(stage).lstrip('/')}/{pattern}"
    )


FIELDS_OF_A_MODEL: Final = (
    "A parameter a field, and the fields of one model are read and written together: the wildcard is the stage's own "
    "path, under which nothing else is."
)

_DESCRIPTIONS: Final = {
    "artifact_uri": "S3 URI of the approved model's model.tar.gz",
    "job_name": "Name of the training job that made the approved model",
    "corpus_hash": "Hash of the corpus that the approved model was trained on",
    "vocabulary_hash": "Hash of the vocabulary that the approved model counts words by",
    "validation_loss": "Validation loss that the approved model's training reported, and what it measures",
    "feature_dim": "Number of words in the approved model's vocabulary",
    "num_topics": "Number of topics of the approved model",
    "definition_hash": "Hash of the job definition that the approved model was trained by",
}


def approved_model(stack: cdk.Stack, *, stage: str) -> Mapping[str, str]:
    """Declare the approved model's fields as template parameters of `stack`, and return them by name.

    CloudFormation reads the newest value of such a parameter at every stack update, also when nothing else changes; a
    dynamic reference would not update, and a cross-stack export would block the update.
    """
    return {
        field: cdk.CfnParameter(
            stack,
            "Approved" + "".join(word.capitalize() for word in field.split("_")),
            type="AWS::SSM::Parameter::Value<String>",
            default=f"{parameters_prefix(stage)}/{APPROVED}/{field}",
            description=_DESCRIPTIONS[field],
        ).value_as_string
        for field in FIELDS
    }
