from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.stack import Stack
from tests.local_cloud.support import IMAGE, Account, allow, unique, until

pytestmark = pytest.mark.local_cloud


@pytest.fixture
def stack(account: Account) -> Stack:
    return Stack(account.root("cloudformation"), unique("stack"))


def function(role: str, code: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.13", "Handler": "index.handler", "Role": role, "Timeout": 60, "Code": {"ZipFile": code},
        },
    }  # fmt: skip


@pytest.fixture
def serving(job_role: str, model_data: Callable[[int], str]) -> Callable[..., dict[str, Any]]:
    """Return the template of an endpoint that scales, as the serving stack declares it."""

    def template(factor: int, *, count: int = 1, endpoint: str, broken: bool = False) -> dict[str, Any]:
        resources: dict[str, Any] = {
            "Model": {
                "Type": "AWS::SageMaker::Model",
                "Properties": {
                    "ExecutionRoleArn": job_role,
                    "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": model_data(factor)},
                    "Tags": [{"Key": "factor", "Value": str(factor)}],
                },
            },
            "Config": {
                "Type": "AWS::SageMaker::EndpointConfig",
                "Properties": {
                    "ProductionVariants": [
                        {
                            "VariantName": "AllTraffic",
                            "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                            "InstanceType": "ml.m5.large",
                            "InitialInstanceCount": str(count),
                            "InitialVariantWeight": 1,
                        }
                    ]
                },
            },
            "Endpoint": {
                "Type": "AWS::SageMaker::Endpoint",
                "Properties": {
                    "EndpointName": endpoint,
                    "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                    "RetainAllVariantProperties": True,
                },
            },
            "Target": {
                "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
                "Properties": {
                    "ServiceNamespace": "sagemaker",
                    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
                    "ResourceId": {"Fn::Sub": "endpoint/${Endpoint.EndpointName}/variant/AllTraffic"},
                    "MinCapacity": 1,
                    "MaxCapacity": 3,
                },
            },
            "Policy": {
                "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
                "Properties": {
                    "PolicyName": "Invocations",
                    "PolicyType": "TargetTrackingScaling",
                    "ScalingTargetId": {"Ref": "Target"},
                    "TargetTrackingScalingPolicyConfiguration": {
                        "TargetValue": 2000,
                        "PredefinedMetricSpecification": {
                            "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
                        },
                    },
                },
            },
        }
        if broken:
            # Fails after the endpoint has been updated.
            resources["Late"] = {
                "Type": "Custom::Late",
                "DependsOn": "Policy",
                "Properties": {"ServiceToken": "arn:aws:lambda:us-east-1:000000000000:function:none"},
            }
        outputs = {
            "Model": {"Value": {"Ref": "Model"}},
            "Endpoint": {"Value": {"Ref": "Endpoint"}},
            "Target": {"Value": {"Ref": "Target"}},
        }
        return {"Resources": resources, "Outputs": outputs}

    return template


def answer(runtime: Any, endpoint: str) -> int:
    body = runtime.invoke_endpoint(EndpointName=endpoint, Body=b"1", ContentType="text/csv")["Body"].read()
    return int(json.loads(body)["factor"])


def test_a_stack_brings_up_an_endpoint_changes_its_model_and_takes_it_down(
    account: Account, sagemaker: Any, runtime: Any, stack: Stack, serving: Any
) -> None:
    name = unique("Endpoint")
    created = stack.create(serving(1, endpoint=name))

    assert created["StackStatus"] == "CREATE_COMPLETE", stack.failures()
    assert answer(runtime, name) == 1
    outputs = stack.outputs()
    prefix = "arn:aws:sagemaker:us-east-1:000000000000"
    assert outputs["Endpoint"] == f"{prefix}:endpoint/{name.lower()}"
    assert outputs["Model"].startswith(f"{prefix}:model/model-")
    assert outputs["Target"] == f"endpoint/{name}/variant/AllTraffic|sagemaker:variant:DesiredInstanceCount|sagemaker"
    tags = {tag["Key"] for tag in sagemaker.list_tags(ResourceArn=outputs["Model"])["Tags"]}
    assert {"factor", "aws:cloudformation:stack-name"} <= tags

    assert stack.update(serving(2, endpoint=name))["StackStatus"] == "UPDATE_COMPLETE", stack.failures()
    assert answer(runtime, name) == 2
    assert stack.outputs()["Endpoint"] == outputs["Endpoint"]
    assert stack.outputs()["Model"] != outputs["Model"]
    with pytest.raises(ClientError, match="Could not find"):
        sagemaker.list_tags(ResourceArn=outputs["Model"])

    stack.delete()
    with pytest.raises(ClientError, match="Could not find endpoint"):
        sagemaker.describe_endpoint(EndpointName=name)
    scaling = account.root("application-autoscaling")
    assert not scaling.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[f"endpoint/{name}/variant/AllTraffic"]
    )["ScalableTargets"]


