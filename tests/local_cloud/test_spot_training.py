"""Training on Spot instances: interruptions, what is left after them, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import LocalCloud, LocalCloudError
from tests.local_cloud.support import IMAGE, Account, ended, unique, until
from tests.local_cloud.test_training_jobs import stored_json

pytestmark = pytest.mark.local_cloud

GROUP = "/aws/sagemaker/TrainingJobs"
NTM = {"TrainingImage": IMAGE.replace("stand-in", "ntm"), "TrainingInputMode": "File"}


@pytest.fixture
def spot(request_for: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return the request of a job on Spot instances."""

    def made(task: dict[str, str], *, wait_s: int = 60, **changes: Any) -> dict[str, Any]:
        condition = {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": wait_s}
        return request_for(task, EnableManagedSpotTraining=True, StoppingCondition=condition, **changes)

    return made


def begin(sagemaker: Any, request: dict[str, Any]) -> str:
    """Start a job and wait until it trains."""
    sagemaker.create_training_job(**request)
    name = str(request["TrainingJobName"])
    trains(sagemaker, name)
    return name


def trains(sagemaker: Any, name: str, times: int = 1) -> None:
    def has_begun() -> bool:
        steps = sagemaker.describe_training_job(TrainingJobName=name)["SecondaryStatusTransitions"]
        return [step["Status"] for step in steps].count("Training") == times

    until(has_begun)


def wrote(account: Account, name: str, times: int) -> None:
    """Wait until the job's container has said so often that it runs."""
    logs = account.root("logs")

    def lines() -> int:
        try:
            streams = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{name}/")["logStreams"]
        except logs.exceptions.ResourceNotFoundException:
            return 0
        told = [
            event["message"]
            for stream in streams
            for event in logs.get_log_events(logGroupName=GROUP, logStreamName=stream["logStreamName"])["events"]
        ]
        return sum("life" in message for message in told)

    until(lambda: lines() >= times)


def test_an_interrupted_job_goes_on_from_its_checkpoints(
    cloud: LocalCloud, account: Account, sagemaker: Any, bucket: str, spot: Callable[..., dict[str, Any]]
) -> None:
    place = f"s3://{bucket}/{unique('checkpoints')}"
    name = begin(sagemaker, spot({"task": "lives", "lives": "2"}, CheckpointConfig={"S3Uri": place}))
    wrote(account, name, 1)
    cloud.interrupt(name)
    job = ended(sagemaker, name)

    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert [step["Status"] for step in job["SecondaryStatusTransitions"]] == [
        "Starting", "Downloading", "Training", "Interrupted", "Starting", "Downloading", "Training", "Uploading",
        "Completed",
    ]  # fmt: skip
    assert stored_json(account, bucket, f"output/{name}/output/output.tar.gz", "seen.json")["lives"] == 2
    assert job["BillableTimeInSeconds"] <= job["TrainingTimeInSeconds"]


def test_without_checkpoints_an_interrupted_job_begins_anew(
    cloud: LocalCloud, account: Account, sagemaker: Any, bucket: str, spot: Callable[..., dict[str, Any]]
) -> None:
    name = begin(sagemaker, spot({"task": "lives", "lives": "2"}))
    wrote(account, name, 1)
    cloud.interrupt(name)
    trains(sagemaker, name, times=2)
    wrote(account, name, 2)
    sagemaker.stop_training_job(TrainingJobName=name)
    job = ended(sagemaker, name)

    # Its second life is a first one again, so that it waits and has to be stopped.
    assert job["TrainingJobStatus"] == "Stopped"
    assert stored_json(account, bucket, f"output/{name}/output/output.tar.gz", "seen.json")["lives"] == 1


def test_an_interruption_ends_a_container_that_ignores_the_notice(
    cloud: LocalCloud, account: Account, sagemaker: Any, bucket: str, spot: Callable[..., dict[str, Any]]
) -> None:
    name = begin(sagemaker, spot({"task": "lives", "lives": "9", "deaf": "true"}))
    wrote(account, name, 1)
    cloud.interrupt(name)
    trains(sagemaker, name, times=2)

    sagemaker.stop_training_job(TrainingJobName=name)
    assert ended(sagemaker, name)["TrainingJobStatus"] == "Stopped"


def test_a_job_that_waits_too_long_for_capacity_is_stopped(
    cloud: LocalCloud, account: Account, sagemaker: Any, bucket: str, spot: Callable[..., dict[str, Any]]
) -> None:
    request = spot({"task": "wait"})
    request["StoppingCondition"] = {"MaxRuntimeInSeconds": 8, "MaxWaitTimeInSeconds": 8}
    name = begin(sagemaker, request)
    cloud.interrupt(name, without_capacity_s=600)
    job = ended(sagemaker, name)

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")
    assert "ModelArtifacts" not in job


def test_a_job_is_stopped_while_it_waits_for_capacity(
    cloud: LocalCloud, sagemaker: Any, spot: Callable[..., dict[str, Any]]
) -> None:
    name = begin(sagemaker, spot({"task": "wait"}))
    cloud.interrupt(name, without_capacity_s=600)
    until(lambda: sagemaker.describe_training_job(TrainingJobName=name)["SecondaryStatus"] == "Interrupted")
    sagemaker.stop_training_job(TrainingJobName=name)

    assert ended(sagemaker, name)["SecondaryStatus"] == "Stopped"


def test_a_job_that_is_not_on_spot_instances_is_not_interrupted(
    cloud: LocalCloud, sagemaker: Any, request_for: Callable[..., dict[str, Any]]
) -> None:
    name = begin(sagemaker, request_for({"task": "wait"}))
    with pytest.raises(LocalCloudError, match="is not on Spot instances"):
        cloud.interrupt(name)

    sagemaker.stop_training_job(TrainingJobName=name)
    job = ended(sagemaker, name)
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"]
    with pytest.raises(LocalCloudError, match="no training job 'none'"):
        cloud.interrupt("none")


@pytest.mark.parametrize(
    ("is_spot", "condition", "message"),
    [
        (False, {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}, "It is only supported when EnableManagedSpot"),
        (True, {"MaxRuntimeInSeconds": 60}, "It must be present and be greater than or equal to MaxRuntimeInSeconds"),
        (True, {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 59}, "must be present and be greater than or equal"),
        (True, {"MaxRuntimeInSeconds": 3601, "MaxWaitTimeInSeconds": 3601}, "MaxWaitTimeInSeconds above 3600 is not"),
    ],
)
def test_a_time_to_wait_that_aws_refuses_is_refused(
    sagemaker: Any, request_for: Callable[..., dict[str, Any]], is_spot: bool, condition: dict[str, int], message: str
) -> None:
    request = request_for(AlgorithmSpecification=NTM, EnableManagedSpotTraining=is_spot, StoppingCondition=condition)

    with pytest.raises(ClientError, match=message) as refusal:
        sagemaker.create_training_job(**request)
    assert refusal.value.response["Error"]["Code"] == "ValidationException"
