"""A stage that prepares corpora on Spark: documents in S3 become a corpus, and the newest one for the retraining."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from scripts import bundle
from stacks.shared.names import newest_corpus_parameter, preparation_name
from tests.end_to_end.deployment import ROOT, STAGE, Deployment, Run, write_documents
from tests.spark.test_preparation import PYTHON, alone
from training_scripts.corpus.manifest import CorpusManifest
from training_scripts.script_mode import layout

BUNDLE = ROOT / layout.SPARK_FOLDER
DOCUMENTS = "raw-documents"
DEADLINE_S = 900
MACHINE = f"arn:aws:states:us-east-1:000000000000:stateMachine:{preparation_name(STAGE)}"

pytestmark = [
    pytest.mark.local_cloud,
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="there is no .venv-spark: `make test-all` makes it"),
    pytest.mark.skipif(not BUNDLE.exists(), reason=f"there is no bundle: `{layout.SPARK_COMMAND}` makes it"),
]


def execution(deployment: Deployment, name: str, **given: str) -> dict[str, Any]:
    """Run the preparation, and return how it ended."""
    client = deployment.client("stepfunctions")
    arn = client.start_execution(stateMachineArn=MACHINE, name=name, input=json.dumps(given))["executionArn"]
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        told: dict[str, Any] = client.describe_execution(executionArn=arn)
        if told["status"] != "RUNNING":
            return told
        time.sleep(0.5)
    raise AssertionError(f"{name} has not ended")


def logged(deployment: Deployment) -> list[str]:
    """The last lines of the last job's log."""
    logs, group = deployment.client("logs"), "/aws/sagemaker/ProcessingJobs"
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=streams[-1]["logStreamName"])["events"]
    return [event["message"] for event in events][-25:]


@pytest.fixture(scope="module")
def deployed(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The stage, which has trained nothing yet, and the documents of two months in S3."""
    bundle.make(BUNDLE, processor="spark", python_version=layout.CONTAINER_PYTHON)
    folder = tmp_path_factory.mktemp("documents")
    s3 = deployment.client("s3")
    s3.create_bucket(Bucket=DOCUMENTS)
    for month, count in (("may", 900), ("june", 300)):
        write_documents(folder / f"{month}.jsonl", count=count)
        s3.upload_file(str(folder / f"{month}.jsonl"), DOCUMENTS, f"news/{month}/documents.jsonl")
    return deployment.deploy(
        "TopicModel-dev-Data",
        "TopicModel-dev-Training",
        training={"run_on_deploy": False, "instance_count": 2},
        retraining={"schedule": "rate(365 days)"},
        preparation={
            "documents": {"bucket": DOCUMENTS, "prefix": "news/"},
            "id_field": "id",
            "label_field": "label",
        },
    )


@pytest.fixture(scope="module")
def run(deployment: Deployment, deployed: Run) -> dict[str, Any]:
    assert deployed.exit_code == 0, deployed.output
    return execution(deployment, "may", documents_uri=f"s3://{DOCUMENTS}/news/may/")


def published(deployment: Deployment, run: dict[str, Any]) -> dict[str, Any]:
    assert run["status"] == "SUCCEEDED", (run.get("error"), run.get("cause"), logged(deployment))
    told: dict[str, Any] = json.loads(run["output"])["corpus"]["value"]
    return told


def test_the_corpus_is_that_of_the_one_process_preparation_with_the_deployed_words(
    deployment: Deployment, run: dict[str, Any], small_corpus: Path, tmp_path: Path
) -> None:
    told = published(deployment, run)
    bucket, _, prefix = told["corpus_uri"].removeprefix("s3://").partition("/")
    s3 = deployment.client("s3")
    for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
        file = tmp_path / "found" / item["Key"].removeprefix(prefix)
        file.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, item["Key"], str(file))
    write_documents(tmp_path / "documents.jsonl", count=900)
    alone(
        tmp_path / "documents.jsonl", tmp_path / "one", "--id-field", "id", "--label-field", "label",
        "--vocabulary", str(small_corpus / "auxiliary" / "vocab.txt"),
    )  # fmt: skip

    found, expected = CorpusManifest.load(tmp_path / "found"), CorpusManifest.load(tmp_path / "one")
    found.check_files(tmp_path / "found")
    assert told["corpus_hash"] == found.corpus_hash == expected.corpus_hash


def test_it_is_the_newest_corpus_for_the_retraining(deployment: Deployment, run: dict[str, Any]) -> None:
    newest = deployment.client("ssm").get_parameter(Name=newest_corpus_parameter(STAGE))["Parameter"]["Value"]

    assert newest == published(deployment, run)["corpus_hash"]


def test_the_runs_own_folder_has_its_report_and_no_corpus_any_more(deployment: Deployment, run: dict[str, Any]) -> None:
    bucket = published(deployment, run)["corpus_uri"].split("/")[2]
    left = deployment.client("s3").list_objects_v2(Bucket=bucket, Prefix="preparing/")["Contents"]

    assert [item["Key"] for item in left] == ["preparing/may/beside/report.json"]


def test_the_job_was_isolated_and_on_two_instances(deployment: Deployment, run: dict[str, Any]) -> None:
    job = deployment.client("sagemaker").describe_processing_job(ProcessingJobName=f"topic-model-{STAGE}-may")

    assert job["NetworkConfig"]["EnableNetworkIsolation"] is True
    assert job["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 2
    assert "sagemaker-spark-processing:3.5-cpu-py312" in job["AppSpecification"]["ImageUri"]


def test_the_same_documents_again_are_the_same_corpus(deployment: Deployment, run: dict[str, Any]) -> None:
    again = execution(deployment, "may-again", documents_uri=f"s3://{DOCUMENTS}/news/may/")

    assert published(deployment, again) == published(deployment, run)


def test_documents_elsewhere_are_not_the_jobs_to_read(deployment: Deployment, run: dict[str, Any]) -> None:
    deployment.client("s3").put_object(Bucket=DOCUMENTS, Key="private/documents.jsonl", Body=b"{}")

    refused = execution(deployment, "elsewhere", documents_uri=f"s3://{DOCUMENTS}/private/")

    assert refused["status"] == "FAILED"
    assert "Data download failed" in refused["cause"]
