"""What of Application Auto Scaling's requests has no effect here, and what is refused, by operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_cloud.shared.members import Members

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMBERS: Mapping[str, Members] = {
    "RegisterScalableTarget": Members(without_effect=("RoleARN", "SuspendedState.ScheduledScalingSuspended")),
    "PutScalingPolicy": Members(
        without_effect=("TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.ResourceLabel",),
        refused=(
            "StepScalingPolicyConfiguration",
            "PredictiveScalingPolicyConfiguration",
            "TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification",
        ),
        only={
            "PolicyType": ("TargetTrackingScaling",),
            "TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.PredefinedMetricType": (
                "SageMakerVariantInvocationsPerInstance",
            ),
        },
    ),
    "DescribeScalableTargets": Members(without_effect=("ScalableDimension",)),
    "DescribeScalingPolicies": Members(without_effect=("ScalableDimension",)),
    "DescribeScalingActivities": Members(without_effect=("ScalableDimension", "IncludeNotScaledActivities")),
}
