"""Rights that roles of SageMaker's jobs and hosts have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk

from stacks.shared.roles.service_role import NO_RESOURCE

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

    from stacks.shared.registry_image import RegistryImage
    from stacks.shared.roles.service_role import ServiceRole

SAGEMAKER: Final = "sagemaker.amazonaws.com"


def encrypt_volumes(role: ServiceRole, key: kms.IKey) -> None:
    """Allow SageMaker to attach volumes under the key, and only through AWS resources."""
    on = [key.key_arn]
    role.allow("kms:CreateGrant", on=on, when={"Bool": {"kms:GrantIsForAWSResource": "true"}})
    role.allow("kms:DescribeKey", on=on)


def write_sagemaker_logs(role: ServiceRole, group: str, *, declared: bool = False) -> None:
    """Allow writing to the log group /aws/sagemaker/`group`, which SageMaker creates where it is missing.

    One that the stack has `declared` it may not: hosts that end after it is deleted would make it again, for good.
    """
    stack = cdk.Stack.of(role)
    name = f"/aws/sagemaker/{group}"
    arn = stack.format_arn(
        service="logs", resource="log-group", resource_name=name, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
    )
    role.allow(
        *(() if declared else ("logs:CreateLogGroup",)),
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        on=[arn, f"{arn}:*"],
        because="SageMaker names the log streams of this one group.",
    )


def put_metrics(role: ServiceRole, namespace: str) -> None:
    """Allow metrics of one namespace. The action takes no resource, so the condition is what bounds it."""
    role.allow(
        "cloudwatch:PutMetricData",
        on=["*"],
        because=NO_RESOURCE,
        when={"StringEquals": {"cloudwatch:namespace": namespace}},
    )


def pull_image(role: ServiceRole, image: RegistryImage) -> None:
    """Allow pulling the image; the token action takes no resource."""
    role.allow(
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
        on=[image.repository_arn],
    )
    role.allow("ecr:GetAuthorizationToken", on=["*"], because=NO_RESOURCE)
