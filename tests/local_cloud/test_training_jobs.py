from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.support import IMAGE, Account, allow, channel, ended, unique, until

pytestmark = pytest.mark.local_cloud


def finished(sagemaker: Any, request: dict[str, Any]) -> dict[str, Any]:
    sagemaker.create_training_job(**request)
    return ended(sagemaker, request["TrainingJobName"])


def stored_json(account: Account, bucket: str, key: str, member: str) -> Any:
    packed = account.root("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        content = tar.extractfile(member)
        assert content is not None
        return json.load(content)


def test_a_job_goes_through_the_services_statuses_and_stores_its_model(
    account: Account, sagemaker: Any, bucket: str, request_for: Any
) -> None:
    job = finished(sagemaker, request_for({"factor": "3"}))

    name = job["TrainingJobName"]
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert [step["Status"] for step in job["SecondaryStatusTransitions"]] == [
        "Starting", "Downloading", "Training", "Uploading", "Completed",
    ]  # fmt: skip
    assert all(step["StatusMessage"] for step in job["SecondaryStatusTransitions"])
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{bucket}/output/{name}/output/model.tar.gz"
    assert job["OutputDataConfig"] == {
        "KmsKeyId": "", "CompressionType": "GZIP", "S3OutputPath": f"s3://{bucket}/output",
    }  # fmt: skip
    assert stored_json(account, bucket, f"output/{name}/output/model.tar.gz", "weights.json") == {"factor": 3}
    assert [(m["MetricName"], m["Value"]) for m in job["FinalMetricDataList"]] == [("validation:total_loss", 7.25)]


def test_each_instance_gets_its_share_of_a_sharded_channel_and_all_of_a_replicated_one(
    account: Account, sagemaker: Any, bucket: str, request_for: Any
) -> None:
    job = finished(sagemaker, request_for(instances=2, Environment={"COLOUR": "blue"}))

    seen = stored_json(account, bucket, f"output/{job['TrainingJobName']}/output/output.tar.gz", "seen.json")
    assert seen["files"] == ["test/part-0", "train/part-0", "train/part-2"]
    assert seen["hosts"] == ["algo-1", "algo-2"]
    assert seen["channels"]["train"]["S3DistributionType"] == "ShardedByS3Key"
    assert seen["environment"]["TRAINING_JOB_NAME"] == job["TrainingJobName"]
    assert seen["environment"]["COLOUR"] == "blue"


def test_an_isolated_job_has_no_credentials_and_another_has_its_roles(
    account: Account, sagemaker: Any, bucket: str, request_for: Any
) -> None:
    keys = {}
    for isolated in (True, False):
        job = finished(sagemaker, request_for(EnableNetworkIsolation=isolated))
        seen = stored_json(account, bucket, f"output/{job['TrainingJobName']}/output/output.tar.gz", "seen.json")
        keys[isolated] = seen["environment"]["AWS_ACCESS_KEY_ID"]

    assert keys[True] is None
    assert keys[False].startswith("ASIA")


def test_output_of_every_instance_is_in_the_log_group_of_training_jobs(
    account: Account, sagemaker: Any, request_for: Any
) -> None:
    name = finished(sagemaker, request_for(instances=2))["TrainingJobName"]

    logs = account.root("logs")
    streams = logs.describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{name}/algo-")
    names = [stream["logStreamName"] for stream in streams["logStreams"]]
    assert len(names) == 2
    messages = [
        event["message"]
        for stream in names
        for event in logs.get_log_events(logGroupName="/aws/sagemaker/TrainingJobs", logStreamName=stream)["events"]
    ]
    assert sorted(messages) == ["trained on algo-1", "trained on algo-2"]


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (
            {"task": "fail", "reason": "ClientError: column 3 is no count"},
            "ClientError: column 3 is no count, exit code: 1",
        ),
        ({"task": "fail", "reason": "division by zero"}, "AlgorithmError: division by zero, exit code: 1"),
        (
            {"task": "die", "host": "algo-2"},
            "AlgorithmError: The container was ended by SIGKILL: the system does so when its memory runs out, "
            "exit code: 137",
        ),
    ],
)
def test_a_failed_instance_fails_the_job_and_its_peers_with_the_reason(
    sagemaker: Any, request_for: Any, task: dict[str, str], reason: str
) -> None:
    job = finished(sagemaker, request_for({"host": "algo-1", **task}, instances=2))

    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", reason)
    assert "ModelArtifacts" not in job


