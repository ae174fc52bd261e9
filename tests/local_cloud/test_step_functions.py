from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from local_cloud.patches.step_functions import POLL_S
from stacks.settings.stage import StageSettings
from stacks.training.sweep.sweep_job import definition
from tests.local_cloud.support import Account, allow, ended, unique, until

pytestmark = pytest.mark.local_cloud


@pytest.fixture(scope="module")
def pipeline_role(account: Account, job_role: str) -> str:
    return account.role(
        allow("sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"),
        allow("iam:PassRole", resource=job_role),
        service="states.amazonaws.com",
    )


@pytest.fixture(scope="module")
def run(account: Account, pipeline_role: str) -> Callable[..., dict[str, Any]]:
    """Start an execution of one task state; return its description, once it has ended unless told otherwise."""
    states = account.root("stepfunctions")

    def started(task: dict[str, Any], *, role: str = pipeline_role, wait: bool = True, **more: Any) -> dict[str, Any]:
        definition = {"StartAt": "Task", "States": {"Task": {"Type": "Task", "End": True, **task}, **more}}
        machine = states.create_state_machine(name=unique("machine"), definition=json.dumps(definition), roleArn=role)
        arn = states.start_execution(stateMachineArn=machine["stateMachineArn"], name=unique("run"))["executionArn"]

        def described() -> dict[str, Any] | None:
            told = states.describe_execution(executionArn=arn)
            return told if told["status"] != "RUNNING" or not wait else None

        told: dict[str, Any] = until(described)
        return told

    return started


SYNC = "arn:aws:states:::sagemaker:createTrainingJob.sync"


@pytest.mark.parametrize("allowed", [True, False])
def test_a_rule_starts_a_state_machine_by_the_role_of_its_target(account: Account, allowed: bool) -> None:
    states, events, name = account.root("stepfunctions"), account.root("events"), unique("rule")
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    machines = [
        states.create_state_machine(
            name=f"{name}-{number}", definition=definition, roleArn=account.role(service="states.amazonaws.com")
        )["stateMachineArn"]
        for number in range(2)
    ]
    every = account.role(allow("states:StartExecution"), service="events.amazonaws.com")
    this = account.role(*([allow("states:StartExecution")] if allowed else []), service="events.amazonaws.com")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    targets = [
        {"Id": str(at), "Arn": arn, "RoleArn": role}
        for at, (arn, role) in enumerate(zip(machines, (this, every), strict=True))
    ]
    events.put_targets(Rule=name, Targets=targets)

    events.put_events(Entries=[{"Source": name, "DetailType": "told", "Detail": "{}"}])

    # The second target is invoked after the first.
    until(lambda: states.list_executions(stateMachineArn=machines[1])["executions"])
    assert bool(states.list_executions(stateMachineArn=machines[0])["executions"]) is allowed


def test_sync_waits_for_the_job_and_gives_its_description(run: Any, request_for: Any) -> None:
    request = request_for()
    execution = run({"Resource": SYNC, "Parameters": request})

    assert execution["status"] == "SUCCEEDED", execution
    output = json.loads(execution["output"])
    assert output["TrainingJobStatus"] == "Completed"
    assert output["ModelArtifacts"]["S3ModelArtifacts"].endswith("/output/model.tar.gz")
    assert output["FinalMetricDataList"][0]["MetricName"] == "validation:total_loss"
    assert isinstance(output["CreationTime"], int)
    assert output["CreationTime"] > 1e12


