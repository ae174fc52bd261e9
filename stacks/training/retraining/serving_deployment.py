"""How the serving stack is deployed where the stage retrains: by a CloudFormation role of its own, in a boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.shared.names import serving_role_name
from stacks.shared.roles.service_role import Rights, ServiceRole
from stacks.training.retraining.serving_boundary import ServingBoundary
from stacks.training.retraining.serving_rights import allow_serving_stack

if TYPE_CHECKING:
    from stacks.data.shared_data import SharedData
    from stacks.settings.stage import StageSettings
    from stacks.shared.registry_image import RegistryImage

CLOUDFORMATION: Final = "cloudformation.amazonaws.com"


class ServingDeployment(Construct):
    """The role that CloudFormation deploys the serving stack with, its boundary, and who may pass it.

    They are in the training stack: there before the serving stack is deployed, and after it is destroyed.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        data: SharedData,
        image: RegistryImage,
        settings: StageSettings,
    ) -> None:
        super().__init__(scope, construct_id)
        stage, stack = data.platform.stage, cdk.Stack.of(self)
        self.boundary = ServingBoundary(self, "Boundary", data=data, image=image, settings=settings)
        self.role = ServiceRole(
            self,
            "Role",
            name=serving_role_name(stage, cdk.Aws.REGION),
            # IAM lets nobody pass a role of another account, and CloudFormation names no source account when it
            # assumes a stack's role.
            assumed_by=iam.ServicePrincipal(CLOUDFORMATION),
            description="CloudFormation, for the serving stack alone: its resources, roles inside their boundary",
        )
        allow_serving_stack(self.role, self.boundary, data=data, settings=settings)
        qualifier = stack.synthesizer.bootstrap_qualifier or cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER
        self.bootstrap_version_arn = stack.format_arn(
            service="ssm", resource="parameter", resource_name=f"cdk-bootstrap/{qualifier}/version"
        )
        # The bootstrap's deploy role, which the CDK CLI deploys by, may pass the bootstrap's own role only.
        passer = iam.Role.from_role_name(
            self, "DeployRole", f"cdk-{qualifier}-deploy-role-{cdk.Aws.ACCOUNT_ID}-{cdk.Aws.REGION}"
        )
        Rights(
            self, "Passing", roles=[passer], description="cdk deploy: pass CloudFormation the serving stack's role"
        ).allow(
            "iam:PassRole",
            on=[self.role.role_arn],
            when={"StringEquals": {"iam:PassedToService": CLOUDFORMATION}},
        )
