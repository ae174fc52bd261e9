"""A Lambda function that does one step of a deploy or of the pipeline, with a role and a log group of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Mapping

RUNTIME: Final = lambda_.Runtime.PYTHON_3_13
ASSETS: Final = Path(__file__).parent.parent / "lambda"
NOT_IN_AN_ASSET: Final = ["**/__pycache__", "__pycache__", "*.pyc", "**/*.pyc"]


def function_code(name: str) -> lambda_.AssetCode:
    """Return the code in lambda/`name`, without what Python leaves behind (that would change its hash)."""
    return lambda_.Code.from_asset(str(ASSETS / name), exclude=NOT_IN_AN_ASSET)


def function_role(scope: Construct, construct_id: str, *, log_group: logs.ILogGroup, description: str) -> iam.Role:
    """Return a role that a function assumes and that may write to `log_group`, and nothing else."""
    role = iam.Role(
        scope, construct_id, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), description=description
    )
    log_group.grant_write(role)
    return role


class DeploymentFunction(Construct):
    """One handler of lambda/deployment."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        handler: str,
        description: str,
        retention: logs.RetentionDays,
        timeout: cdk.Duration | None = None,
        memory_mb: int = 256,
        storage_mb: int = 512,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(self, "Logs", retention=retention, removal_policy=cdk.RemovalPolicy.DESTROY)
        self.role = function_role(self, "Role", log_group=log_group, description=f"Runs the function: {description}")
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=RUNTIME,
            architecture=lambda_.Architecture.ARM_64,
            code=function_code("deployment"),
            handler=f"deployment_functions.{handler}",
            description=description,
            role=self.role,
            log_group=log_group,
            timeout=timeout or cdk.Duration.minutes(1),
            memory_size=memory_mb,
            ephemeral_storage_size=cdk.Size.mebibytes(storage_mb),
            environment=dict(environment or {}),
        )

    def allow(
        self, *actions: str, on: list[str], when: Mapping[str, Mapping[str, object]] | None = None
    ) -> DeploymentFunction:
        """Allow the function `actions` on the ARNs `on`, under the conditions `when`."""
        self.role.add_to_policy(
            iam.PolicyStatement(actions=list(actions), resources=on, conditions=dict(when) if when else None)
        )
        return self

    def custom_resource(
        self, construct_id: str, *, kind: str, properties: Mapping[str, object], timeout: cdk.Duration | None = None
    ) -> cdk.CustomResource:
        """Declare a custom resource that this function creates, updates and deletes.

        It waits for the role's policy: CloudFormation would otherwise call the function before it may do anything,
        and on deletion take its rights away first.
        """
        resource = cdk.CustomResource(
            self,
            construct_id,
            resource_type=f"Custom::{kind}",
            service_token=self.function.function_arn,
            properties=dict(properties),
            service_timeout=timeout or cdk.Duration.minutes(15),
        )
        resource.node.add_dependency(self.role)
        return resource
