"""What templates say of networks: told by the API, without effect on anything that runs."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.stack import Stack
from tests.local_cloud.support import Account, allow, unique, until

pytestmark = pytest.mark.local_cloud


@pytest.fixture
def stack(account: Account) -> Stack:
    return Stack(account.root("cloudformation"), unique("stack"))


def network(role: str, **more: Any) -> dict[str, Any]:
    return {
        "Resources": {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/20"}},
            "Subnet": {
                "Type": "AWS::EC2::Subnet",
                "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.9.1.0/24"},
            },
            "FlowLog": {
                "Type": "AWS::EC2::FlowLog",
                "Properties": {
                    "ResourceId": {"Ref": "Vpc"},
                    "ResourceType": "VPC",
                    "TrafficType": "ALL",
                    "LogGroupName": "flows",
                    "DeliverLogsPermissionArn": role,
                    "Tags": [{"Key": "purpose", "Value": "evidence"}],
                },
            },
            **more,
        }
    }


def test_a_flow_log_is_told_with_its_tags_and_goes_with_its_stack(account: Account, stack: Stack) -> None:
    ec2, role = account.root("ec2"), account.role(service="vpc-flow-logs.amazonaws.com")
    stack.create(network(role))

    [told] = ec2.describe_flow_logs()["FlowLogs"]
    assert (told["LogDestination"], told["TrafficType"], told["FlowLogStatus"]) == ("flows", "ALL", "ACTIVE")
    assert {"Key": "purpose", "Value": "evidence"} in told["Tags"]
    stack.delete()
    assert ec2.describe_flow_logs()["FlowLogs"] == []


def test_a_flow_log_whose_role_is_not_there_fails_its_stack_with_its_name(stack: Stack) -> None:
    stack.create(network("arn:aws:iam::000000000000:role/nobody"))

    assert any("role/nobody does not exist" in reason for reason in stack.failures())


GROUP = {
    "Type": "AWS::EC2::SecurityGroup",
    "Properties": {"GroupDescription": "of the functions", "VpcId": {"Ref": "Vpc"}},
}
ANSWERS = """
import json, urllib.request
def handler(event, context):
    body = json.dumps({"Status": "SUCCESS", "PhysicalResourceId": "it", "StackId": event["StackId"],
        "RequestId": event["RequestId"], "LogicalResourceId": event["LogicalResourceId"]}).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT"))
"""


def role_of_function(account: Account) -> str:
    return account.role(allow("ec2:CreateNetworkInterface"), service="lambda.amazonaws.com")


def private(role: str, *ready: str) -> dict[str, Any]:
    """Return a VPC with a custom resource whose function waits for `ready`."""
    resources: dict[str, Any] = {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.8.0.0/20"}},
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.8.1.0/24"},
        },
        "Group": GROUP,
        "Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        "Function": {
            "Type": "AWS::Lambda::Function",
            "DependsOn": list(ready),
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Role": role,
                "Code": {"ZipFile": ANSWERS},
                "VpcConfig": {"SubnetIds": [{"Ref": "Subnet"}], "SecurityGroupIds": [{"Ref": "Group"}]},
            },
        },
        "Asked": {
            "Type": "Custom::Asked",
            "Properties": {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}, "ServiceTimeout": 30},
        },
        "Gateway": {
            "Type": "AWS::EC2::VPCEndpoint",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "VpcEndpointType": "Gateway",
                "ServiceName": "com.amazonaws.us-east-1.s3",
                "RouteTableIds": [{"Ref": "Table"}],
            },
        },
        "Associated": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"SubnetId": {"Ref": "Subnet"}, "RouteTableId": {"Ref": "Table"}},
        },
    }
    return {"Resources": resources}


def test_a_custom_resource_in_a_vpc_answers_as_long_as_its_way_to_s3_is_there(account: Account, stack: Stack) -> None:
    role = role_of_function(account)

    created = stack.create(private(role, "Gateway", "Associated"))

    assert created["StackStatus"] == "CREATE_COMPLETE", stack.failures()
    stack.delete()


@pytest.mark.parametrize("ready", [("Gateway",), ("Associated",)])
def test_a_custom_resource_whose_way_to_s3_is_not_there_yet_fails_its_stack(
    account: Account, stack: Stack, ready: tuple[str, ...]
) -> None:
    template = private(role_of_function(account), *ready)
    # What is last in the order of the template is made last.
    [last] = {"Gateway", "Associated"} - set(ready)
    template["Resources"][last]["DependsOn"] = ["Asked"]

    created = stack.create(template)

    assert created["StackStatus"].startswith("ROLLBACK")
    assert any("did not receive a response from your custom resource" in reason for reason in stack.failures())


def test_a_destroy_that_takes_the_way_to_s3_away_first_fails(account: Account, stack: Stack) -> None:
    role = role_of_function(account)
    stack.create(private(role, "Gateway", "Associated"))
    association = account.root("cloudformation").describe_stack_resource(
        StackName=stack.name, LogicalResourceId="Associated"
    )["StackResourceDetail"]["PhysicalResourceId"]

    account.root("ec2").disassociate_route_table(AssociationId=association)
    account.root("cloudformation").delete_stack(StackName=stack.name)

    assert stack.settled()["StackStatus"] == "DELETE_FAILED"
    assert any("leads to S3" in reason for reason in stack.failures())


def test_a_function_of_a_template_has_its_place_its_key_and_its_budget(account: Account, stack: Stack) -> None:
    role = role_of_function(account)
    flows = account.role(service="vpc-flow-logs.amazonaws.com")
    name = unique("function")
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": name,
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": role,
            "Code": {"ZipFile": "def handler(event, context): return 1"},
            "VpcConfig": {"SubnetIds": [{"Ref": "Subnet"}], "SecurityGroupIds": [{"Ref": "Group"}]},
            "KmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k",
            "ReservedConcurrentExecutions": 0,
        },
    }
    stack.create(network(flows, Function=function, Group=GROUP))
    functions = account.root("lambda")

    told = functions.get_function(FunctionName=name)
    [group] = told["Configuration"]["VpcConfig"]["SecurityGroupIds"]
    assert group.startswith("sg-")
    assert told["Configuration"]["VpcConfig"]["VpcId"].startswith("vpc-")
    assert told["Configuration"]["KMSKeyArn"].endswith("key/k")
    with pytest.raises(ClientError, match="TooManyRequests|Rate Exceeded"):
        functions.invoke(FunctionName=name)

    del function["Properties"]["ReservedConcurrentExecutions"]  # type: ignore[attr-defined]
    stack.update(network(flows, Function=function, Group=GROUP))
    until(lambda: functions.get_function(FunctionName=name)["Configuration"]["LastUpdateStatus"] == "Successful")
    assert functions.invoke(FunctionName=name)["Payload"].read() == b"1"
    stack.delete()
