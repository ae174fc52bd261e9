"""The AWS CLI, with nothing but the exported variables: the tutorial's operations, each by its own command."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local_cloud import LocalCloud
from tests.local_cloud.support import IMAGE, unique, until

AWS = Path(__file__).parents[2] / ".venv-cli" / "bin" / "aws"

pytestmark = [
    pytest.mark.local_cloud,
    pytest.mark.sdk,
    pytest.mark.slow,
    pytest.mark.skipif(not AWS.exists(), reason="there is no .venv-cli: `make test-all` makes it"),
]


class Cli:
    """Runs `aws` in a folder of its own."""

    def __init__(self, cloud: LocalCloud, folder: Path) -> None:
        self._environment = {**cloud.environment(), "AWS_PAGER": ""}
        self.folder = folder

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(AWS), *arguments], env=self._environment, cwd=self.folder, capture_output=True, text=True, check=False,
            timeout=120,
        )  # fmt: skip

    def text(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    def sagemaker(self, operation: str, *arguments: str, **members: Any) -> dict[str, Any]:
        """Call an operation with its members as JSON; return its answer."""
        given = ["--cli-input-json", json.dumps(members)] if members else []
        told = self.text("sagemaker", operation, *given, *arguments)
        answer: dict[str, Any] = json.loads(told) if told.strip() else {}
        return answer


@pytest.fixture(scope="module")
def cli(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    return Cli(cloud, tmp_path_factory.mktemp("cli"))


@pytest.fixture(scope="module")
def trained(cli: Cli, request_for: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """A training job of two instances that has completed, as the CLI describes it."""
    request = request_for(
        {"factor": "3"}, instances=2, TrainingJobName=unique("cli"), Tags=[{"Key": "by", "Value": "cli"}]
    )
    cli.sagemaker("create-training-job", **request)
    name = request["TrainingJobName"]

    def described() -> dict[str, Any] | None:
        told = cli.sagemaker("describe-training-job", "--training-job-name", name)
        return told if told["TrainingJobStatus"] == "Completed" else None

    told: dict[str, Any] = until(described, timeout_s=60)
    return told


def test_a_training_job_completes_and_its_waiter_ends(cli: Cli, trained: dict[str, Any]) -> None:
    name = trained["TrainingJobName"]

    assert trained["SecondaryStatusTransitions"][-1]["Status"] == "Completed"
    cli.text("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", name)
    listed = cli.sagemaker("list-training-jobs", "--name-contains", name)["TrainingJobSummaries"]
    assert [job["TrainingJobStatus"] for job in listed] == ["Completed"]
    assert cli.sagemaker("list-tags", "--resource-arn", trained["TrainingJobArn"])["Tags"] == [
        {"Key": "by", "Value": "cli"}
    ]


def test_the_trainings_log_and_model_are_fetched(cli: Cli, trained: dict[str, Any]) -> None:
    log = cli.text("logs", "filter-log-events", "--log-group-name", "/aws/sagemaker/TrainingJobs")
    cli.text("s3", "cp", trained["ModelArtifacts"]["S3ModelArtifacts"], "model.tar.gz")

    assert "trained on algo-1" in log
    assert "trained on algo-2" in log
    assert (cli.folder / "model.tar.gz").stat().st_size > 0


def test_an_endpoint_is_made_asked_and_deleted(cli: Cli, trained: dict[str, Any], job_role: str) -> None:
    name = unique("cli")
    container = {"Image": IMAGE, "ModelDataUrl": trained["ModelArtifacts"]["S3ModelArtifacts"]}
    cli.sagemaker("create-model", ModelName=name, ExecutionRoleArn=job_role, PrimaryContainer=container)
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "InstanceType": "ml.m4.xlarge",
        "InitialInstanceCount": 1,
    }
    cli.sagemaker("create-endpoint-config", EndpointConfigName=name, ProductionVariants=[variant])
    cli.sagemaker("create-endpoint", EndpointName=name, EndpointConfigName=name)

    def status() -> str:
        return str(cli.sagemaker("describe-endpoint", "--endpoint-name", name)["EndpointStatus"])

    until(lambda: status() == "InService", timeout_s=60)
    cli.text("sagemaker", "wait", "endpoint-in-service", "--endpoint-name", name)
    (cli.folder / "row.csv").write_text("1,2")
    asked = ("--endpoint-name", name, "--content-type", "text/csv", "--body", "fileb://row.csv")
    told = json.loads(cli.text("sagemaker-runtime", "invoke-endpoint", *asked, "answer.json"))
    assert told["InvokedProductionVariant"] == "AllTraffic"
    assert json.loads((cli.folder / "answer.json").read_text())["factor"] == 3

    cli.text("sagemaker", "delete-endpoint", "--endpoint-name", name)
    until(lambda: cli.run("sagemaker", "describe-endpoint", "--endpoint-name", name).returncode != 0, timeout_s=60)
    cli.text("sagemaker", "wait", "endpoint-deleted", "--endpoint-name", name)
    cli.text("sagemaker", "delete-endpoint-config", "--endpoint-config-name", name)
    cli.text("sagemaker", "delete-model", "--model-name", name)


def test_a_transform_job_leaves_its_output_on_disk(
    cli: Cli, trained: dict[str, Any], job_role: str, bucket: str
) -> None:
    name = unique("cli")
    container = {"Image": IMAGE, "ModelDataUrl": trained["ModelArtifacts"]["S3ModelArtifacts"]}
    cli.sagemaker("create-model", ModelName=name, ExecutionRoleArn=job_role, PrimaryContainer=container)
    (cli.folder / "rows.csv").write_text("1,2\n3,4\n")
    cli.text("s3", "cp", "rows.csv", f"s3://{bucket}/{name}/in/rows.csv")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/{name}/in/"}}
    cli.sagemaker(
        "create-transform-job",
        TransformJobName=name,
        ModelName=name,
        TransformInput={"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        TransformOutput={
            "S3OutputPath": f"s3://{bucket}/{name}/out", "Accept": "application/jsonlines", "AssembleWith": "Line",
        },
        TransformResources={"InstanceType": "ml.m4.xlarge", "InstanceCount": 1},
    )  # fmt: skip

    def status() -> str:
        return str(cli.sagemaker("describe-transform-job", "--transform-job-name", name)["TransformJobStatus"])

    until(lambda: status() == "Completed", timeout_s=60)
    cli.text("sagemaker", "wait", "transform-job-completed-or-stopped", "--transform-job-name", name)
    cli.text("s3", "cp", f"s3://{bucket}/{name}/out/rows.csv.out", "rows.csv.out")
    lines = (cli.folder / "rows.csv.out").read_text().splitlines()
    assert [json.loads(line)["line"] for line in lines] == ["1,2", "3,4"]


def test_a_job_is_stopped(cli: Cli, request_for: Callable[..., dict[str, Any]]) -> None:
    request = request_for({"task": "wait"})
    cli.sagemaker("create-training-job", **request)
    cli.text("sagemaker", "stop-training-job", "--training-job-name", request["TrainingJobName"])

    def status() -> str:
        told = cli.sagemaker("describe-training-job", "--training-job-name", request["TrainingJobName"])
        return str(told["TrainingJobStatus"])

    until(lambda: status() == "Stopped", timeout_s=60)


def test_hyperparameters_are_tuned(cli: Cli, request_for: Callable[..., dict[str, Any]]) -> None:
    name, job = unique("cli"), request_for()
    kept = ("RoleArn", "InputDataConfig", "OutputDataConfig", "ResourceConfig", "StoppingCondition")
    metric = {"Name": "loss", "Regex": "loss=([0-9.]+)"}
    cli.sagemaker(
        "create-hyper-parameter-tuning-job",
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig={
            "Strategy": "Grid",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "rate", "Values": ["1", "3"]}]},
        },
        TrainingJobDefinition={
            "StaticHyperParameters": {"loss": "1"},
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE, "TrainingInputMode": "File", "MetricDefinitions": [metric],
            },
            **{member: job[member] for member in kept},
        },
    )  # fmt: skip
    named = ("--hyper-parameter-tuning-job-name", name)

    def described() -> dict[str, Any] | None:
        told = cli.sagemaker("describe-hyper-parameter-tuning-job", *named)
        return told if told["HyperParameterTuningJobStatus"] == "Completed" else None

    best = until(described, timeout_s=60)["BestTrainingJob"]
    assert best["TunedHyperParameters"] == {"rate": "1"}
    assert len(cli.sagemaker("list-training-jobs-for-hyper-parameter-tuning-job", *named)["TrainingJobSummaries"]) == 2


def test_a_refusal_is_told_with_its_code_and_sentence(cli: Cli) -> None:
    missing = cli.run("sagemaker", "describe-training-job", "--training-job-name", "none")
    wrong = cli.run(
        "sagemaker", "create-endpoint", "--endpoint-name", "a_b", "--endpoint-config-name", "x"
    )  # fmt: skip

    assert missing.returncode != 0
    assert "(ValidationException) when calling the DescribeTrainingJob operation: Requested resource not found." in (
        missing.stderr
    )
    assert "Value 'a_b' at 'endpointName' failed to satisfy constraint" in wrong.stderr
