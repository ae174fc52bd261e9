"""The model as SageMaker hosts it, and the role that the container runs under."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.shared.bucket_layout import MODELS_PREFIX
from stacks.shared.roles.sagemaker_rights import (
    SAGEMAKER,
    encrypt_volumes,
    pull_image,
    put_metrics,
    write_sagemaker_logs,
)
from stacks.shared.roles.service_role import ServiceRole, service_principal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stacks.data.shared_data import SharedData
    from stacks.shared.registry_image import RegistryImage

METRICS_NAMESPACE: Final = "/aws/sagemaker/Endpoints"


class HostedModel(Construct):
    """Image and artifact of the approved model. It has no name: a new artifact makes a new model."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        artifact_uri: str,
        data: SharedData,
        image: RegistryImage,
        endpoint_name: str,
        serverless: bool,
        watched: bool,
        environment: Mapping[str, str] | None,
    ) -> None:
        super().__init__(scope, construct_id)
        artifacts, key, platform, captured = data.artifacts, data.key, data.platform, data.captured
        self.role = ServiceRole(
            self,
            "Role",
            assumed_by=service_principal(SAGEMAKER, cdk.Stack.of(self)),
            description="The hosted topic model: read its artifact, log",
        )
        self.role.allow(
            "s3:GetObject",
            on=[artifacts.arn_for_objects(f"{MODELS_PREFIX}*")],
            because="Which model is served is decided by an approval, after the role was made.",
        )
        self.role.allow("kms:Decrypt", on=[key.key_arn])
        encrypt_volumes(self.role, key)
        write_sagemaker_logs(self.role, f"Endpoints/{endpoint_name}", declared=True)
        put_metrics(self.role, METRICS_NAMESPACE)
        pull_image(self.role, image)
        if watched:
            # The alarms that take a rollout back are looked at under this role (deployment guardrails' configuration).
            stack = cdk.Stack.of(self)
            self.role.allow(
                "cloudwatch:DescribeAlarms",
                on=[
                    stack.format_arn(
                        service="cloudwatch",
                        resource="alarm",
                        resource_name=f"{stack.stack_name}-*",
                        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                    )
                ],
                because="CloudFormation names alarms by the stack and a suffix that is not known before.",
            )
        if captured is not None:
            captured.grant_write(self.role)
        if platform.placement is not None:
            self.role.allow_interfaces(sagemaker=True)
        self.model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=self.role.role_arn,
            # A serverless endpoint has neither isolation nor a VPC; settings that ask for them refuse it.
            enable_network_isolation=None if serverless else True,
            vpc_config=platform.placement.of_model() if platform.placement is not None else None,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=image.uri, model_data_url=artifact_uri, environment=environment
            ),
        )
        # The role's policy too must be there before SageMaker looks at the artifact.
        self.model.node.add_dependency(self.role)