def test_an_endpoint_that_does_not_come_up_fails_the_stack_with_its_reason(
    sagemaker: Any, stack: Stack, serving: Any
) -> None:
    name = unique("Endpoint")

    assert stack.create(serving(-1, endpoint=name))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("ping health check" in reason for reason in stack.failures())
    assert not sagemaker.list_endpoints(NameContains=name)["Endpoints"]


def test_a_model_that_does_not_load_is_rolled_back_and_the_old_one_answers(
    runtime: Any, stack: Stack, serving: Any
) -> None:
    name = unique("Endpoint")
    stack.create(serving(1, endpoint=name))

    assert stack.update(serving(-1, endpoint=name))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert answer(runtime, name) == 1
    stack.delete()


def test_a_later_failure_puts_the_old_model_back_into_service(runtime: Any, stack: Stack, serving: Any) -> None:
    name = unique("Endpoint")
    stack.create(serving(1, endpoint=name))

    assert stack.update(serving(2, endpoint=name, broken=True))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert answer(runtime, name) == 1
    stack.delete()


def test_a_changed_ssm_parameter_changes_the_stack_that_reads_it(account: Account, stack: Stack) -> None:
    ssm, cloudformation = account.root("ssm"), account.root("cloudformation")
    parameter, copy = f"/{unique('approved')}", f"/{unique('copy')}"
    ssm.put_parameter(Name=parameter, Value="first", Type="String")
    template = {
        "Parameters": {"Approved": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": parameter}},
        "Resources": {
            "Copy": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Name": copy, "Value": {"Ref": "Approved"}},
            }
        },
    }
    stack.create(template)
    ssm.put_parameter(Name=parameter, Value="second", Type="String", Overwrite=True)
    change_set = cloudformation.create_change_set(
        StackName=stack.name, ChangeSetName="change", TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": "Approved", "UsePreviousValue": True}],
    )["Id"]  # fmt: skip
    described = until(lambda: cloudformation.describe_change_set(ChangeSetName=change_set))
    assert described["Status"] == "CREATE_COMPLETE"
    cloudformation.execute_change_set(ChangeSetName=change_set)
    until(lambda: stack.status() == "UPDATE_COMPLETE")

    assert ssm.get_parameter(Name=copy)["Parameter"]["Value"] == "second"


STARTS = """
import boto3, json
def handler(event, context):
    if event["RequestType"] == "Delete":
        answer(event)
        return
    properties = event["ResourceProperties"]
    if event["RequestType"] == "Update":
        assert event["OldResourceProperties"] != properties
    boto3.client("stepfunctions").start_execution(
        stateMachineArn=properties["Machine"], input=json.dumps({"event": event, "task": properties["Task"]}))
"""

ANSWERS = """
import json, urllib.request
def answer(event, status="SUCCESS", reason=""):
    body = json.dumps({"Status": status, "Reason": reason, "PhysicalResourceId": "trained", "StackId": event["StackId"],
                       "RequestId": event["RequestId"], "LogicalResourceId": event["LogicalResourceId"],
                       "Data": {"Task": event["ResourceProperties"]["Task"]}}).encode()
    request = urllib.request.Request(event["ResponseURL"], body, method="PUT", headers={"Content-Type": ""})
    urllib.request.urlopen(request).close()
"""

LISTENS = """
def handler(event, context):
    detail = event["detail"]
    if detail["status"] in ("SUCCEEDED", "FAILED"):
        asked = json.loads(detail["input"])["event"]
        failed = detail["status"] == "FAILED"
        answer(asked, "FAILED" if failed else "SUCCESS", (detail.get("cause") or "") if failed else "")
"""


