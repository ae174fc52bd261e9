"""Puts the previous model's approval back when the one that was to replace it could not be rolled out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from constructs import Construct

from stacks.shared.deployment_function import DeploymentFunction
from stacks.shared.model_parameters import FIELDS_OF_A_MODEL, parameters_arn
from stacks.shared.names import parameters_prefix

from deployment_functions.model_fields import APPROVED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stacks.shared.platform import Platform


class ApprovalGuard(Construct):
    """A resource that only ever acts in a rollback: forward, the parameters already hold what it is given."""

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
        self.resource = (
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
            .custom_resource(
                "Approval",
                kind="ApprovedModel",
                properties={"Parameters": parameters_prefix(platform.stage), "Model": dict(approved)},
            )
        )
