"""Names that commands, policies and clients find things by. Models and endpoint configs have none."""

from __future__ import annotations

from typing import Final

from rules.log_groups import MACHINE_LOGS

VALID_TEMPLATES: Final = "build/synth/valid-templates.json"
"""Where a synth remembers what was said of templates by CDK's validator and the packs, from the project's root."""

STAGE_TAG: Final = "topic-model:stage"
"""Every resource that takes tags has this one, with its stage as value."""


def stack_prefix(stage: str) -> str:
    """Return what the names of a stage's stacks begin with."""
    return f"TopicModel-{stage}"


def serving_stack_name(stage: str) -> str:
    """Return the name of the stack that a promotion updates."""
    return f"{stack_prefix(stage)}-Serving"


def serving_role_name(stage: str, region: str) -> str:
    """Return the name of the role that CloudFormation deploys the serving stack with, where it has one of its own.

    Roles are an account's, stacks a region's.
    """
    return f"topic-model-{stage}-serving-{region}"


def serving_boundary_name(stage: str, region: str) -> str:
    """Return the name of the permissions boundary of every role in that stack."""
    return f"topic-model-{stage}-serving-boundary-{region}"


def endpoint_name(stage: str) -> str:
    """Return the endpoint's name, for its life."""
    return f"topic-model-{stage}"


def function_name(stage: str) -> str:
    """Return the URL function's name: alarms that a rollout watches name it before it is there."""
    return f"topic-model-{stage}-topics"


def similar_function_name(stage: str) -> str:
    """Return the name of the function that finds similar documents."""
    return f"topic-model-{stage}-similar"


def pipeline_name(stage: str) -> str:
    """Return the training state machine's name."""
    return f"topic-model-{stage}-training"


def retraining_name(stage: str) -> str:
    """Return the name of the state machine that retrains and promotes."""
    return f"topic-model-{stage}-retraining"


def registry_name(stage: str) -> str:
    """Return the name of the model package group."""
    return f"topic-model-{stage}"


def transform_pipeline_name(stage: str) -> str:
    """Return the batch transform state machine's name."""
    return f"topic-model-{stage}-transform"


def sweep_pipeline_name(stage: str) -> str:
    """Return the name of the state machine that trains the jobs of a sweep."""
    return f"topic-model-{stage}-sweep"


def machine_logs_prefix(machine: str) -> str:
    """Return what the names of a state machine's log groups begin with, before the part of the stack's id."""
    return f"{MACHINE_LOGS}{machine}-"


def sweep_job_name_prefix(stage: str) -> str:
    """Return what the names of a sweep's training jobs begin with."""
    return f"{job_name_prefix(stage)}sweep-"


def preparation_name(stage: str) -> str:
    """Return the name of the state machine that prepares corpora on Spark."""
    return f"topic-model-{stage}-preparation"


def job_name_prefix(stage: str) -> str:
    """Return what the names of a stage's training, transform and processing jobs begin with; roles are scoped by it."""
    return f"topic-model-{stage}-"


def parameters_prefix(stage: str) -> str:
    """Return the path of a stage's parameters, without a slash at its end."""
    return f"/topic-model/{stage}"


def data_parameters_prefix(stage: str) -> str:
    """Return the path of what the data stack tells the others, without a slash at its end; no function may write it."""
    return f"/topic-model-data/{stage}"


def newest_corpus_parameter(stage: str) -> str:
    """Return the name of the parameter that holds the newest prepared corpus's hash, where the stage retrains."""
    return f"{parameters_prefix(stage)}/newest-corpus"


def in_service_parameter(stage: str) -> str:
    """Return the name of the parameter that tells what the endpoint serves."""
    return f"{parameters_prefix(stage)}/in-service"
