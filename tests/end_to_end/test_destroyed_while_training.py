"""A stack that is deleted while its first deploy trains: the job stops, nothing runs on, no record of it is left."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.account import left
from tests.end_to_end.deployment import TRAINING, Deployment, Run, trains
from tests.local_cloud.support import processes_of, until

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow, pytest.mark.flaky(reruns=0)]

HOURS = trains(epochs=100_000, num_patience_epochs=100_000)
"""More epochs than any machine does in the time that a test has."""
DEADLINE_S = 120


@dataclass
class Destroyed:
    """What the deploy said that was overtaken, and what is told of its job afterwards."""

    deploy: Run
    job: dict[str, Any]


@pytest.fixture(scope="module")
def assembly(deployment: Deployment) -> Path:
    """The templates of a stage whose training does not end by itself."""
    return deployment.synthesize(**HOURS)


def destroyed(deployment: Deployment, assembly: Path, destroy: Callable[[], None]) -> Destroyed:
    """Deploy, and destroy as soon as the job trains."""
    sagemaker = deployment.client("sagemaker")

    def training() -> list[str]:
        jobs = sagemaker.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]
        return [job["TrainingJobName"] for job in jobs if job["SecondaryStatus"] == "Training"]

    with ThreadPoolExecutor(1) as deploying:
        deploy = deploying.submit(deployment.deploy_assembly, assembly)
        [job] = until(training, DEADLINE_S)
        destroy()
        until(lambda: TRAINING not in stacks(deployment), DEADLINE_S)
        run = deploy.result()

    def ended() -> dict[str, Any] | None:
        told: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=job)
        return None if told["TrainingJobStatus"] == "Stopping" else told

    return Destroyed(run, until(ended, DEADLINE_S))


def stacks(deployment: Deployment) -> list[str]:
    return [stack["StackName"] for stack in deployment.client("cloudformation").describe_stacks()["Stacks"]]


def assert_nothing_runs_on(deployment: Deployment, outcome: Destroyed) -> None:
    assert outcome.deploy.exit_code != 0
    # What it uploads at its end may find its role or its bucket gone: a job that was stopped has failed then.
    assert outcome.job["TrainingJobStatus"] in {"Stopped", "Failed"}
    assert "Stopping" in [item["Status"] for item in outcome.job["SecondaryStatusTransitions"]]
    assert [
        line for line in processes_of(deployment.cloud.home.root).values() if "training_scripts.train" in line
    ] == []
    assert deployment.client("stepfunctions").list_state_machines()["stateMachines"] == []
    history = deployment.client("cloudformation").list_stacks()["StackSummaries"]
    assert {item["StackStatus"] for item in history if item["StackName"] == TRAINING} == {"DELETE_COMPLETE"}


def test_deleting_the_stack_stops_the_job_of_its_first_deploy(deployment: Deployment, assembly: Path) -> None:
    cloudformation = deployment.client("cloudformation")

    outcome = destroyed(deployment, assembly, lambda: cloudformation.delete_stack(StackName=TRAINING))

    assert_nothing_runs_on(deployment, outcome)


def test_cdk_destroy_stops_the_job_of_the_first_deploy_and_leaves_nothing(
    deployment: Deployment, assembly: Path
) -> None:
    runs: list[Run] = []

    outcome = destroyed(deployment, assembly, lambda: runs.append(deployment.destroy_assembly(assembly)))

    assert [run.exit_code for run in runs] == [0], runs
    assert_nothing_runs_on(deployment, outcome)
    assert left(deployment) == {}
