from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.hosting import ask
from tests.local_cloud.support import IMAGE, Account, allow, unique, until

pytestmark = pytest.mark.local_cloud

SPECIFICATION: dict[str, Any] = {
    "Containers": [{"Image": IMAGE, "ModelDataUrl": "s3://bucket/model.tar.gz"}],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["application/json"],
}


@pytest.fixture
def group(sagemaker: Any) -> str:
    name = unique("Topics")
    sagemaker.create_model_package_group(ModelPackageGroupName=name, ModelPackageGroupDescription="candidates")
    return name


def register(sagemaker: Any, group: str, **more: Any) -> str:
    given = {"InferenceSpecification": SPECIFICATION, **more}
    made = sagemaker.create_model_package(ModelPackageGroupName=group, **given)
    return str(made["ModelPackageArn"])


def test_versions_of_a_group_are_numbered_and_wait_for_approval(sagemaker: Any, group: str) -> None:
    first, second = register(sagemaker, group), register(sagemaker, group, CustomerMetadataProperties={"loss": "6.9"})

    told = sagemaker.describe_model_package(ModelPackageName=second)
    assert (first[-2:], told["ModelPackageVersion"]) == ("/1", 2)
    assert (told["ModelPackageStatus"], told["ModelApprovalStatus"]) == ("Completed", "PendingManualApproval")
    assert told["CustomerMetadataProperties"] == {"loss": "6.9"}
    assert told["InferenceSpecification"] == SPECIFICATION
    listed = sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    assert [item["ModelPackageVersion"] for item in listed] == [2, 1]


def test_an_approved_version_is_found_by_its_approval(sagemaker: Any, group: str) -> None:
    register(sagemaker, group)
    arn = register(sagemaker, group)
    sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="better loss",
        CustomerMetadataProperties={"approved-by": "gate"},
    )  # fmt: skip

    (approved,) = sagemaker.list_model_packages(ModelPackageGroupName=group, ModelApprovalStatus="Approved")[
        "ModelPackageSummaryList"
    ]
    assert approved["ModelPackageArn"] == arn
    told = sagemaker.describe_model_package(ModelPackageName=arn)
    assert (told["ApprovalDescription"], told["CustomerMetadataProperties"]) == (
        "better loss", {"approved-by": "gate"},
    )  # fmt: skip


def test_a_group_is_deleted_only_when_it_is_empty_and_numbers_are_not_used_twice(sagemaker: Any, group: str) -> None:
    arn = register(sagemaker, group)
    with pytest.raises(sagemaker.exceptions.ConflictException, match="while it has Model Packages"):
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)

    sagemaker.delete_model_package(ModelPackageName=arn)
    again = register(sagemaker, group)
    assert again.endswith("/2")
    sagemaker.delete_model_package(ModelPackageName=again)
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_model_package_group(ModelPackageGroupName=group)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"InferenceSpecification": SPECIFICATION}, "Exactly one of ModelPackageName and ModelPackageGroupName"),
        ({"ModelPackageGroupName": "none", "InferenceSpecification": SPECIFICATION}, "none does not exist"),
        ({"ModelPackageName": "alone"}, "InferenceSpecification or SourceAlgorithmSpecification"),
    ],
)
def test_a_package_that_cannot_be_is_refused(sagemaker: Any, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError, match=message):
        sagemaker.create_model_package(**request_)


def test_only_who_may_register_in_a_group_does(account: Account, group: str) -> None:
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:model-package-group/{group}"
    allowed = account.user(allow("sagemaker:CreateModelPackage", resource=arn))("sagemaker")
    elsewhere = account.user(allow("sagemaker:CreateModelPackage", resource=arn + "-other"))("sagemaker")

    assert register(allowed, group).endswith("/1")
    with pytest.raises(ClientError, match=f"CreateModelPackage on resource: {arn}"):
        register(elsewhere, group)


def test_a_stack_makes_and_deletes_a_group(account: Account, sagemaker: Any) -> None:
    stacks, stack, name = account.root("cloudformation"), unique("stack"), unique("group")
    template = {"Resources": {"Group": {
        "Type": "AWS::SageMaker::ModelPackageGroup",
        "Properties": {"ModelPackageGroupName": name, "Tags": [{"Key": "stage", "Value": "dev"}]},
    }}}  # fmt: skip
    stacks.create_stack(StackName=stack, TemplateBody=json.dumps(template))
    until(lambda: stacks.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE")
    arn = sagemaker.describe_model_package_group(ModelPackageGroupName=name)["ModelPackageGroupArn"]
    assert {"Key": "stage", "Value": "dev"} in sagemaker.list_tags(ResourceArn=arn)["Tags"]

    stacks.delete_stack(StackName=stack)
    until(lambda: not sagemaker.list_model_package_groups(NameContains=name)["ModelPackageGroupSummaryList"])


def test_a_model_keeps_the_container_of_its_package_when_that_is_deleted(
    sagemaker: Any, runtime: Any, group: str, job_role: str, model_data: Callable[[int], str]
) -> None:
    container = {"Image": IMAGE, "ModelDataUrl": model_data(5), "Environment": {"COLOUR": "blue"}}
    arn = register(sagemaker, group, InferenceSpecification={**SPECIFICATION, "Containers": [container]})
    name = unique("packaged")
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=job_role, PrimaryContainer={"ModelPackageName": arn})
    sagemaker.delete_model_package(ModelPackageName=arn)
    variant = {
        "ModelName": name, "VariantName": "all", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large",
    }  # fmt: skip
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    answer = ask(runtime, name)

    sagemaker.delete_endpoint(EndpointName=name)
    assert answer["factor"] == 5
    assert sagemaker.describe_model(ModelName=name)["PrimaryContainer"] == {"ModelPackageName": arn}


@pytest.mark.parametrize(
    ("containers", "asked", "message"),
    [
        (2, {}, "has 2 containers to serve it with"),
        (1, {"Image": IMAGE}, "either an Image or a ModelPackageName"),
        (1, {"ModelDataUrl": "s3://bucket/model.tar.gz"}, "no ModelDataUrl"),
    ],
)
def test_a_package_that_no_model_can_be_made_of_is_refused(
    sagemaker: Any, group: str, job_role: str, *, containers: int, asked: dict[str, str], message: str
) -> None:
    arn = register(
        sagemaker,
        group,
        InferenceSpecification={**SPECIFICATION, "Containers": SPECIFICATION["Containers"] * containers},
    )

    with pytest.raises(ClientError, match=message):
        sagemaker.create_model(
            ModelName=unique("none"), ExecutionRoleArn=job_role, PrimaryContainer={"ModelPackageName": arn, **asked}
        )
