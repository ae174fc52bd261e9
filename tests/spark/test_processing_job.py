"""A processing job of AWS's Spark image in the local cloud: documents in S3 become a corpus in S3."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_cloud import LocalCloud
from tests.local_cloud.support import Account, allow
from tests.spark.test_preparation import PYTHON, ROOT, alone, lines

IMAGE = "173754725891.dkr.ecr.us-east-1.amazonaws.com/sagemaker-spark-processing:3.5-cpu-py312-v1.0"
PROGRAM = "training_scripts/spark/prepare.py"
DEADLINE_S = 900

pytestmark = [
    pytest.mark.slow,
    pytest.mark.local_cloud,
    pytest.mark.skipif(not PYTHON.exists(), reason="there is no .venv-spark: `make test-all` makes it"),
]


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with LocalCloud(home=tmp_path / "cloud") as cloud:
        yield Account(cloud)


def ended(sagemaker: Any, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        told: dict[str, Any] = sagemaker.describe_processing_job(ProcessingJobName=name)
        if told["ProcessingJobStatus"] in {"Completed", "Failed", "Stopped"}:
            return told
        time.sleep(0.5)
    raise AssertionError(f"{name} has not ended")


def logged(account: Account) -> list[str]:
    logs, group = account.root("logs"), "/aws/sagemaker/ProcessingJobs"
    [stream] = logs.describe_log_streams(logGroupName=group)["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    return [event["message"] for event in events][-20:]


def test_documents_in_s3_become_the_corpus_that_one_process_makes(account: Account, tmp_path: Path) -> None:
    documents = tmp_path / "documents.jsonl"
    documents.write_bytes(b"\n".join(lines(ids=True)))
    s3, sagemaker = account.root("s3"), account.root("sagemaker")
    s3.create_bucket(Bucket="corpora")
    s3.upload_file(str(documents), "corpora", "in/documents.jsonl")
    s3.upload_file(str(ROOT / PROGRAM), "corpora", "code/prepare.py")
    role = account.role(allow("s3:*", "logs:*"))
    place = "/opt/ml/processing"

    def given(name: str) -> dict[str, Any]:
        source = {"S3Uri": f"s3://corpora/{name}/", "LocalPath": f"{place}/{name}", "S3DataType": "S3Prefix"}
        return {"InputName": name, "S3Input": {**source, "S3InputMode": "File"}}

    output = {"S3Uri": "s3://corpora/out", "LocalPath": f"{place}/output", "S3UploadMode": "EndOfJob"}
    sagemaker.create_processing_job(
        ProcessingJobName="prepare",
        RoleArn=role,
        AppSpecification={
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["smspark-submit", f"{place}/code/prepare.py"],
            "ContainerArguments": [
                *(f"{place}/in/documents.jsonl", "--output", f"{place}/output/corpus", "--beside", f"{place}/beside"),
                *("--id-field", "id", "--split-field", "part", "--label-field", "team"),
            ],
        },
        ProcessingInputs=[given("in"), given("code")],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "corpus", "S3Output": output}]},
        ProcessingResources={
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 10}
        },
    )

    told = ended(sagemaker, "prepare")

    assert told["ProcessingJobStatus"] == "Completed", (told.get("FailureReason"), logged(account))
    alone(documents, tmp_path / "one", "--id-field", "id", "--split-field", "part", "--label-field", "team")
    found = json.loads(s3.get_object(Bucket="corpora", Key="out/corpus/corpus.json")["Body"].read())
    assert found["corpus_hash"] == json.loads((tmp_path / "one" / "corpus.json").read_text())["corpus_hash"]
