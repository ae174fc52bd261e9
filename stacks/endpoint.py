"""A SageMaker endpoint that keeps its address for life and its size across updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks import instance_types

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

    from stacks.settings import EndpointSettings

VARIANT: Final = "AllTraffic"
"""The one variant's name. Blue/green updates need the same name before and after."""


class AutoscaledEndpoint(Construct):
    """Endpoint config, endpoint and scaling of one model.

    The config has no name: it is replaced whenever the model changes, and CloudFormation must be able to create the
    next one before it deletes the last.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        model: sagemaker.CfnModel,
        settings: EndpointSettings,
        key: kms.IKey,
        retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            # Hosts with disks of their own encrypt them in hardware, and refuse a key.
            kms_key_id=None if instance_types.has_local_nvme(settings.instance_type) else key.key_arn,
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=VARIANT,
                    model_name=model.attr_model_name,
                    instance_type=settings.instance_type,
                    initial_instance_count=settings.min_instances,
                    initial_variant_weight=1,
                )
            ],
        )
        # SageMaker would make the group by itself, keep what is in it for ever, and leave it behind.
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/sagemaker/Endpoints/{name}",
            retention=retention,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=name,
            endpoint_config_name=config.attr_endpoint_config_name,
            retain_all_variant_properties=True,
            exclude_retained_variant_properties=[
                # Without this an update would also keep the old data capture setting.
                sagemaker.CfnEndpoint.VariantPropertyProperty(variant_property_type="DataCaptureConfig")
            ],
        )
        self.endpoint.node.add_dependency(log_group)
        self._scale(settings)

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow `grantee` to call this endpoint, and no other."""
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=["sagemaker:InvokeEndpoint"], resource_arns=[self.endpoint.ref]
        )

    def _scale(self, settings: EndpointSettings) -> None:
        if settings.max_instances == settings.min_instances:
            return
        stack = cdk.Stack.of(self)
        target = scaling.ScalableTarget(
            self,
            "Scaling",
            service_namespace=scaling.ServiceNamespace.SAGEMAKER,
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            resource_id=f"endpoint/{self.endpoint.attr_endpoint_name}/variant/{VARIANT}",
            min_capacity=settings.min_instances,
            max_capacity=settings.max_instances,
            # The service's own linked role; left out, CDK would create one that is never used.
            role=iam.Role.from_role_arn(
                self,
                "ServiceLinkedRole",
                f"arn:{stack.partition}:iam::{stack.account}:role/aws-service-role/"
                "sagemaker.application-autoscaling.amazonaws.com/"
                "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
            ),
        )
        target.scale_to_track_metric(
            "Invocations",
            target_value=settings.invocations_per_instance_per_minute,
            predefined_metric=scaling.PredefinedMetric.SAGEMAKER_VARIANT_INVOCATIONS_PER_INSTANCE,
            scale_in_cooldown=cdk.Duration.seconds(settings.scale_in_cooldown_s),
            scale_out_cooldown=cdk.Duration.seconds(settings.scale_out_cooldown_s),
        )
