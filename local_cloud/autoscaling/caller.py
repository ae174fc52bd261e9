"""What Application Auto Scaling asks of whoever registers a scalable target of SageMaker.

The actions: https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html
It tries them before it takes the target, DescribeEndpointConfig on a name of its own making
(aws-controllers-k8s/community#2110). On what it tries those of alarms is not documented: such a name is the worst case.
"""

from __future__ import annotations

from local_cloud.shared import emulated_identity
from local_cloud.shared.emulator import Headers, Scope
from local_cloud.shared.service_errors import validation_error

ENDPOINT_ACTIONS = (
    "sagemaker:DescribeEndpoint",
    "sagemaker:DescribeEndpointConfig",
    "sagemaker:UpdateEndpointWeightsAndCapacities",
)
ALARM_ACTIONS = ("cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm")
SERVICE = "application-autoscaling.amazonaws.com"
_MADE_UP = "7f4e1944-0000-4000-8000-e055a90787a4"
"""Stands for a name that is another one each time."""


def tried_on(action: str, endpoint: str, scope: Scope) -> str:
    """Return the ARN on which the service tries an action of its caller's."""
    if action in ALARM_ACTIONS:
        return scope.arn("cloudwatch", f"alarm:{_MADE_UP}")
    made_up = action == "sagemaker:DescribeEndpointConfig"
    return scope.arn("sagemaker", f"endpoint-config/{_MADE_UP}" if made_up else f"endpoint/{endpoint.lower()}")


def require_rights(endpoint: str, role_arn: str, scope: Scope, headers: Headers) -> None:
    """Check that an HTTP caller may do to an endpoint what scaling does, and pass the role if it names one.

    Raises:
        ServiceError: `ValidationException`, as the service says it, with all that is missing.
    """
    asked = {action: tried_on(action, endpoint, scope) for action in (*ALARM_ACTIONS, *ENDPOINT_ACTIONS)}
    if role_arn:
        asked["iam:PassRole"] = role_arn
    keys = {"iam:PassedToService": SERVICE}
    missing = [
        action
        for action, resource in asked.items()
        if headers and emulated_identity.caller_denial(headers, scope, action, resource, keys) is not None
    ]
    if missing:
        raise validation_error(f"User is missing the following permissions: {', '.join(missing)}")
