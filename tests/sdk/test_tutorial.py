"""AWS's NTM tutorial, as scripts of the SageMaker SDKs, with nothing but the exported variables of a local cloud."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_cloud import LocalCloud

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "scripts"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
# SDK v3 wants a role with far more rights than this training uses, and asks IAM for them.
RIGHTS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}

pytestmark = [pytest.mark.sdk, pytest.mark.slow, pytest.mark.local_cloud]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud(home=tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(scope="module")
def role(cloud: LocalCloud) -> str:
    iam = boto3.client(
        "iam", endpoint_url=cloud.endpoint_url, region_name="us-east-1", aws_access_key_id="test",
        aws_secret_access_key="test",
    )  # fmt: skip
    arn = iam.create_role(RoleName="tutorial", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName="tutorial", PolicyName="everything", PolicyDocument=json.dumps(RIGHTS))
    return str(arn)


@pytest.fixture(scope="module", params=["v2", "v3"])
def ran(
    request: pytest.FixtureRequest, cloud: LocalCloud, role: str, tmp_path_factory: pytest.TempPathFactory
) -> subprocess.CompletedProcess[str]:
    """The tutorial's script in the SDK's own environment."""
    version = request.param
    python = ROOT / f".venv-sdk-{version}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"there is no .venv-sdk-{version}: `make test-all` makes it")
    folder = tmp_path_factory.mktemp(version)
    done = subprocess.run(
        [python, SCRIPTS / f"tutorial_{version}.py", role, folder],
        # SDK v3 breaks what it prints into lines of the terminal's width.
        env={**cloud.environment(), "COLUMNS": "300"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done


@pytest.fixture(scope="module")
def result(ran: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return told


def test_the_predictor_answers_with_topic_weights_for_each_row(result: dict[str, Any]) -> None:
    assert [len(weights) for weights in result["predicted"]] == [3] * 5
    assert all(sum(weights) == pytest.approx(1, abs=1e-4) for weights in result["predicted"])


def test_batch_transform_answers_the_same_as_the_endpoint(result: dict[str, Any]) -> None:
    for transformed, predicted in zip(result["transformed"], result["predicted"], strict=True):
        assert transformed == pytest.approx(predicted, abs=1e-5)


def test_the_model_is_in_s3_and_no_endpoint_is_left(result: dict[str, Any]) -> None:
    assert result["model_data"].startswith("s3://")
    assert result["model_data"].endswith("/output/model.tar.gz")
    assert result["endpoints"] == []


def test_the_trainings_log_is_streamed_to_the_client(ran: subprocess.CompletedProcess[str]) -> None:
    assert "#quality_metric: host=algo-1" in ran.stdout + ran.stderr
