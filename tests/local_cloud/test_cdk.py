from __future__ import annotations

import json
import stat
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import LocalCloud, LocalCloudError
from local_cloud.cdk import CLI
from local_cloud.entrance.root_keys import FILE_MODE
from tests.local_cloud.support import Account, deny

pytestmark = [
    pytest.mark.local_cloud,
    pytest.mark.skipif(not CLI.is_file(), reason="the CDK CLI is not installed: run `make setup`"),
]

APP = """
import aws_cdk as cdk
from aws_cdk import aws_lambda as functions, aws_s3 as s3, aws_ssm as ssm

app = cdk.App()
first = cdk.Stack(app, "First")
bucket = s3.Bucket(first, "Bucket", removal_policy=cdk.RemovalPolicy.DESTROY)
second = cdk.Stack(app, "Second")
ssm.StringParameter(second, "Copy", parameter_name="/cdk/bucket", string_value=bucket.bucket_name)
ssm.StringParameter(second, "Stage", parameter_name="/cdk/stage", string_value=app.node.try_get_context("stage") or "-")
code = "def handler(event, context): return {'statusCode': 200, 'body': event['rawPath']}"
function = functions.Function(second, "Function", runtime=functions.Runtime.PYTHON_3_13, handler="index.handler",
                              code=functions.Code.from_inline(code))
url = function.add_function_url(auth_type=functions.FunctionUrlAuthType.NONE)
cdk.CfnOutput(second, "Url", value=url.url)
app.synth()
"""


@pytest.fixture
def quick_synth(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's own checks of a template take longer than all the rest."""
    monkeypatch.setenv("CDK_VALIDATION", "false")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("app") / "app.py"
    path.write_text(APP)
    return path


def value(ssm: Any, name: str) -> str:
    return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])


@pytest.mark.usefixtures("quick_synth")
def test_the_cli_deploys_an_unmodified_app_and_destroys_it(
    cloud: LocalCloud, account: Account, app: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ssm, cloudformation = account.root("ssm"), account.root("cloudformation")
    assembly = str(tmp_path / "cdk.out")

    cloud.deploy(stage="dev", app=f"{sys.executable} {app}", arguments=["--output", assembly])
    assert value(ssm, "/cdk/stage") == "dev"
    assert value(ssm, "/cdk/bucket").startswith("first-bucket")
    updated = cloudformation.describe_stacks(StackName="Second")["Stacks"][0].get("LastUpdatedTime")

    # What the deploy prints of a Function URL can be called as it is.
    (printed,) = [
        line.split() for line in capfd.readouterr().err.splitlines() if " answers on this machine at " in line
    ]
    assert printed[0] == "Second.Url"
    with urllib.request.urlopen(f"{printed[-1]}health", timeout=30) as answer:
        assert answer.read() == b"/health"

    # What the CLI keeps of the key that it was given is for its owner alone.
    key = cloud.variables()["AWS_ACCESS_KEY_ID"].encode()
    holding = [file for file in cloud.home.root.rglob("*") if file.is_file() and key in file.read_bytes()]
    assert holding == [cloud.home.cdk_accounts]
    assert stat.S_IMODE(cloud.home.cdk_accounts.stat().st_mode) == FILE_MODE

    cloud.deploy(app=assembly)
    assert cloudformation.describe_stacks(StackName="Second")["Stacks"][0].get("LastUpdatedTime") == updated

    cloud.destroy(app=assembly)
    with pytest.raises(ClientError, match="ParameterNotFound"):
        value(ssm, "/cdk/stage")


def test_a_failed_deployment_is_one_sentence(cloud: LocalCloud, tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match="cdk deploy ended with exit code 1"):
        cloud.deploy(app=f"{sys.executable} -c exit(3)", arguments=["--output", str(tmp_path / "cdk.out")])


def test_the_cli_keeps_its_files_in_the_clouds_folder(cloud: LocalCloud) -> None:
    environment = cloud.environment()

    assert Path(environment["CDK_HOME"]).is_relative_to(cloud.home.root)
    assert Path(environment["AWS_CONFIG_FILE"]).is_relative_to(cloud.home.root)
    assert Path(environment["AWS_SHARED_CREDENTIALS_FILE"]).is_relative_to(cloud.home.root)


def test_a_stack_that_the_cli_deploys_is_held_to_the_bootstraps_execution_role(
    cloud: LocalCloud, account: Account, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDK_VALIDATION", "false")
    iam, given = account.root("iam"), "cdk-hnb659fds-cfn-exec-role-000000000000-us-east-1"
    out = ["--output", str(tmp_path / "cdk.out")]
    cloud.deploy(stage="one", app=f"{sys.executable} {app}", arguments=out)
    denied = {"Version": "2012-10-17", "Statement": [deny("ssm:GetParameters", resource="*parameter/cdk/stage")]}
    iam.put_role_policy(RoleName=given, PolicyName="narrower", PolicyDocument=json.dumps(denied))

    with pytest.raises(LocalCloudError, match="cdk deploy ended with exit code 1"):
        cloud.deploy(stage="two", app=f"{sys.executable} {app}", arguments=out)
    events = account.root("cloudformation").describe_stack_events(StackName="Second")["StackEvents"]
    reasons = " ".join(str(event.get("ResourceStatusReason")) for event in events)
    assert f"assumed-role/{given}/AWSCloudFormation is not authorized to perform: ssm:GetParameters" in reasons

    iam.delete_role_policy(RoleName=given, PolicyName="narrower")
    cloud.destroy(app=str(tmp_path / "cdk.out"))
