"""What an update replaces, and what it refuses: create-only properties, custom names, exports in use."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_cloud.stack import Stack
from tests.local_cloud.support import Account, unique

pytestmark = pytest.mark.local_cloud

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@pytest.fixture
def stack(account: Account) -> Stack:
    return Stack(account.root("cloudformation"), unique("replaced"))


def resources(one: str, name: str, bus: str) -> dict[str, Any]:
    """Resources, each with a create-only property that is told by `one`, in types that MiniStack itself has."""
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": f"10.{one}.0.0/16"}},
        "Group": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {"GroupDescription": f"number {one}", "VpcId": {"Ref": "Vpc"}},
        },
        "Rows": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        "Net": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": f"10.{one}.1.0/24"}},
        "Row": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"SubnetId": {"Ref": "Net"}, "RouteTableId": {"Ref": "Rows"}},
        },
        "Door": {
            "Type": "AWS::EC2::VPCEndpoint",
            "Properties": {
                "VpcId": {"Ref": "Vpc"}, "ServiceName": "com.amazonaws.us-east-1.s3",
                "RouteTableIds": [{"Ref": "Rows"}],
            },
        },
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {"Name": f"{name}-{one}", "EventPattern": {"source": ["x"]}, "State": "DISABLED"},
        },
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": f"{name}-{one}", "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1,
                "MetricName": "M", "Namespace": "N", "Period": 60, "Statistic": "Sum", "Threshold": 1,
            },
        },
        "Board": {
            "Type": "AWS::CloudWatch::Dashboard",
            "Properties": {"DashboardName": f"{name}-{one}", "DashboardBody": '{"widgets": []}'},
        },
        "Policy": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "Description": f"number {one}",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}],
                },
            },
        },
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST, "Path": f"/n{one}/"}},
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"{name}-{one}"}},
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": f"{name}-{one}"}},
        "BucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": {"Version": "2012-10-17", "Statement": []}},
        },
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": f"{name}-{one}"}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"{name}-{one}"}},
        "Value": {
            "Type": "AWS::SSM::Parameter", "Properties": {"Name": f"/{name}/{one}", "Type": "String", "Value": "v"},
        },
        "Machine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "RoleArn": bus, "StateMachineName": f"{name}-{one}",
                "DefinitionString": '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}',
            },
        },
        "Group2": {
            "Type": "AWS::SageMaker::ModelPackageGroup",
            "Properties": {"ModelPackageGroupName": f"{name}-{one}", "ModelPackageGroupDescription": f"number {one}"},
        },
    }  # fmt: skip


def physical_ids(account: Account, stack: Stack) -> dict[str, str]:
    told = account.root("cloudformation").describe_stack_resources(StackName=stack.name)["StackResources"]
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in told}


def test_a_change_of_a_create_only_property_makes_a_new_resource_of_each_type_and_removes_the_old(
    account: Account, stack: Stack
) -> None:
    role = account.role(service="states.amazonaws.com")
    first = stack.create({"Resources": resources("1", stack.name, role)})
    assert first["StackStatus"] == "CREATE_COMPLETE", stack.failures()
    before = physical_ids(account, stack)

    second = stack.update({"Resources": resources("2", stack.name, role)})
    assert second["StackStatus"] == "UPDATE_COMPLETE", stack.failures()
    after = physical_ids(account, stack)

    assert {name for name in before if before[name] == after[name]} == set()
    assert not stack.failures()
    ec2 = account.root("ec2")
    assert before["Vpc"] not in {each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"]}
    assert before["Queue"] not in account.root("sqs").list_queues().get("QueueUrls", [])
    assert before["Policy"] not in {
        each["Arn"] for each in account.root("iam").list_policies(Scope="Local")["Policies"]
    }


def test_a_log_group_takes_a_part_of_the_stacks_id_and_its_state_machine_stays(account: Account, stack: Stack) -> None:
    vended = {
        "Fn::Join": [
            "-",
            ["/aws/vendedlogs/states/m", {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}],
        ]
    }
    role = account.role({"Effect": "Allow", "Action": "logs:*", "Resource": "*"}, service="states.amazonaws.com")

    def template(**group: object) -> dict[str, Any]:
        policies = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
        logs = {"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": ["Logs", "Arn"]}}}
        machine = {
            "RoleArn": role, "StateMachineName": stack.name,
            "DefinitionString": '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}',
            "LoggingConfiguration": {"Level": "ALL", "Destinations": [logs]},
        }  # fmt: skip
        return {
            "Resources": {
                "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": group, **policies},
                "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": machine},
            }
        }

    stack.create(template())
    before, created = physical_ids(account, stack), machine_of(account, stack)["creationDate"]

    stack.update(template(LogGroupName=vended))

    after, machine = physical_ids(account, stack), machine_of(account, stack)
    assert not stack.failures()
    uuid = account.root("cloudformation").describe_stacks(StackName=stack.name)["Stacks"][0]["StackId"].split("/")[2]
    assert after["Logs"] == f"/aws/vendedlogs/states/m-{uuid}"
    assert (after["Machine"], machine["creationDate"]) == (before["Machine"], created)
    groups = account.root("logs").describe_log_groups(logGroupNamePrefix=before["Logs"])["logGroups"]
    assert [each["logGroupName"] for each in groups] == [before["Logs"]]


def machine_of(account: Account, stack: Stack) -> dict[str, Any]:
    machine = physical_ids(account, stack)["Machine"]
    return dict(account.root("stepfunctions").describe_state_machine(stateMachineArn=machine))


@pytest.mark.parametrize(
    ("kind", "named", "old", "new"),
    [
        (
            "AWS::EC2::SecurityGroup",
            "GroupName",
            {"GroupDescription": "one", "VpcId": {"Ref": "Vpc"}},
            {"GroupDescription": "two", "VpcId": {"Ref": "Vpc"}},
        ),
        (
            "AWS::SageMaker::ModelPackageGroup",
            "ModelPackageGroupName",
            {"ModelPackageGroupDescription": "one"},
            {"ModelPackageGroupDescription": "two"},
        ),
        (
            "AWS::IAM::Role",
            "RoleName",
            {"AssumeRolePolicyDocument": TRUST, "Path": "/one/"},
            {"AssumeRolePolicyDocument": TRUST, "Path": "/two/"},
        ),
    ],
)
def test_a_resource_with_a_name_of_the_templates_is_not_replaced_under_it(
    stack: Stack, kind: str, named: str, old: dict[str, Any], new: dict[str, Any]
) -> None:
    def template(properties: dict[str, Any]) -> dict[str, Any]:
        made = {"Type": kind, "Properties": {named: stack.name, **properties}}
        return {"Resources": {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}, "It": made}}

    assert stack.create(template(old))["StackStatus"] == "CREATE_COMPLETE", stack.failures()

    assert stack.update(template(new))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "CloudFormation cannot update a stack when a custom-named resource requires replacing" in " ".join(
        stack.failures()
    )


def exporting(name: str, value: str | None) -> dict[str, Any]:
    made = {"Type": "AWS::SNS::Topic", "Properties": {}}
    kept = {"Value": {"Value": value, "Export": {"Name": name}}} if value else {}
    return {"Resources": {"Topic": made}, "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}, **kept}}


@pytest.mark.parametrize(("changed", "verb"), [(None, "deleted"), ("two", "updated")])
def test_an_export_that_another_stack_imports_stays_as_it_is(
    account: Account, stack: Stack, changed: str | None, verb: str
) -> None:
    name = unique("export")
    user = Stack(account.root("cloudformation"), unique("user"))
    stack.create(exporting(name, "one"))
    parameter = {"Name": f"/{user.name}", "Type": "String", "Value": {"Fn::ImportValue": name}}
    user.create({"Resources": {"Kept": {"Type": "AWS::SSM::Parameter", "Properties": parameter}}})

    assert stack.update(exporting(name, changed))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert f"Export {name} cannot be {verb} as it is in use by {user.name}" in " ".join(stack.failures())

    user.delete()
    assert stack.update(exporting(name, changed))["StackStatus"] == "UPDATE_COMPLETE"
    exports = {each["Name"]: each["Value"] for each in account.root("cloudformation").list_exports()["Exports"]}
    assert exports.get(name) == changed