def test_a_job_that_uses_up_its_instances_memory_fails_as_on_aws(sagemaker: Any, request_for: Any) -> None:
    job = finished(sagemaker, request_for({"task": "gorge"}))

    assert job["FailureReason"].startswith("ClientError: Please use an instance type with more memory")


def test_a_stopped_job_keeps_the_model_it_had(sagemaker: Any, request_for: Any) -> None:
    request = request_for({"task": "wait"})
    sagemaker.create_training_job(**request)
    name = request["TrainingJobName"]
    until(lambda: sagemaker.describe_training_job(TrainingJobName=name)["SecondaryStatus"] == "Training")
    assert "ModelArtifacts" not in sagemaker.describe_training_job(TrainingJobName=name)
    sagemaker.stop_training_job(TrainingJobName=name)
    job = ended(sagemaker, name)

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith("model.tar.gz")
    with pytest.raises(ClientError, match="is in status Stopped"):
        sagemaker.stop_training_job(TrainingJobName=name)


def test_a_job_over_its_time_is_stopped(sagemaker: Any, request_for: Any) -> None:
    job = finished(sagemaker, request_for({"task": "wait"}, StoppingCondition={"MaxRuntimeInSeconds": 1}))

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_pipe_mode_feeds_the_channel_anew_each_epoch(
    account: Account, sagemaker: Any, bucket: str, request_for: Any
) -> None:
    request = request_for({"task": "pipe"})
    request["InputDataConfig"] = [{**channel(bucket, "train", "FullyReplicated"), "InputMode": "Pipe"}]
    job = finished(sagemaker, request)

    seen = stored_json(account, bucket, f"output/{job['TrainingJobName']}/output/output.tar.gz", "seen.json")
    assert seen["piped"] == ["shard 0\nshard 1\nshard 2\nshard 3\n"] * 2


def test_a_role_without_get_object_fails_the_job_at_the_download(
    account: Account, sagemaker: Any, bucket: str, request_for: Any
) -> None:
    role = account.role(allow("s3:ListBucket", resource=f"arn:aws:s3:::{bucket}"))
    job = finished(sagemaker, request_for(RoleArn=role))

    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed:AccessDenied (403)")


def test_a_role_that_may_not_store_the_model_fails_the_job(
    account: Account, sagemaker: Any, bucket: str, request_for: Any
) -> None:
    role = account.role(
        allow("s3:ListBucket", resource=f"arn:aws:s3:::{bucket}"),
        allow("s3:GetObject", resource=f"arn:aws:s3:::{bucket}/*"),
    )
    job = finished(sagemaker, request_for(RoleArn=role))

    assert job["FailureReason"].startswith("ClientError: Artifact upload failed:AccessDenied (403)")


def test_a_role_that_does_not_trust_sagemaker_is_refused(account: Account, sagemaker: Any, request_for: Any) -> None:
    role = account.role(allow("s3:*"), service="lambda.amazonaws.com")

    with pytest.raises(ClientError, match="Could not assume role"):
        sagemaker.create_training_job(**request_for(RoleArn=role))


def test_a_trust_policy_may_name_the_account_it_is_assumed_for(
    account: Account, sagemaker: Any, request_for: Any
) -> None:
    def condition(source: str) -> dict[str, Any]:
        return {"StringEquals": {"aws:SourceAccount": source}}

    finished(sagemaker, request_for(RoleArn=account.role(allow("s3:*"), Condition=condition("000000000000"))))
    with pytest.raises(ClientError, match="Could not assume role"):
        sagemaker.create_training_job(
            **request_for(RoleArn=account.role(allow("s3:*"), Condition=condition("111111111111")))
        )


def test_a_prefix_without_objects_is_refused(sagemaker: Any, bucket: str, request_for: Any) -> None:
    request = request_for(InputDataConfig=[channel(bucket, "nothing", "FullyReplicated")])

    with pytest.raises(ClientError, match="No S3 objects found under S3 URL"):
        sagemaker.create_training_job(**request)


