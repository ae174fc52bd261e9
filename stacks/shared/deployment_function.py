"""A Lambda function that does one step of a deploy or of the pipeline, with a role and a log group of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.shared.acknowledgments import acknowledge, everywhere
from stacks.shared.roles.service_role import NO_RESOURCE, ServiceRole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_logs as logs

    from stacks.shared.platform import Platform

ASSETS: Final = Path(__file__).parents[2] / "lambda"
DLQ_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R5", "Serverless")
NEVER_QUEUED: Final = (
    "Called synchronously: its caller is told of every failure. Lambda puts only asynchronous events into a "
    "dead-letter queue, so one would stay empty here."
)
ONE_AT_A_TIME: Final = (
    "Called by a deploy or by the pipeline, one at a time, and by nobody else. A reservation would take from the "
    "account's pool what the URL's function, which has one, may need."
)
PYTHON_RUNTIME: Final = lambda_.Runtime.PYTHON_3_14
ARCHITECTURE: Final = lambda_.Architecture.ARM_64
NOT_IN_AN_ASSET: Final = ["**/__pycache__", "__pycache__", "*.pyc", "**/*.pyc"]


def never_queued() -> dict[str, str]:
    """Return what is acknowledged of a function that is only called synchronously."""
    return everywhere("LambdaDLQ", NEVER_QUEUED, packs=DLQ_PACKS) | {"CKV_AWS_116": NEVER_QUEUED}


def function_code(name: str, *packages: str) -> lambda_.AssetCode:
    """Return the code in lambda/`name`, without what Python leaves behind (that would change its hash).

    Modules that training and the function share are links to the one file, and are copied.

    Args:
        name: of the folder.
        packages: the packages of it that the function needs; all where none is named.
    """
    folder = ASSETS / name
    others = sorted(entry.name for entry in folder.iterdir() if packages and entry.name not in packages)
    return lambda_.Code.from_asset(
        str(folder), exclude=[*NOT_IN_AN_ASSET, *others], follow_symlinks=cdk.SymlinkFollowMode.EXTERNAL
    )


def function_role(
    scope: Construct, construct_id: str, *, log_group: logs.ILogGroup, description: str, platform: Platform
) -> ServiceRole:
    """Return a role that a function assumes and that may log, trace and be in the stage's VPC, and nothing else."""
    role = ServiceRole(
        scope, construct_id, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), description=description
    )
    role.allow("logs:CreateLogStream", "logs:PutLogEvents", on=[log_group.log_group_arn])
    role.allow("kms:Decrypt", on=[platform.operations_key_arn])
    if platform.placement is not None:
        role.allow_interfaces()
    if platform.tracing:
        # What CDK allows a function that is traced.
        role.acknowledge_wildcard("*", because=NO_RESOURCE)
    return role


def settle(function: lambda_.Function, platform: Platform) -> None:
    """Put a function into the stage's VPC, and its environment under the operations key."""
    resource = function.node.default_child
    if not isinstance(resource, lambda_.CfnFunction):
        raise TypeError(f"{function.node.path} declares no function")
    resource.kms_key_arn = platform.operations_key_arn
    if platform.placement is not None:
        platform.placement.place(function)


def tracing(platform: Platform) -> lambda_.Tracing:
    """Return whether the stage's functions are traced, as Lambda takes it."""
    return lambda_.Tracing.ACTIVE if platform.tracing else lambda_.Tracing.DISABLED


class DeploymentFunction(Construct):
    """One handler of lambda/deployment."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        handler: str,
        description: str,
        platform: Platform,
        asynchronous: bool = True,
        timeout: cdk.Duration | None = None,
        memory_mb: int = 256,
        storage_mb: int = 512,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = platform.log_group(self, "Logs")
        self.role = function_role(
            self, "Role", log_group=log_group, description=f"Runs the function: {description}", platform=platform
        )
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=PYTHON_RUNTIME,
            architecture=ARCHITECTURE,
            code=function_code("deployment"),
            handler=f"deployment_functions.{handler}",
            description=description,
            role=self.role,
            log_group=log_group,
            timeout=timeout or cdk.Duration.minutes(1),
            memory_size=memory_mb,
            ephemeral_storage_size=cdk.Size.mebibytes(storage_mb),
            environment=dict(environment or {}),
            tracing=tracing(platform),
            dead_letter_queue=platform.lost_events if asynchronous else None,
        )
        settle(self.function, platform)
        if asynchronous:
            self.role.allow("kms:GenerateDataKey", on=[platform.operations_key_arn])
        else:
            acknowledge(self.function, never_queued())
        one_at_a_time = everywhere("LambdaConcurrency", ONE_AT_A_TIME, packs=DLQ_PACKS[:2])
        acknowledge(self.function, one_at_a_time | {"CKV_AWS_115": ONE_AT_A_TIME})

    def allow(
        self,
        *actions: str,
        on: list[str],
        because: str | None = None,
        when: Mapping[str, Mapping[str, object]] | None = None,
    ) -> DeploymentFunction:
        """Allow the function `actions` on the ARNs `on`; see ServiceRole."""
        self.role.allow(*actions, on=on, because=because, when=when)
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
