"""boto3 clients, given the types that this package uses. boto3 itself ships none."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import boto3

if TYPE_CHECKING:
    from deployment_functions.ports import S3, CloudFormation, Hosting, Logs, SageMaker, Ssm, StepFunctions


def ssm() -> Ssm:
    """Return a client of Systems Manager's parameters."""
    return cast("Ssm", boto3.client("ssm"))


def s3() -> S3:
    """Return a client of S3."""
    return cast("S3", boto3.client("s3"))


def logs() -> Logs:
    """Return a client of CloudWatch Logs."""
    return cast("Logs", boto3.client("logs"))


def step_functions() -> StepFunctions:
    """Return a client of Step Functions."""
    return cast("StepFunctions", boto3.client("stepfunctions"))


def hosting() -> Hosting:
    """Return a client of SageMaker's endpoints."""
    return cast("Hosting", boto3.client("sagemaker"))


def sagemaker() -> SageMaker:
    """Return a client of SageMaker."""
    return cast("SageMaker", boto3.client("sagemaker"))


def cloudformation() -> CloudFormation:
    """Return a client of CloudFormation."""
    return cast("CloudFormation", boto3.client("cloudformation"))
