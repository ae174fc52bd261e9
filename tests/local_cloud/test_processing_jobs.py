from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.local_cloud.support import Account, allow, unique, until

pytestmark = pytest.mark.local_cloud

IMAGE = "173754725891.dkr.ecr.us-east-1.amazonaws.com/stand-in:3.5"
FINAL = {"Completed", "Failed", "Stopped"}


def request(bucket: str, role: str, *told: str, **changes: Any) -> dict[str, Any]:
    return {
        "ProcessingJobName": unique("processing"),
        "RoleArn": role,
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["run"],
            "ContainerArguments": ["/opt/ml/processing/input", "/opt/ml/processing/output", *told],
        },
        "ProcessingInputs": [
            {
                "InputName": "documents",
                "S3Input": {
                    "S3Uri": f"s3://{bucket}/corpus/train/",
                    "LocalPath": "/opt/ml/processing/input",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            }
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "corpus",
                    "S3Output": {
                        "S3Uri": f"s3://{bucket}/output/processed",
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 2, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 10}
        },
        "Environment": {"MARK": "!"},
        **changes,
    }


def ended(sagemaker: Any, name: str) -> dict[str, Any]:
    def finished() -> Any:
        told = sagemaker.describe_processing_job(ProcessingJobName=name)
        return told if told["ProcessingJobStatus"] in FINAL else None

    found: dict[str, Any] = until(finished, timeout_s=60)
    return found


def test_input_is_brought_and_output_is_stored(sagemaker: Any, account: Account, bucket: str, job_role: str) -> None:
    asked = request(bucket, job_role)

    arn = sagemaker.create_processing_job(**asked)["ProcessingJobArn"]
    told = ended(sagemaker, asked["ProcessingJobName"])

    assert arn.endswith(f":processing-job/{asked['ProcessingJobName']}")
    assert told["ProcessingJobStatus"] == "Completed", told
    assert told["ProcessingEndTime"] >= told["ProcessingStartTime"] >= told["CreationTime"]
    stored = account.root("s3").get_object(Bucket=bucket, Key="output/processed/part-0")["Body"].read()
    assert stored == b"SHARD 0\n!"


@pytest.mark.parametrize(("told", "status"), [((), "Completed"), (("wait",), "Stopped")])
def test_the_clients_waiter_waits_for_the_end_of_a_job(
    sagemaker: Any, bucket: str, job_role: str, told: tuple[str, ...], status: str
) -> None:
    asked = request(bucket, job_role, *told)
    name = asked["ProcessingJobName"]
    sagemaker.create_processing_job(**asked)
    if status == "Stopped":
        until(lambda: "ProcessingStartTime" in sagemaker.describe_processing_job(ProcessingJobName=name))
        sagemaker.stop_processing_job(ProcessingJobName=name)

    waiter = sagemaker.get_waiter("processing_job_completed_or_stopped")
    waiter.wait(ProcessingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    assert sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"] == status


def test_the_clients_waiter_says_that_a_job_failed_or_is_not_there(sagemaker: Any, bucket: str, job_role: str) -> None:
    asked = request(bucket, job_role, "fail")
    sagemaker.create_processing_job(**asked)
    waiter = sagemaker.get_waiter("processing_job_completed_or_stopped")

    with pytest.raises(WaiterError, match="terminal failure state"):
        waiter.wait(ProcessingJobName=asked["ProcessingJobName"], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    with pytest.raises(WaiterError, match="Requested resource not found"):
        waiter.wait(ProcessingJobName=unique("none"), WaiterConfig={"Delay": 1, "MaxAttempts": 2})


def test_a_program_that_fails_gives_the_job_its_reason(sagemaker: Any, bucket: str, job_role: str) -> None:
    asked = request(bucket, job_role, "fail")
    sagemaker.create_processing_job(**asked)

    told = ended(sagemaker, asked["ProcessingJobName"])

    assert told["ProcessingJobStatus"] == "Failed"
    assert told["FailureReason"] == "AlgorithmError: the program's own reason, exit code: 3"


def test_a_job_can_be_stopped_and_is_listed(sagemaker: Any, bucket: str, job_role: str) -> None:
    asked = request(bucket, job_role, "wait")
    sagemaker.create_processing_job(**asked)

    sagemaker.stop_processing_job(ProcessingJobName=asked["ProcessingJobName"])

    assert ended(sagemaker, asked["ProcessingJobName"])["ProcessingJobStatus"] == "Stopped"
    listed = sagemaker.list_processing_jobs(StatusEquals="Stopped")["ProcessingJobSummaries"]
    assert asked["ProcessingJobName"] in {job["ProcessingJobName"] for job in listed}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"AppSpecification": {"ImageUri": IMAGE.replace("stand-in", "other"), "ContainerEntrypoint": ["run"]}},
            "is not emulated for processing",
        ),
        ({"AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["sh"]}}, "must begin with run"),
    ],
)
def test_what_is_not_emulated_is_refused_by_name(
    sagemaker: Any, bucket: str, job_role: str, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ClientError, match=sentence):
        sagemaker.create_processing_job(**request(bucket, job_role, **changes))


def test_a_job_that_there_is_not_is_not_found(sagemaker: Any) -> None:
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        sagemaker.describe_processing_job(ProcessingJobName="none")


def test_a_state_machine_waits_for_it(account: Account, bucket: str, job_role: str) -> None:
    machine = account.role(allow("sagemaker:*", "iam:PassRole", "events:*"), service="states.amazonaws.com")
    asked = request(bucket, job_role)
    definition = {
        "StartAt": "Prepare",
        "States": {
            "Prepare": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync",
                "Parameters": asked,
                "End": True,
            }
        },
    }
    steps = account.root("stepfunctions")
    arn = steps.create_state_machine(name=unique("machine"), definition=json.dumps(definition), roleArn=machine)[
        "stateMachineArn"
    ]
    run = steps.start_execution(stateMachineArn=arn)["executionArn"]

    told = until(
        lambda: (found := steps.describe_execution(executionArn=run))["status"] != "RUNNING" and found, timeout_s=60
    )

    assert told["status"] == "SUCCEEDED", told
    assert json.loads(told["output"])["ProcessingJobStatus"] == "Completed"