@pytest.fixture
def trained(account: Account) -> Callable[..., dict[str, Any]]:
    """Return the template of a resource whose function starts an execution, the end of which an event answers."""
    role = account.role(allow("*"), service="lambda.amazonaws.com")
    machine_role = account.role(allow("*"), service="states.amazonaws.com")
    definition = {
        "StartAt": "Choose",
        "States": {
            "Choose": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.task", "StringEquals": "fail", "Next": "Fail"},
                            {"Variable": "$.task", "StringEquals": "hang", "Next": "Hang"}],
                "Default": "Work",
            },
            "Work": {"Type": "Wait", "Seconds": 1, "End": True},
            "Hang": {"Type": "Wait", "Seconds": 60, "End": True},
            "Fail": {"Type": "Fail", "Error": "E", "Cause": "ClientError: no topics"},
        },
    }  # fmt: skip

    def template(task: str, timeout_s: int = 30) -> dict[str, Any]:
        rule = {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {
                    "source": ["aws.states"],
                    "detail-type": ["Step Functions Execution Status Change"],
                    "detail": {"status": ["SUCCEEDED", "FAILED"], "stateMachineArn": [{"Ref": "Machine"}]},
                },
                "Targets": [{"Id": "answers", "Arn": {"Fn::GetAtt": ["Listener", "Arn"]}}],
            },
        }
        return {
            "Resources": {
                "Machine": {
                    "Type": "AWS::StepFunctions::StateMachine",
                    "Properties": {"RoleArn": machine_role, "DefinitionString": json.dumps(definition)},
                },
                "Starter": function(role, ANSWERS + STARTS),
                "Listener": function(role, ANSWERS + LISTENS),
                "Rule": rule,
                "MayCall": {
                    "Type": "AWS::Lambda::Permission",
                    "Properties": {
                        "Action": "lambda:InvokeFunction",
                        "FunctionName": {"Fn::GetAtt": ["Listener", "Arn"]},
                        "Principal": "events.amazonaws.com",
                        "SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]},
                    },
                },
                "Trained": {
                    "Type": "Custom::TrainedModel",
                    "DependsOn": ["MayCall", "Rule"],
                    "Properties": {
                        "ServiceToken": {"Fn::GetAtt": ["Starter", "Arn"]},
                        "ServiceTimeout": timeout_s,
                        "Machine": {"Ref": "Machine"},
                        "Task": task,
                    },
                },
            },
            "Outputs": {"Task": {"Value": {"Fn::GetAtt": ["Trained", "Task"]}}},
        }

    return template


def test_a_resource_may_be_answered_later_by_an_event(stack: Stack, trained: Any) -> None:
    assert stack.create(trained("one"))["StackStatus"] == "CREATE_COMPLETE", stack.failures()
    assert stack.outputs()["Task"] == "one"

    assert stack.update(trained("fail"))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert any("ClientError: no topics" in reason for reason in stack.failures())
    assert stack.outputs()["Task"] == "one"
    stack.delete()


def test_a_resource_that_is_not_answered_in_its_time_fails(stack: Stack, trained: Any) -> None:
    assert stack.create(trained("hang", timeout_s=1))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("timed out after 1s" in reason for reason in stack.failures())


@pytest.mark.parametrize("task", ["fail", "hang"])
def test_a_resource_whose_creation_fails_is_sent_a_delete(
    account: Account, stack: Stack, trained: Any, task: str
) -> None:
    ssm, seen = account.root("ssm"), f"/{unique('seen')}"
    template = trained(task, timeout_s=1 if task == "hang" else 30)
    noting = f"""
import boto3
def noted(inner):
    def handler(event, context):
        if event["RequestType"] == "Delete":
            value = event["PhysicalResourceId"]
            boto3.client("ssm").put_parameter(Name="{seen}", Value=value, Type="String")
        inner(event, context)
    return handler
handler = noted(handler)
"""
    template["Resources"]["Starter"]["Properties"]["Code"]["ZipFile"] += noting
    stack.create(template)

    physical_id = ssm.get_parameter(Name=seen)["Parameter"]["Value"]
    assert physical_id.startswith("trained" if task == "fail" else f"{stack.name}-Trained-")


