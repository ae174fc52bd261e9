from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

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


def test_stopping_the_execution_stops_the_job(run: Any, request_for: Any, account: Account, sagemaker: Any) -> None:
    request = request_for({"task": "wait"})
    name = request["TrainingJobName"]
    execution = run({"Resource": SYNC, "Parameters": request}, wait=False)
    until(lambda: [job for job in sagemaker.list_training_jobs(NameContains=name)["TrainingJobSummaries"]
                   if job["TrainingJobStatus"] == "InProgress"])  # fmt: skip
    account.root("stepfunctions").stop_execution(executionArn=execution["executionArn"])

    assert ended(sagemaker, name)["TrainingJobStatus"] == "Stopped"


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


def test_sdk_integrations_reach_sagemaker(run: Any) -> None:
    describe = "arn:aws:states:::aws-sdk:sagemaker:describeTrainingJob"
    execution = run({"Resource": describe, "Parameters": {"TrainingJobName": "none"}})

    assert execution["error"] == "SageMaker.SageMakerException"
