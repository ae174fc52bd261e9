from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.support import IMAGE, Account, allow, unique, until

pytestmark = pytest.mark.local_cloud

ROWS = {"a.csv": "1,2\n3,4\n5,6\n", "b.csv": "7,8\n", "deep/c.csv": "9,10\n11,12"}


@pytest.fixture(scope="module")
def model(sagemaker: Any, job_role: str, model_data: Callable[[int], str]) -> str:
    name = unique("transform-model")
    sagemaker.create_model(
        ModelName=name, ExecutionRoleArn=job_role, PrimaryContainer={"Image": IMAGE, "ModelDataUrl": model_data(1)}
    )
    return name


@pytest.fixture(scope="module")
def rows(account: Account, bucket: str) -> str:
    for name, content in ROWS.items():
        account.root("s3").put_object(Bucket=bucket, Key=f"rows/{name}", Body=content.encode())
    return f"s3://{bucket}/rows/"


class Transforms:
    def __init__(self, account: Account, bucket: str, model: str, rows: str) -> None:
        self._account = account
        self._bucket = bucket
        self._model = model
        self._rows = rows

    def request(self, uri: str | None = None, **changes: Any) -> dict[str, Any]:
        name = unique("transform")
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri or self._rows}}
        return {
            "TransformJobName": name,
            "ModelName": self._model,
            "TransformInput": {
                "DataSource": source,
                "ContentType": changes.pop("content_type", "text/csv"),
                "SplitType": changes.pop("split", "Line"),
            },
            "TransformOutput": {
                "S3OutputPath": f"s3://{self._bucket}/out/{name}",
                "Accept": changes.pop("accept", "application/jsonlines"),
                "AssembleWith": changes.pop("assemble", "Line"),
            },
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": changes.pop("instances", 1)},
            **changes,
        }

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        sagemaker = self._account.root("sagemaker")
        sagemaker.create_transform_job(**request)

        def described() -> dict[str, Any] | None:
            told: dict[str, Any] = sagemaker.describe_transform_job(TransformJobName=request["TransformJobName"])
            return told if told["TransformJobStatus"] in {"Completed", "Failed", "Stopped"} else None

        told: dict[str, Any] = until(described)
        return told

    def outputs(self, request: dict[str, Any]) -> dict[str, str]:
        s3, prefix = self._account.root("s3"), f"out/{request['TransformJobName']}/"
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix).get("Contents", [])]
        return {
            key.removeprefix(prefix): s3.get_object(Bucket=self._bucket, Key=key)["Body"].read().decode()
            for key in keys
        }


@pytest.fixture(scope="module")
def transforms(account: Account, bucket: str, model: str, rows: str) -> Transforms:
    return Transforms(account, bucket, model, rows)


def answered(*lines: str) -> str:
    return "".join(json.dumps({"line": line}) + "\n" for line in lines)


@pytest.mark.parametrize("strategy", ["MultiRecord", "SingleRecord"])
@pytest.mark.parametrize(("instances", "concurrency"), [(1, 1), (2, 3)])
def test_each_object_is_answered_line_by_line_in_order_beside_its_key(
    transforms: Transforms, strategy: str, instances: int, concurrency: int
) -> None:
    request = transforms.request(BatchStrategy=strategy, instances=instances, MaxConcurrentTransforms=concurrency)
    job = transforms.run(request)

    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert job["TransformStartTime"] <= job["TransformEndTime"]
    assert transforms.outputs(request) == {
        "a.csv.out": answered("1,2", "3,4", "5,6"),
        "b.csv.out": answered("7,8"),
        "deep/c.csv.out": answered("9,10", "11,12"),
    }


def test_without_splitting_an_object_is_one_request(transforms: Transforms, bucket: str) -> None:
    request = transforms.request(f"s3://{bucket}/rows/a.csv", split="None", accept="application/json", assemble="None")
    transforms.run(request)

    assert json.loads(transforms.outputs(request)["a.csv.out"])["sent"] == "1,2\n3,4\n5,6\n"


def test_an_error_of_the_container_fails_the_job_and_is_in_the_data_log(
    transforms: Transforms, account: Account, bucket: str
) -> None:
    account.root("s3").put_object(Bucket=bucket, Key="bad/row.csv", Body=b"bad")
    request = transforms.request(f"s3://{bucket}/bad/")
    job = transforms.run(request)

    assert (job["TransformJobStatus"], job["FailureReason"]) == (
        "Failed", "ClientError: See job logs for more information",
    )  # fmt: skip
    assert transforms.outputs(request) == {}
    events = account.root("logs").filter_log_events(
        logGroupName="/aws/sagemaker/TransformJobs", logStreamNamePrefix=f"{request['TransformJobName']}/"
    )["events"]
    assert any(event["message"].endswith("bad/row.csv: ClientError: 400") for event in events)


