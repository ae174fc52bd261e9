"""AWS's managed policies, as users of SageMaker attach them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.iam.aws_managed_policies import aws_managed_policies_data

from tests.local_cloud.support import Account, channel, ended, unique, until

pytestmark = [pytest.mark.local_cloud]
AWS = "arn:aws:iam::aws:policy/"
FULL = f"{AWS}AmazonSageMakerFullAccess"
UNKNOWN = f"{AWS}AmazonSageMakerFullAcess"
TRUST = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}


def user_with(account: Account, policy: str) -> Callable[[str], Any]:
    iam, name = account.root("iam"), unique("user")
    iam.create_user(UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return lambda service: account.client(service, key["AccessKeyId"], key["SecretAccessKey"])


def refusal(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    "name",
    [
        "AmazonSageMakerFullAccess", "AmazonSageMakerReadOnly", "AmazonS3FullAccess", "AmazonS3ReadOnlyAccess",
        "CloudWatchLogsFullAccess", "AmazonEC2ContainerRegistryReadOnly", "service-role/AWSLambdaBasicExecutionRole",
        "service-role/AWSLambdaVPCAccessExecutionRole", "AWSStepFunctionsFullAccess", "AdministratorAccess",
        "PowerUserAccess", "IAMFullAccess", "AmazonSageMakerCanvasFullAccess",
        "service-role/AmazonSageMakerGeospatialExecutionRole",
    ],
)  # fmt: skip
def test_a_policy_is_read_and_listed_with_the_document_that_moto_keeps_of_it(account: Account, name: str) -> None:
    iam, role = account.root("iam"), account.role()
    kept = json.loads(aws_managed_policies_data)[name.rsplit("/", maxsplit=1)[-1]]
    iam.attach_role_policy(RoleName=role.rsplit("/", maxsplit=1)[-1], PolicyArn=AWS + name)

    policy = iam.get_policy(PolicyArn=AWS + name)["Policy"]
    version = iam.get_policy_version(PolicyArn=AWS + name, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    attached = iam.list_attached_role_policies(RoleName=role.rsplit("/", maxsplit=1)[-1])["AttachedPolicies"]

    assert version["Document"] == kept["Document"]
    assert version["VersionId"] == kept["DefaultVersionId"]
    assert policy["CreateDate"].isoformat() == kept["CreateDate"]
    assert attached == [{"PolicyName": name.rsplit("/", maxsplit=1)[-1], "PolicyArn": AWS + name}]


def test_a_job_whose_role_has_sagemakers_full_access_trains_and_logs(
    account: Account, sagemaker: Any, request_for: Callable[..., dict[str, Any]]
) -> None:
    s3, bucket, name, role = account.root("s3"), unique("sagemaker-data"), unique("full"), account.role()
    account.root("iam").attach_role_policy(RoleName=role.rsplit("/", maxsplit=1)[-1], PolicyArn=FULL)
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="corpus/train/part-0", Body=b"shard\n")
    output = {"S3OutputPath": f"s3://{bucket}/output"}
    channels = [channel(bucket, "train", "FullyReplicated")]
    request = request_for(TrainingJobName=name, RoleArn=role, InputDataConfig=channels, OutputDataConfig=output)
    sagemaker.create_training_job(**request)

    assert ended(sagemaker, name)["TrainingJobStatus"] == "Completed"
    logs, asked = (
        account.root("logs"),
        {"logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamNamePrefix": f"{name}/"},
    )
    events = until(lambda: logs.filter_log_events(**asked)["events"])
    assert {event["logStreamName"].split("/")[0] for event in events} == {name}


def test_a_user_with_full_access_makes_jobs_and_no_users(account: Account) -> None:
    client = user_with(account, FULL)

    assert "TrainingJobSummaries" in client("sagemaker").list_training_jobs()
    assert refusal(client("iam").create_user, UserName=unique("user")) == "AccessDenied"


def test_a_user_who_may_read_changes_nothing(account: Account) -> None:
    client = user_with(account, f"{AWS}AmazonSageMakerReadOnly")("sagemaker")

    assert "Models" in client.list_models()
    assert refusal(client.delete_model, ModelName="any") == "AccessDeniedException"


def test_a_policy_that_is_not_there_is_no_such_entity(account: Account) -> None:
    iam, name = account.root("iam"), unique("x")
    role = account.role().rsplit("/", maxsplit=1)[-1]
    iam.create_user(UserName=name)
    iam.create_group(GroupName=name)
    own = UNKNOWN.replace("aws:policy", "000000000000:policy")

    codes = [
        refusal(iam.get_policy, PolicyArn=UNKNOWN),
        *(refusal(iam.attach_role_policy, RoleName=role, PolicyArn=arn) for arn in (UNKNOWN, own)),
        refusal(iam.attach_user_policy, UserName=name, PolicyArn=UNKNOWN),
        refusal(iam.attach_group_policy, GroupName=name, PolicyArn=UNKNOWN),
        refusal(iam.put_role_permissions_boundary, RoleName=role, PermissionsBoundary=UNKNOWN),
    ]

    assert codes == ["NoSuchEntity"] * len(codes)
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []


@pytest.mark.parametrize("property_", [{"ManagedPolicyArns": [UNKNOWN]}, {"PermissionsBoundary": UNKNOWN}])
def test_a_templates_role_of_a_policy_that_is_not_there_is_not_made(
    account: Account, property_: dict[str, Any]
) -> None:
    cloudformation, name = account.root("cloudformation"), unique("stack")
    role = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [TRUST]}, "RoleName": name, **property_}
    template = {"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": role}}}
    cloudformation.create_stack(
        StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"]
    )

    with pytest.raises(Exception, match="ROLLBACK_COMPLETE"):
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    assert any(UNKNOWN in event.get("ResourceStatusReason", "") for event in events)
    assert refusal(account.root("iam").get_role, RoleName=name) == "NoSuchEntity"