def test_a_name_is_taken_for_good(sagemaker: Any, request_for: Any) -> None:
    request = request_for()
    finished(sagemaker, request)

    with pytest.raises(ClientError) as refusal:
        sagemaker.create_training_job(**request)
    assert refusal.value.response["Error"]["Code"] == "ResourceInUse"


def test_more_instances_than_the_account_has_are_refused(sagemaker: Any, request_for: Any) -> None:
    with pytest.raises(ClientError) as refusal:
        sagemaker.create_training_job(**request_for(instances=5))

    assert refusal.value.response["Error"]["Code"] == "ResourceLimitExceeded"
    assert "ml.c5.xlarge for training job usage' is 4 Instances" in refusal.value.response["Error"]["Message"]


def test_an_image_that_is_not_there_is_refused(sagemaker: Any, request_for: Any) -> None:
    image = IMAGE.replace("stand-in", "xgboost")

    with pytest.raises(ClientError, match="Cannot find repository: xgboost"):
        sagemaker.create_training_job(
            **request_for(AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"})
        )


def test_hyperparameters_of_ntm_are_checked_by_their_documented_ranges(sagemaker: Any, request_for: Any) -> None:
    image = {"TrainingImage": IMAGE.replace("stand-in", "ntm"), "TrainingInputMode": "File"}
    job = finished(sagemaker, request_for({"feature_dim": "10", "num_topics": "1"}, AlgorithmSpecification=image))

    assert job["FailureReason"].startswith("ClientError: hyperparameter 'num_topics' is '1'")


def test_jobs_are_listed_in_pages_by_name_and_status(sagemaker: Any, request_for: Any) -> None:
    mark = unique("listed")
    names = [f"{mark}-{number}" for number in range(3)]
    for name in names:
        finished(sagemaker, request_for(TrainingJobName=name))
    pages = sagemaker.get_paginator("list_training_jobs").paginate(
        NameContains=mark, SortBy="Name", SortOrder="Ascending", MaxResults=2
    )

    assert [[job["TrainingJobName"] for job in page["TrainingJobSummaries"]] for page in pages] == [
        names[:2],
        names[2:],
    ]
    assert {
        status: len(sagemaker.list_training_jobs(NameContains=mark, StatusEquals=status)["TrainingJobSummaries"])
        for status in ("Completed", "Failed")
    } == {"Completed": 3, "Failed": 0}


def test_a_page_is_cut_before_its_jobs_are_chosen_by_their_status(sagemaker: Any, request_for: Any) -> None:
    mark = unique("cut")
    for name, task in ((f"{mark}-0", {}), (f"{mark}-1", {"task": "fail", "reason": "x"})):
        finished(sagemaker, request_for(task, TrainingJobName=name))
    # As the operation's page tells: the newest one is looked at, and it has failed.
    page = sagemaker.list_training_jobs(NameContains=mark, StatusEquals="Completed", MaxResults=1)

    assert page["TrainingJobSummaries"] == []
    assert "NextToken" in page


def test_jobs_are_searched_by_their_tags_and_metrics(sagemaker: Any, request_for: Any) -> None:
    mark = unique("searched")
    for name in ("one", "two"):
        finished(sagemaker, request_for(TrainingJobName=f"{mark}-{name}", Tags=[{"Key": mark, "Value": name}]))
    filters = [
        {"Name": f"Tags.{mark}", "Operator": "Exists"},
        {"Name": "Metrics.validation:total_loss", "Operator": "LessThan", "Value": "8"},
    ]
    pages = sagemaker.get_paginator("search").paginate(
        Resource="TrainingJob", SearchExpression={"Filters": filters}, SortBy="TrainingJobName", SortOrder="Ascending",
        PaginationConfig={"PageSize": 1},
    )  # fmt: skip

    told = [item["TrainingJob"] for page in pages for item in page["Results"]]
    assert [job["TrainingJobName"] for job in told] == [f"{mark}-one", f"{mark}-two"]
    assert told[0]["Tags"] == [{"Key": mark, "Value": "one"}]


def test_tags_are_kept_changed_and_listed(sagemaker: Any, request_for: Any) -> None:
    request = request_for(Tags=[{"Key": "team", "Value": "topics"}])
    arn = sagemaker.create_training_job(**request)["TrainingJobArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "dev"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])

    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "dev"}]
    ended(sagemaker, request["TrainingJobName"])