def test_a_record_over_the_payload_limit_fails_the_job(transforms: Transforms, account: Account, bucket: str) -> None:
    account.root("s3").put_object(Bucket=bucket, Key="large/row.csv", Body=b"1" * (1024 * 1024 + 1))
    job = transforms.run(transforms.request(f"s3://{bucket}/large/", MaxPayloadInMB=1))

    assert job["TransformJobStatus"] == "Failed"


def test_a_job_can_be_stopped(transforms: Transforms, account: Account, bucket: str) -> None:
    account.root("s3").put_object(Bucket=bucket, Key="slow/row.csv", Body=b"sleep 0.3\n" * 50)
    request = transforms.request(f"s3://{bucket}/slow/", BatchStrategy="SingleRecord")
    sagemaker = account.root("sagemaker")
    sagemaker.create_transform_job(**request)
    sagemaker.stop_transform_job(TransformJobName=request["TransformJobName"])

    until(
        lambda: (
            sagemaker.describe_transform_job(TransformJobName=request["TransformJobName"])["TransformJobStatus"]
            == "Stopped"
        )
    )


def test_json_lines_keep_their_ids_while_only_the_record_is_sent(
    transforms: Transforms, account: Account, bucket: str
) -> None:
    lines = [json.dumps({"id": f"doc-{number}", "record": {"features": [number]}}) for number in range(3)]
    account.root("s3").put_object(Bucket=bucket, Key="ids/docs.jsonl", Body="\n".join(lines).encode())
    request = transforms.request(
        f"s3://{bucket}/ids/",
        content_type="application/jsonlines",
        DataProcessing={
            "InputFilter": "$.record",
            "JoinSource": "Input",
            "OutputFilter": "$['id','SageMakerOutput']",
        },
    )
    job = transforms.run(request)

    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert [json.loads(line) for line in transforms.outputs(request)["docs.jsonl.out"].splitlines()] == [
        {"id": f"doc-{number}", "SageMakerOutput": {"line": f'{{"features":[{number}]}}'}} for number in range(3)
    ]


def test_a_record_without_what_the_filter_names_fails_the_job_and_is_named_in_the_data_log(
    transforms: Transforms, account: Account, bucket: str
) -> None:
    account.root("s3").put_object(Bucket=bucket, Key="no-record/docs.jsonl", Body=b'{"record": {}}\n{"id": 1}\n')
    request = transforms.request(
        f"s3://{bucket}/no-record/", content_type="application/jsonlines", DataProcessing={"InputFilter": "$.record"}
    )
    job = transforms.run(request)

    assert (job["TransformJobStatus"], job["FailureReason"]) == (
        "Failed", "ClientError: See job logs for more information",
    )  # fmt: skip
    assert data_log(account, request)[-1].endswith("InputFilter $.record, record 2: there is no record")


def test_a_container_tells_how_many_requests_it_takes_at_a_time(transforms: Transforms, account: Account) -> None:
    request = transforms.request()
    transforms.run(request)

    assert any("MaxConcurrentTransforms=3, MaxPayloadInMB=6" in message for message in data_log(account, request))


def data_log(account: Account, request: dict[str, Any]) -> list[str]:
    events = account.root("logs").filter_log_events(
        logGroupName="/aws/sagemaker/TransformJobs", logStreamNamePrefix=f"{request['TransformJobName']}/"
    )["events"]
    return [event["message"] for event in events if "[sagemaker logs]" in event["message"]]


def test_a_state_machine_waits_for_a_transform_job(transforms: Transforms, account: Account) -> None:
    role = account.role(
        allow("sagemaker:CreateTransformJob", "sagemaker:DescribeTransformJob"), service="states.amazonaws.com"
    )
    request = transforms.request()
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTransformJob.sync",
        "Parameters": request,
        "End": True,
    }
    states = account.root("stepfunctions")
    machine = states.create_state_machine(
        name=unique("machine"), roleArn=role, definition=json.dumps({"StartAt": "T", "States": {"T": task}})
    )
    arn = states.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    told = until(lambda: (e := states.describe_execution(executionArn=arn))["status"] != "RUNNING" and e)

    assert told["status"] == "SUCCEEDED", told
    assert json.loads(told["output"])["TransformJobStatus"] == "Completed"
    assert len(transforms.outputs(request)) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"MaxPayloadInMB": 0}, "MaxPayloadInMB of 0"),
        ({"MaxPayloadInMB": 20, "MaxConcurrentTransforms": 6}, "must not exceed 100 MB"),
        ({"ModelName": "none"}, "Could not find model"),
        ({"split": "TFRecord"}, "SplitType TFRecord is not emulated"),
        ({"DataProcessing": {"JoinSource": "Input"}}, "text/csv cannot be joined with an output of application/jsonl"),
        ({"DataProcessing": {"InputFilter": "$..a"}}, "DataProcessing: '\\$..a' is not understood"),
        ({"DataProcessing": {"OutputFilter": "$.a"}, "accept": "image/png"}, "Accept to be one of text/csv"),
        ({"instances": 9}, "ml.m5.large for transform job usage"),
    ],
)
def test_what_cannot_be_done_is_refused(transforms: Transforms, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError, match=message):
        transforms.run(transforms.request(**changes))
