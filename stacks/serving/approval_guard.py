"""Puts the previous model's approval back when its successor was not rolled out, and asks whether it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from constructs import Construct

from stacks.shared.deployment_function import DeploymentFunction
from stacks.shared.model_parameters import FIELDS_OF_A_MODEL, parameters_arn
from stacks.shared.names import endpoint_name, parameters_prefix

from deployment_functions.model_fields import APPROVED, ENDPOINT, ENDPOINT_CONFIG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_sagemaker as sagemaker

    from stacks.shared.platform import Platform


class ApprovalGuard(Construct):
    """Resources that act when a rollout does not stay: forward, the parameters already hold what they are given."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        approved: Mapping[str, str],
        platform: Platform,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        self._endpoint = endpoint_name(platform.stage)
        endpoint = stack.format_arn(service="sagemaker", resource="endpoint", resource_name=self._endpoint)
        self._function = (
            DeploymentFunction(
                self,
                "Restorer",
                handler="deploy.approval_guard.handle",
                description="Restores the approved model's parameters when the rollout of another is rolled back",
                platform=platform,
            )
            .allow(
                "ssm:GetParameter",
                "ssm:PutParameter",
                on=[parameters_arn(stack, platform.stage, f"{APPROVED}/*")],
                because=FIELDS_OF_A_MODEL,
            )
            .allow("sagemaker:DescribeEndpoint", on=[endpoint])
        )
        self.resource = self._function.custom_resource(
            "Approval",
            kind="ApprovedModel",
            properties={"Parameters": parameters_prefix(platform.stage), "Model": dict(approved)},
        )

    def rolled_out(self, endpoint: sagemaker.CfnEndpoint, config: sagemaker.CfnEndpointConfig) -> cdk.CustomResource:
        """Declare what fails the update where SageMaker has taken the rollout back unseen."""
        resource = self._function.custom_resource(
            "RolledOut",
            kind="RolledOutEndpoint",
            properties={ENDPOINT: self._endpoint, ENDPOINT_CONFIG: config.attr_endpoint_config_name},
        )
        resource.node.add_dependency(endpoint)
        return resource