def test_a_bucket_keeps_its_tags_and_encryption_and_is_not_deleted_full(account: Account, stack: Stack) -> None:
    s3, name = account.root("s3"), unique("bucket")
    properties = {
        "BucketName": name,
        "Tags": [{"Key": "aws-cdk:auto-delete-objects", "Value": "true"}],
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {
                    "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key"},
                    "BucketKeyEnabled": True,
                }
            ]
        },
    }
    stack.create({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}}})
    s3.put_object(Bucket=name, Key="kept", Body=b"x")

    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=name)["TagSet"]}
    assert tags["aws-cdk:auto-delete-objects"] == "true"
    rule = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    account.root("cloudformation").delete_stack(StackName=stack.name)
    assert stack.settled()["StackStatus"] == "DELETE_FAILED"
    s3.delete_object(Bucket=name, Key="kept")
    stack.delete()


def test_an_unknown_type_is_refused_by_name(stack: Stack) -> None:
    with pytest.raises(ClientError, match="AWS::SageMaker::Pipeline"):
        stack.create({"Resources": {"P": {"Type": "AWS::SageMaker::Pipeline", "Properties": {}}}})


NEVER_ANSWERS_A_CREATE = """
import json
import urllib.request
def handler(event, context):
    print(event["RequestType"], flush=True)
    if event["RequestType"] == "Delete":
        answer = {"Status": "SUCCESS", "PhysicalResourceId": event["PhysicalResourceId"], "StackId": event["StackId"],
                  "RequestId": event["RequestId"], "LogicalResourceId": event["LogicalResourceId"]}
        request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")
        urllib.request.urlopen(request)
"""


@pytest.fixture
def never_whole(account: Account) -> dict[str, Any]:
    """The template of a stack whose custom resource is never made; what depends on that must not be, either."""
    role = account.role(allow("*"), service="lambda.amazonaws.com")
    return {
        "Resources": {
            "Function": function(role, NEVER_ANSWERS_A_CREATE),
            "Kept": {"Type": "AWS::SSM::Parameter", "DeletionPolicy": "Retain",
                     "Properties": {"Name": unique("/kept"), "Type": "String", "Value": "here"}},
            "Waits": {"Type": "Custom::Waits", "DependsOn": "Kept",
                      "Properties": {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}}},
            "Later": {"Type": "AWS::SSM::Parameter", "DependsOn": "Waits",
                      "Properties": {"Name": unique("/later"), "Type": "String", "Value": "never"}},
        }
    }  # fmt: skip


def create_by_request(cloudformation: Any, name: str, template: dict[str, Any]) -> None:
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))


def create_by_change_set(cloudformation: Any, name: str, template: dict[str, Any]) -> None:
    cloudformation.create_change_set(
        StackName=name, ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=json.dumps(template)
    )
    cloudformation.execute_change_set(StackName=name, ChangeSetName="first")


@pytest.mark.parametrize("create", [create_by_request, create_by_change_set])
def test_a_stack_that_is_deleted_while_it_is_made_leaves_only_what_it_retains(
    account: Account, never_whole: dict[str, Any], create: Callable[..., None]
) -> None:
    cloudformation, ssm = account.root("cloudformation"), account.root("ssm")
    stack, resources = Stack(cloudformation, unique("stack")), never_whole["Resources"]
    create(cloudformation, stack.name, never_whole)
    until(lambda: "Waits" in started(cloudformation, stack.name))

    stack.delete()

    names = [resources[name]["Properties"]["Name"] for name in ("Kept", "Later")]
    assert [item["Name"] for item in ssm.get_parameters(Names=names)["Parameters"]] == names[:1]
    assert "Later" not in started(cloudformation, stack.name)
    [summary] = [item for item in cloudformation.list_stacks()["StackSummaries"] if item["StackName"] == stack.name]
    assert summary["StackStatus"] == "DELETE_COMPLETE"
    # Its name is free.
    assert stack.create({"Resources": {"Kept": resources["Later"] | {"DependsOn": []}}})["StackStatus"] == (
        "CREATE_COMPLETE"
    )
    stack.delete()


def started(cloudformation: Any, name: str) -> set[str]:
    """The logical ids that events of the stack name."""
    [stack] = [item for item in cloudformation.list_stacks()["StackSummaries"] if item["StackName"] == name][:1]
    events = cloudformation.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
    return {event["LogicalResourceId"] for event in events}
