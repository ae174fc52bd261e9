"""A SageMaker endpoint that keeps its address for life and its size across updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.serving.rollout import deployment_config
from stacks.settings import instance_types
from stacks.settings.endpoint import IDLE_INSTANCES
from stacks.shared.acknowledgments import PACKS, acknowledge, everywhere
from stacks.shared.variant import LINKED_ROLE, VARIANT

if TYPE_CHECKING:
    from stacks.data.captured import CaptureLocation
    from stacks.data.shared_data import SharedData
    from stacks.settings.endpoint import EndpointSettings, RolloutSettings, ScheduleSettings
    from stacks.shared.alarms import RolloutAlarms

ENCRYPTED_BY_THE_HOST: Final = (
    "Hosts of this type store on NVMe disks of their own, which the hardware encrypts: SageMaker refuses a key."
)


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
        data: SharedData,
        rollout: RolloutSettings,
        alarms: RolloutAlarms,
    ) -> None:
        super().__init__(scope, construct_id)
        captured = data.captured
        self.config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            kms_key_id=data.key.key_arn if _takes_key(settings) else None,
            production_variants=[_variant(settings, model)],
            data_capture_config=_capture(captured) if captured is not None else None,
        )
        if settings.serverless is None and not _takes_key(settings):
            rule = "SageMakerEndpointConfigurationKMSKeyConfigured"
            acknowledge(self.config, everywhere(rule, ENCRYPTED_BY_THE_HOST, packs=PACKS[1:4]))
        # SageMaker would make the group by itself, keep what is in it for ever, and leave it behind.
        log_group = data.platform.log_group(self, "Logs", name=f"/aws/sagemaker/Endpoints/{name}")
        self.endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=name,
            endpoint_config_name=self.config.attr_endpoint_config_name,
            # What scaling has made of the fleet stays. A fleet of fixed size has the size that its settings say.
            retain_all_variant_properties=True if settings.scales else None,
            deployment_config=deployment_config(rollout, alarms=alarms.alarms),
        )
        self.endpoint.node.add_dependency(log_group, alarms)
        if settings.scales:
            self._scale(settings)

    def _scale(self, settings: EndpointSettings) -> None:
        target = scaling.ScalableTarget(
            self,
            "Scaling",
            service_namespace=scaling.ServiceNamespace.SAGEMAKER,
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            resource_id=f"endpoint/{self.endpoint.attr_endpoint_name}/variant/{VARIANT}",
            min_capacity=settings.min_instances,
            max_capacity=settings.max_instances,
            # Left out, CDK would make a role that is never used.
            role=iam.Role.from_role_name(self, "ServiceLinkedRole", LINKED_ROLE),
        )
        if not isinstance(declared := target.node.default_child, scaling.CfnScalableTarget):
            raise TypeError(f"{target.node.path} declares no scalable target")
        # Whoever names the role must be allowed to pass it. Unnamed, it is the service's own, made where it is missing.
        declared.add_property_deletion_override("RoleARN")
        if settings.schedule is not None:
            declared.scheduled_actions = _scheduled(settings.schedule, settings)
        target.scale_to_track_metric(
            "Invocations",
            target_value=settings.invocations_per_instance_per_minute,
            predefined_metric=scaling.PredefinedMetric.SAGEMAKER_VARIANT_INVOCATIONS_PER_INSTANCE,
            scale_in_cooldown=cdk.Duration.seconds(settings.scale_in_cooldown_s),
            scale_out_cooldown=cdk.Duration.seconds(settings.scale_out_cooldown_s),
        )


def _scheduled(
    schedule: ScheduleSettings, settings: EndpointSettings
) -> list[cdk.IResolvable | scaling.CfnScalableTarget.ScheduledActionProperty]:
    idle, usual = (IDLE_INSTANCES, IDLE_INSTANCES), (settings.min_instances, settings.max_instances)
    return [
        scaling.CfnScalableTarget.ScheduledActionProperty(
            scheduled_action_name=name,
            schedule=moment,
            timezone=schedule.time_zone,
            scalable_target_action=scaling.CfnScalableTarget.ScalableTargetActionProperty(
                min_capacity=least, max_capacity=most
            ),
        )
        for name, moment, (least, most) in (("down", schedule.down, idle), ("up", schedule.up, usual))
    ]


def _takes_key(settings: EndpointSettings) -> bool:
    # Hosts with disks of their own encrypt them in hardware and refuse a key; serverless has no storage of ours.
    return settings.serverless is None and not instance_types.has_local_nvme(settings.instance_type)


def _variant(
    settings: EndpointSettings, model: sagemaker.CfnModel
) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
    if settings.serverless is not None:
        return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
            variant_name=VARIANT,
            model_name=model.attr_model_name,
            initial_variant_weight=1,
            serverless_config=sagemaker.CfnEndpointConfig.ServerlessConfigProperty(
                memory_size_in_mb=settings.serverless.memory_mb, max_concurrency=settings.serverless.max_concurrency
            ),
        )
    return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
        variant_name=VARIANT,
        model_name=model.attr_model_name,
        instance_type=settings.instance_type,
        initial_instance_count=settings.min_instances,
        initial_variant_weight=1,
    )


def _capture(captured: CaptureLocation) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty:
    option = sagemaker.CfnEndpointConfig.CaptureOptionProperty
    return sagemaker.CfnEndpointConfig.DataCaptureConfigProperty(
        enable_capture=True,
        initial_sampling_percentage=captured.settings.sampling_percent,
        destination_s3_uri=captured.uri,
        kms_key_id=captured.key.key_arn,
        capture_options=[option(capture_mode="Input"), option(capture_mode="Output")],
        capture_content_type_header=sagemaker.CfnEndpointConfig.CaptureContentTypeHeaderProperty(
            csv_content_types=["text/csv"], json_content_types=["application/json", "application/jsonlines"]
        ),
    )
