"""What of a deployed stage a sweep needs to know."""

from __future__ import annotations

from dataclasses import dataclass

from operations.errors import OperationError
from operations.stage import DeployedStage
from rules.aws_images import REPOSITORY
from training_scripts.ntm_environment import CORPUS_VARIABLE


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


def find_stage(deployed: DeployedStage) -> Stage:
    """Return what a deployed stage says of its sweeps.

    Raises:
        OperationError: it is not deployed, or without the setting.
    """
    name = deployed.name
    machine = deployed.outputs("Training").get("SweepStateMachineArn")
    if machine is None:
        raise OperationError(f"stage {name!r} has no state machine for sweeps: set sweep to {{}} and deploy it")
    states = deployed.states(machine)
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
