"""Updates that do not stay: a rollout that SageMaker takes back unseen, and a stack that cannot undo an update."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import LocalCloud
from tests.local_cloud.stack import Stack
from tests.local_cloud.support import IMAGE, Account, allow, unique, until

pytestmark = pytest.mark.local_cloud
DEPLOYMENT = Path(__file__).parents[2] / "lambda/deployment"
BREAKS_LOADING = -1
ANSWERS = """
import json, os, urllib.request
def handler(event, context):
    refused = event["RequestType"] == "Update" and event["ResourceProperties"]["Value"] == os.environ["REFUSED"]
    body = json.dumps({"Status": "FAILED" if refused else "SUCCESS", "Reason": "it is refused",
        "PhysicalResourceId": "it", "StackId": event["StackId"], "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"]}).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT"))
"""


@pytest.fixture
def stack(account: Account) -> Stack:
    return Stack(account.root("cloudformation"), unique("stack"))


@pytest.fixture
def function(account: Account) -> Callable[..., str]:
    """Make a function of files; return its ARN."""
    functions = account.root("lambda")

    def made(files: dict[str, str], handler: str, *rights: dict[str, Any], **environment: str) -> str:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        arn = functions.create_function(
            FunctionName=unique("function"), Runtime="python3.13", Handler=handler, Timeout=60,
            Role=account.role(*rights, service="lambda.amazonaws.com"), Code={"ZipFile": packed.getvalue()},
            Environment={"Variables": environment},
        )["FunctionArn"]  # fmt: skip
        until(lambda: functions.get_function(FunctionName=arn)["Configuration"]["State"] == "Active")
        return str(arn)

    return made


@pytest.fixture
def guard(function: Callable[..., str]) -> str:
    """The function of the serving stack that asks whether a rollout has stayed."""
    files = {str(file.relative_to(DEPLOYMENT)): file.read_text() for file in DEPLOYMENT.rglob("*.py")}
    return function(files, "deployment_functions.deploy.approval_guard.handle", allow("sagemaker:DescribeEndpoint"))


@pytest.fixture
def serving(guard: str, job_role: str, model_data: Callable[[int], str]) -> Callable[[int, str], dict[str, Any]]:
    """Return the template of an endpoint with that question after it, as the serving stack has both."""

    def template(factor: int, endpoint: str) -> dict[str, Any]:
        config = {"Fn::GetAtt": ["Config", "EndpointConfigName"]}
        variant = {
            "VariantName": "AllTraffic", "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
            "InstanceType": "ml.m5.large", "InitialInstanceCount": 1, "InitialVariantWeight": 1,
        }  # fmt: skip
        container = {"Image": IMAGE, "ModelDataUrl": model_data(factor)}
        resources = {
            "Model": ("AWS::SageMaker::Model", {"ExecutionRoleArn": job_role, "PrimaryContainer": container}),
            "Config": ("AWS::SageMaker::EndpointConfig", {"ProductionVariants": [variant]}),
            "Endpoint": ("AWS::SageMaker::Endpoint", {"EndpointName": endpoint, "EndpointConfigName": config}),
            "RolledOut": (
                "Custom::RolledOutEndpoint",
                {"ServiceToken": guard, "Endpoint": endpoint, "EndpointConfig": config},
            ),
        }
        made: dict[str, Any] = {name: {"Type": kind, "Properties": given} for name, (kind, given) in resources.items()}
        made["RolledOut"]["DependsOn"] = ["Endpoint"]
        return {"Resources": made}

    return template


def test_a_rollout_that_sagemaker_takes_back_unseen_fails_the_update_with_sagemakers_reason(
    cloud: LocalCloud, sagemaker: Any, stack: Stack, serving: Callable[[int, str], dict[str, Any]]
) -> None:
    endpoint = unique("Endpoint")
    assert stack.create(serving(1, endpoint))["StackStatus"] == "CREATE_COMPLETE", stack.failures()
    before = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]

    with cloud.running.rollbacks_overlooked():
        updated = stack.update(serving(BREAKS_LOADING, endpoint))

    reasons = [reason for reason in stack.failures() if f"endpoint {endpoint} serves {before}, not " in reason]
    assert updated["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert len(reasons) == 1
    assert "SageMaker gives no reason" not in reasons[0]
    told = sagemaker.describe_endpoint(EndpointName=endpoint)
    assert (told["EndpointStatus"], told["EndpointConfigName"]) == ("InService", before)
    stack.delete()


def test_without_the_question_such_an_update_would_have_counted_as_done(
    cloud: LocalCloud, stack: Stack, serving: Callable[[int, str], dict[str, Any]]
) -> None:
    def unasked(factor: int) -> dict[str, Any]:
        template = serving(factor, endpoint)
        del template["Resources"]["RolledOut"]
        return template

    endpoint = unique("Endpoint")
    stack.create(unasked(1))

    with cloud.running.rollbacks_overlooked():
        assert stack.update(unasked(BREAKS_LOADING))["StackStatus"] == "UPDATE_COMPLETE"
    stack.delete()


@pytest.fixture
def stuck(function: Callable[..., str], stack: Stack) -> str:
    """Bring a stack to UPDATE_ROLLBACK_FAILED: the resource `Guard` takes no update back to `one`."""
    token = function({"index.py": ANSWERS}, "index.handler", REFUSED="one")

    def template(value: str, **more: Any) -> dict[str, Any]:
        guard = {"Type": "Custom::Guard", "Properties": {"ServiceToken": token, "Value": value}}
        return {"Resources": {"Guard": guard, **more}}

    nobody = "arn:aws:lambda:us-east-1:000000000000:function:none"
    late = {"Type": "Custom::Late", "DependsOn": "Guard", "Properties": {"ServiceToken": nobody}}
    assert stack.create(template("one"))["StackStatus"] == "CREATE_COMPLETE", stack.failures()
    assert stack.update(template("two", Late=late))["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    with pytest.raises(ClientError, match="is in UPDATE_ROLLBACK_FAILED state and cannot be updated"):
        stack.update(template("three"))
    return token


def test_a_stack_that_could_not_undo_an_update_goes_on_when_its_cause_is_mended(
    account: Account, stack: Stack, stuck: str
) -> None:
    functions, cloudformation = account.root("lambda"), account.root("cloudformation")
    cloudformation.continue_update_rollback(StackName=stack.name)
    assert stack.settled()["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert any("it is refused" in reason for reason in stack.failures())

    functions.update_function_configuration(FunctionName=stuck, Environment={"Variables": {"REFUSED": ""}})
    until(lambda: functions.get_function(FunctionName=stuck)["Configuration"]["LastUpdateStatus"] == "Successful")
    cloudformation.continue_update_rollback(StackName=stack.name)
    cloudformation.get_waiter("stack_rollback_complete").wait(StackName=stack.name, WaiterConfig={"Delay": 1})

    assert stack.status() == "UPDATE_ROLLBACK_COMPLETE"


def test_what_cannot_be_mended_is_left_out_and_the_stack_takes_updates_again(
    account: Account, stack: Stack, stuck: str
) -> None:
    account.root("cloudformation").continue_update_rollback(StackName=stack.name, ResourcesToSkip=["Guard"])

    assert stack.settled()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    guard = {"Type": "Custom::Guard", "Properties": {"ServiceToken": stuck, "Value": "four"}}
    assert stack.update({"Resources": {"Guard": guard}})["StackStatus"] == "UPDATE_COMPLETE"
