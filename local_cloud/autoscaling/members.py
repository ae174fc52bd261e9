"""What of Application Auto Scaling's requests has no effect here, and what is refused, by operation."""

from __future__ import annotations

from collections.abc import Mapping

from local_cloud.shared.members import Members

MEMBERS: Mapping[str, Members] = {
    "RegisterScalableTarget": Members(without_effect=("RoleARN",)),
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
    "PutScheduledAction": Members(refused=("StartTime", "EndTime")),
    "DeleteScheduledAction": Members(),
    "DescribeScheduledActions": Members(without_effect=("ScalableDimension",)),
    "DescribeScalableTargets": Members(without_effect=("ScalableDimension",)),
    "DescribeScalingPolicies": Members(without_effect=("ScalableDimension",)),
    "DescribeScalingActivities": Members(without_effect=("ScalableDimension", "IncludeNotScaledActivities")),
}
