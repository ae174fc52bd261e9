"""Names that commands, policies and clients find things by. Models and endpoint configs have none."""

from __future__ import annotations


def stack_prefix(stage: str) -> str:
    """Return what the names of a stage's stacks begin with."""
    return f"TopicModel-{stage}"


def endpoint_name(stage: str) -> str:
    """Return the endpoint's name, for its life."""
    return f"topic-model-{stage}"


def function_name(stage: str) -> str:
    """Return the URL function's name: alarms that a rollout watches name it before it is there."""
    return f"topic-model-{stage}-topics"


def pipeline_name(stage: str) -> str:
    """Return the training state machine's name."""
    return f"topic-model-{stage}-training"


def transform_pipeline_name(stage: str) -> str:
    """Return the batch transform state machine's name."""
    return f"topic-model-{stage}-transform"


def sweep_pipeline_name(stage: str) -> str:
    """Return the name of the state machine that trains the jobs of a sweep."""
    return f"topic-model-{stage}-sweep"


def sweep_job_name_prefix(stage: str) -> str:
    """Return what the names of a sweep's training jobs begin with."""
    return f"{job_name_prefix(stage)}sweep-"


def job_name_prefix(stage: str) -> str:
    """Return what the names of a stage's training and transform jobs begin with; roles are scoped by it."""
    return f"topic-model-{stage}-"


def parameters_prefix(stage: str) -> str:
    """Return the path of a stage's parameters, without a slash at its end."""
    return f"/topic-model/{stage}"
