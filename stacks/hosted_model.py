"""The model as SageMaker hosts it, and the role that the container runs under."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.training_role import (
    MODELS_PREFIX,
    encrypt_volumes,
    pull_image,
    put_metrics,
    sagemaker_principal,
    write_sagemaker_logs,
)

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

    from stacks.ntm_image import NtmImage

METRICS_NAMESPACE: Final = "/aws/sagemaker/Endpoints"


class HostedModel(Construct):
    """Image and artifact of the approved model. It has no name: a new artifact makes a new model."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        artifact_uri: str,
        artifacts: s3.IBucket,
        key: kms.IKey,
        image: NtmImage,
        endpoint_name: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=sagemaker_principal(cdk.Stack.of(self)),
            description="The hosted topic model: read its artifact, log",
        )
        self.role.add_to_policy(
            iam.PolicyStatement(actions=["s3:GetObject"], resources=[artifacts.arn_for_objects(f"{MODELS_PREFIX}*")])
        )
        self.role.add_to_policy(iam.PolicyStatement(actions=["kms:Decrypt"], resources=[key.key_arn]))
        encrypt_volumes(self.role, key)
        write_sagemaker_logs(self.role, f"Endpoints/{endpoint_name}")
        put_metrics(self.role, METRICS_NAMESPACE)
        pull_image(self.role, image)
        self.model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=self.role.role_arn,
            enable_network_isolation=True,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=image.uri, model_data_url=artifact_uri
            ),
        )
        # The role's policy too must be there before SageMaker looks at the artifact.
        self.model.node.add_dependency(self.role)
