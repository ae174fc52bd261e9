"""How SageMaker exchanges one model for another: the update's policy, and the alarms that undo it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_sagemaker as sagemaker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch

    from stacks.settings.endpoint import RolloutSettings

_Endpoint = sagemaker.CfnEndpoint


def deployment_config(
    settings: RolloutSettings, *, alarms: Sequence[cloudwatch.Alarm]
) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
    """Return the update's policy.

    Blue/green makes a second fleet of the size that scaling gave the first, so that the variant keeps its name and its
    size; a rolling update exchanges the fleet batch by batch, and needs no second one.
    """
    rollback = (
        _Endpoint.AutoRollbackConfigProperty(
            alarms=[_Endpoint.AlarmProperty(alarm_name=alarm.alarm_name) for alarm in alarms]
        )
        if settings.rollback_on_alarm
        else None
    )
    if settings.strategy == "rolling":
        return _Endpoint.DeploymentConfigProperty(
            rolling_update_policy=_Endpoint.RollingUpdatePolicyProperty(
                maximum_batch_size=_share(settings),
                rollback_maximum_batch_size=_share(settings),
                wait_interval_in_seconds=settings.wait_s,
                maximum_execution_timeout_in_seconds=settings.max_duration_s,
            ),
            auto_rollback_configuration=rollback,
        )
    return _Endpoint.DeploymentConfigProperty(
        blue_green_update_policy=_Endpoint.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=_Endpoint.TrafficRoutingConfigProperty(
                type=settings.strategy.upper(),
                canary_size=_share(settings) if settings.strategy == "canary" else None,
                linear_step_size=_share(settings) if settings.strategy == "linear" else None,
                wait_interval_in_seconds=settings.wait_s,
            ),
            termination_wait_in_seconds=settings.wait_s,
            maximum_execution_timeout_in_seconds=settings.max_duration_s,
        ),
        auto_rollback_configuration=rollback,
    )


def _share(settings: RolloutSettings) -> sagemaker.CfnEndpoint.CapacitySizeProperty:
    return _Endpoint.CapacitySizeProperty(type="CAPACITY_PERCENT", value=settings.step_percent)
