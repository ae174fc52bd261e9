"""`get_execution_role()` and `default_bucket()` as notebooks have them, in a session of a role of SageMaker's users."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest

from local_cloud import LocalCloud
from local_cloud.client_settings import sagemaker_config
from local_cloud.shared.paths import Home
from tests.local_cloud.support import root_of
from tests.sdk.conftest import SCRIPTS, TRUST, result_of, run

FULL_ACCESS = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
V1, V3 = (pytest.param(version, marks=pytest.mark.slow) for version in ("v1", "v3"))
"""Their environments are of `make test-all`."""
pytestmark = [pytest.mark.sdk, pytest.mark.local_cloud]


@pytest.fixture(scope="module")
def notebook_role(cloud: LocalCloud) -> str:
    iam = boto3.client("iam", endpoint_url=cloud.endpoint_url, region_name="us-east-1", **root_of(cloud))
    iam.create_role(RoleName="notebook", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.attach_role_policy(RoleName="notebook", PolicyArn=FULL_ACCESS)
    return "notebook"


@pytest.mark.parametrize("redirected", [True, False])
@pytest.mark.parametrize("version", [V1, "v2", V3])
def test_the_role_and_the_bucket_are_the_clouds(
    cloud: LocalCloud, notebook_role: str, tmp_path: Path, version: str, *, redirected: bool
) -> None:
    environment = {**cloud.environment(), **cloud.variables(role=notebook_role)}
    if not redirected:
        # As a boto3 older than AWS_ENDPOINT_URL.
        environment = {name: value for name, value in environment.items() if "ENDPOINT_URL" not in name}
    done = run(version, SCRIPTS / "who_am_i.py", environment=environment, folder=tmp_path)

    assert json.loads(done.stdout.splitlines()[-1]) == [
        "arn:aws:iam::000000000000:role/notebook",
        "sagemaker-us-east-1-000000000000",
    ]


@pytest.mark.parametrize(
    ("version", "module"),
    [("v2", "sagemaker"), pytest.param("v3", "sagemaker.core.helper.session_helper", marks=pytest.mark.slow)],
)
def test_the_default_bucket_takes_no_proxy(cloud: LocalCloud, tmp_path: Path, version: str, module: str) -> None:
    environment = {**cloud.environment(), **cloud.variables("111122223333")}
    ask = f"from {module} import Session; print(Session().default_bucket())"
    done = run(version, "-c", ask, environment=environment, folder=tmp_path)

    assert done.stdout.splitlines()[-1] == "sagemaker-us-east-1-111122223333"


@pytest.mark.parametrize("proxied", [True, False])
@pytest.mark.parametrize(
    ("version", "module"),
    [("v2", "sagemaker.config"), pytest.param("v3", "sagemaker.core.config.config", marks=pytest.mark.slow)],
)
def test_the_configuration_file_is_one_that_the_sdk_takes(
    tmp_path: Path, version: str, module: str, *, proxied: bool
) -> None:
    place = Home(tmp_path)
    place.aws_config.parent.mkdir()
    file = sagemaker_config(place, "000000000000", proxied=proxied)
    environment = {"SAGEMAKER_USER_CONFIG_OVERRIDE": str(file), "HOME": str(tmp_path), "AWS_REGION": "us-east-1"}
    ask = f"import json, {module} as config; print(json.dumps(config.load_sagemaker_config()))"

    told = result_of(run(version, "-c", ask, environment=environment, folder=tmp_path))

    modules = told["SageMaker"]["PythonSDK"]["Modules"]
    assert modules["Session"] == {"DefaultS3Bucket": "sagemaker-us-east-1-000000000000"}
    # The schema of SDK 2.163 knows no telemetry, and refuses a file that names it.
    assert modules.get("TelemetryOptOut") is (None if proxied else True)
