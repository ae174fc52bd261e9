"""What of a deployed stage a sweep needs to know, and the AWS clients that it is asked by."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from explore.errors import ExploreError
from operations.stage import outputs_of
from rules.aws_images import REPOSITORY
from training_scripts.ntm_environment import CORPUS_VARIABLE


class Clients:
    """The AWS clients of a sweep."""

    def __init__(self, session: Any) -> None:  # noqa: ANN401 -- a boto3 Session
        self.s3 = session.client("s3")
        self.states = session.client("stepfunctions")
        self.stacks = session.client("cloudformation")
        self.sagemaker = session.client("sagemaker")


@dataclass(frozen=True)
class Stage:
    """What of a deployed stage a sweep needs to know.

    Attributes:
        state_machine: the sweep's ARN.
        corpus: the corpus_hash of what its jobs read.
        most_jobs: the stage's budget.
        instance_seconds: that one job may take.
        hyperparameters: of the stage's training.
        is_builtin: whether the jobs run SageMaker's own image.
    """

    name: str
    state_machine: str
    corpus: str
    most_jobs: int
    instance_seconds: int
    hyperparameters: dict[str, str]
    is_builtin: bool


def find_stage(clients: Clients, name: str) -> Stage:
    """Return what a deployed stage says of its sweeps.

    Raises:
        ExploreError: it is not deployed, or without the setting.
    """
    outputs = outputs_of(clients.stacks, name, "Training")
    machine = outputs.get("SweepStateMachineArn")
    if machine is None:
        raise ExploreError(f"stage {name!r} has no state machine for sweeps: set sweep to {{}} and deploy it")
    states = json.loads(clients.states.describe_state_machine(stateMachineArn=machine)["definition"])["States"]
    each = states["TrainEach"]
    task = each["ItemProcessor"]["States"]["Train"]["Parameters"]
    return Stage(
        name,
        machine,
        corpus=task["Environment"][CORPUS_VARIABLE],
        most_jobs=int(states["WithinBudget"]["Choices"][0]["NumericGreaterThan"]),
        instance_seconds=int(task["ResourceConfig"]["InstanceCount"])
        * int(task["StoppingCondition"]["MaxRuntimeInSeconds"]),
        hyperparameters=dict(each["ItemSelector"]["stage"]),
        is_builtin=task["AlgorithmSpecification"]["TrainingImage"].rpartition("/")[2].startswith(f"{REPOSITORY}:"),
    )
