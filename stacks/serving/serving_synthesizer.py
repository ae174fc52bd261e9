"""What of the serving stack says that it is deployed by a CloudFormation role of its own."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from stacks.shared.names import serving_boundary_name, serving_role_name


def serving_synthesizer(stage: str) -> cdk.DefaultStackSynthesizer:
    """Return the synthesizer by which the CDK CLI hands the serving stack's own role to CloudFormation."""
    name = serving_role_name(stage, "${AWS::Region}")
    return cdk.DefaultStackSynthesizer(
        cloud_formation_execution_role=f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{name}"
    )


def bound_roles(stack: cdk.Stack, stage: str) -> None:
    """Give every role of the serving stack its boundary, without which its CloudFormation role can make none."""
    boundary = iam.ManagedPolicy.from_managed_policy_name(
        stack, "Boundary", serving_boundary_name(stage, cdk.Aws.REGION)
    )
    iam.PermissionsBoundary.of(stack).apply(boundary)