def test_a_failed_job_fails_the_task_with_its_description_as_cause(run: Any, request_for: Any) -> None:
    execution = run({"Resource": SYNC, "Parameters": request_for({"task": "fail", "reason": "ClientError: no"})})

    assert (execution["status"], execution["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(execution["cause"])["FailureReason"] == "ClientError: no, exit code: 1"


def test_a_refused_request_fails_with_the_sdks_exception(run: Any, request_for: Any, sagemaker: Any) -> None:
    taken = request_for()
    sagemaker.create_training_job(**taken)
    ended(sagemaker, taken["TrainingJobName"])

    in_use = run({"Resource": SYNC, "Parameters": taken})
    invalid = run({"Resource": SYNC, "Parameters": request_for(TrainingJobName="no spaces please")})

    assert in_use["error"] == "SageMaker.ResourceInUseException"
    assert invalid["error"] == "SageMaker.AmazonSageMakerException"
    assert "Error Code: ValidationException" in invalid["cause"]


def test_stopping_the_execution_stops_the_job_and_it_stays_aborted(
    run: Any, request_for: Any, account: Account, sagemaker: Any
) -> None:
    request = request_for({"task": "wait"})
    name = request["TrainingJobName"]
    execution = run({"Resource": SYNC, "Parameters": request}, wait=False)
    until(lambda: [job for job in sagemaker.list_training_jobs(NameContains=name)["TrainingJobSummaries"]
                   if job["TrainingJobStatus"] == "InProgress"])  # fmt: skip
    states = account.root("stepfunctions")
    states.stop_execution(executionArn=execution["executionArn"])

    assert ended(sagemaker, name)["TrainingJobStatus"] == "Stopped"
    # The state that waited for the job notices within POLL_S.
    time.sleep(10 * POLL_S)
    assert states.describe_execution(executionArn=execution["executionArn"])["status"] == "ABORTED"
    history = states.get_execution_history(executionArn=execution["executionArn"])["events"]
    assert [event["type"] for event in history if event["type"].startswith("Execution")] == [
        "ExecutionStarted",
        "ExecutionAborted",
    ]


def test_a_task_over_its_timeout_stops_the_job(run: Any, request_for: Any, sagemaker: Any) -> None:
    request = request_for({"task": "wait"})
    execution = run({"Resource": SYNC, "Parameters": request, "TimeoutSeconds": 1})

    assert execution["error"] == "States.Timeout"
    assert ended(sagemaker, request["TrainingJobName"])["TrainingJobStatus"] == "Stopped"


def test_without_sync_the_task_goes_on_at_once(run: Any, request_for: Any, sagemaker: Any) -> None:
    request = request_for()
    execution = run({"Resource": SYNC.removesuffix(".sync"), "Parameters": request})

    assert json.loads(execution["output"])["TrainingJobArn"].endswith(request["TrainingJobName"])
    ended(sagemaker, request["TrainingJobName"])


def test_the_state_machines_role_must_allow_the_job_and_passing_its_role(
    run: Any, request_for: Any, account: Account
) -> None:
    role = account.role(allow("sagemaker:CreateTrainingJob"), service="states.amazonaws.com")
    execution = run({"Resource": SYNC, "Parameters": request_for()}, role=role)

    assert execution["error"] == "SageMaker.AmazonSageMakerException"
    assert "is not authorized to perform: iam:PassRole" in execution["cause"]


@pytest.fixture(scope="module")
def sweep(account: Account, pipeline_role: str, request_for: Any) -> Callable[..., tuple[str, str]]:
    """Start an execution of the sweep's definition over stand-in jobs; return its ARN and its name."""
    states = account.root("stepfunctions")
    settings = StageSettings.model_validate(
        {"sweep": {"max_jobs": 6, "max_concurrency": 2}, "training": {"instance_count": 1}}
    )
    made = definition(settings, stage="dev")
    train = made["States"]["TrainEach"]["ItemProcessor"]["States"]["Train"]  # type: ignore[index]
    stand_in = {key: value for key, value in request_for().items() if key not in {"TrainingJobName", "HyperParameters"}}
    kept = {key: train["Parameters"][key] for key in ("TrainingJobName.$", "Tags")}
    # The stand-in container refuses what it does not know, so the stage's own hyperparameters are left out.
    train["Parameters"] = {**stand_in, **kept, "HyperParameters.$": "$.job.hyperparameters"}
    machine = states.create_state_machine(
        name=unique("sweep"), definition=json.dumps(made).replace("${Partition}", "aws"), roleArn=pipeline_role
    )["stateMachineArn"]

    def started(*tasks: dict[str, str]) -> tuple[str, str]:
        name = unique("run")
        jobs = [{"hyperparameters": task, "repeat": "0"} for task in tasks]
        given = json.dumps({"jobs": jobs})
        return states.start_execution(stateMachineArn=machine, name=name, input=given)["executionArn"], name

    return started


def result(account: Account, arn: str) -> dict[str, Any]:
    """An execution's description, once it has ended."""

    def described() -> dict[str, Any] | None:
        told = account.root("stepfunctions").describe_execution(executionArn=arn)
        return told if told["status"] != "RUNNING" else None

    told: dict[str, Any] = until(described, timeout_s=120)
    return told


def test_a_sweep_trains_every_job_and_one_that_fails_fails_alone(sweep: Any, account: Account, sagemaker: Any) -> None:
    arn, name = sweep({"task": "train"}, {"task": "fail", "reason": "ClientError: no"}, {"task": "train"})
    told = result(account, arn)

    assert told["status"] == "SUCCEEDED", told
    answers = json.loads(told["output"])
    assert [(answer["job"], answer["status"]) for answer in answers] == [
        (f"topic-model-dev-sweep-{name}-0", "Completed"),
        (f"topic-model-dev-sweep-{name}-1", "Failed"),
        (f"topic-model-dev-sweep-{name}-2", "Completed"),
    ]
    assert answers[0]["artifact"].endswith(f"{name}-0/output/model.tar.gz")
    job = sagemaker.describe_training_job(TrainingJobName=answers[0]["job"])
    tags = sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]
    assert {"Key": "topic-model:sweep", "Value": name} in tags


def test_a_sweep_over_its_budget_starts_no_job(sweep: Any, account: Account, sagemaker: Any) -> None:
    arn, name = sweep(*[{"task": "train"}] * 7)
    told = result(account, arn)

    assert (told["status"], told["error"]) == ("FAILED", "SweepOverBudget")
    assert "6 jobs of 1 x 2700 instance-seconds at most" in told["cause"]
    assert sagemaker.list_training_jobs(NameContains=name)["TrainingJobSummaries"] == []


def test_a_sweep_has_as_many_jobs_at_a_time_as_its_concurrency_and_stopping_it_stops_them(
    sweep: Any, account: Account, sagemaker: Any
) -> None:
    arn, name = sweep(*[{"task": "wait"}] * 4)

    def running() -> list[str]:
        jobs = sagemaker.list_training_jobs(NameContains=name)["TrainingJobSummaries"]
        return [job["TrainingJobName"] for job in jobs if job["TrainingJobStatus"] == "InProgress"]

    until(lambda: len(running()) == 2)
    account.root("stepfunctions").stop_execution(executionArn=arn)

    def states() -> list[str]:
        jobs = sagemaker.list_training_jobs(NameContains=name)["TrainingJobSummaries"]
        return sorted(job["TrainingJobStatus"] for job in jobs)

    # Only the two that ran: those that waited are never made.
    until(lambda: states() == ["Stopped", "Stopped"], timeout_s=60)


def test_sdk_integrations_reach_sagemaker(run: Any) -> None:
    describe = "arn:aws:states:::aws-sdk:sagemaker:describeTrainingJob"
    execution = run({"Resource": describe, "Parameters": {"TrainingJobName": "none"}})

    assert execution["error"] == "SageMaker.SageMakerException"
