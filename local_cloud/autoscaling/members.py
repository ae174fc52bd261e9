"""What of Application Auto Scaling's requests has no effect here, and what is refused, by operation."""

from __future__ import annotations

from collections.abc import Mapping

from local_cloud.shared.members import Members

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
