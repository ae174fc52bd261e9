"""Operations of Application Auto Scaling."""

from __future__ import annotations

import secrets
import threading
import uuid
from typing import TYPE_CHECKING

from local_cloud.autoscaling.caller import require_rights
from local_cloud.autoscaling.decision import DEFAULT_COOLDOWN_MINUTES, TargetTracking
from local_cloud.autoscaling.members import MEMBERS
from local_cloud.autoscaling.schedules import ScheduledAction
from local_cloud.autoscaling.targets import NAMESPACE, Policy, ScalableTarget, TargetKey
from local_cloud.shared import refusals
from local_cloud.shared.json_service import Call, JsonService, Operation
from local_cloud.shared.service_errors import ServiceError, validation_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local_cloud.sagemaker.hosting.endpoints import Endpoints
    from local_cloud.shared.emulator import Headers, Query, Response, Scope
    from local_cloud.shared.wire import JsonObject, JsonValue, Node

NAME = "application-autoscaling"
TARGET_PREFIX = "AnyScaleFrontendService"
METRIC = "SageMakerVariantInvocationsPerInstance"
SECONDS_A_MINUTE = 60.0
DEFAULT_PAGE = 50


class ApplicationAutoScaling:
    """Scalable targets and policies. What the policies decide is carried out by the evaluator."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._targets: dict[TargetKey, ScalableTarget] = {}
        self._lock = threading.Lock()
        endpoints.scaled_variants = self._scaled_variants
        operations: dict[str, Operation] = {
            "RegisterScalableTarget": self._register,
            "DeregisterScalableTarget": self._deregister,
            "DescribeScalableTargets": self._describe_targets,
            "PutScalingPolicy": self._put_policy,
            "DeleteScalingPolicy": self._delete_policy,
            "DescribeScalingPolicies": self._describe_policies,
            "DescribeScalingActivities": self._describe_activities,
            "PutScheduledAction": self._put_scheduled,
            "DeleteScheduledAction": self._delete_scheduled,
            "DescribeScheduledActions": self._describe_scheduled,
            "ListTagsForResource": lambda call: {"Tags": self._tagged(call).tags},
            "TagResource": self._tag,
            "UntagResource": self._untag,
        }
        self.api = JsonService(NAME, TARGET_PREFIX, operations, MEMBERS)

    async def handle(self, method: str, path: str, headers: Headers, body: bytes, query: Query) -> Response:
        """Answer an HTTP request."""
        return await self.api.handle(method, path, headers, body, query)

    def record(self) -> JsonValue:
        """Return every target with its policies, as it is kept between lives."""
        return [target.record() for target in self.targets()]

    def restore(self, records: list[Node]) -> None:
        """Take over what was kept."""
        targets = [ScalableTarget.restored(record, _tracking) for record in records]
        self._targets = {target.key: target for target in targets}

    def targets(self) -> list[ScalableTarget]:
        """Return every scalable target."""
        with self._lock:
            return list(self._targets.values())

    def _scaled_variants(self, scope: Scope, endpoint: str) -> list[str]:
        keys = [target.key for target in self.targets()]
        return [key.variant for key in keys if (key.scope, key.endpoint) == (scope, endpoint)]

    def _register(self, call: Call) -> JsonObject:
        request, key = call.request, TargetKey.of(call.scope, call.request)
        require_rights(key.endpoint, request.text("RoleARN"), call.scope, call.headers)
        endpoint = self._endpoints.endpoint(call.scope, key.endpoint)
        variants = {variant.name: variant for variant in endpoint.config.variants}
        if key.variant not in variants:
            raise refusals.TARGET_UNKNOWN_VARIANT.error(
                variant=key.variant, endpoint=key.endpoint, variants=", ".join(variants)
            )
        if variants[key.variant].serverless:
            raise refusals.TARGET_SERVERLESS.error(variant=key.variant)
        instance_type = variants[key.variant].instance_type
        if instance_type.startswith("ml.t"):
            raise refusals.TARGET_BURSTABLE.error(variant=key.variant, type=instance_type)
        with self._lock:
            known = self._targets.get(key)
            if known is None and not ("MinCapacity" in request and "MaxCapacity" in request):
                raise refusals.TARGET_WITHOUT_BOUNDS.error()
            if known is not None and "Tags" in request:
                raise refusals.TARGET_TAGGED_AGAIN.error()
            target = known or ScalableTarget(
                key=key,
                arn=call.scope.arn(NAME, f"scalable-target/{secrets.token_hex(17)}"),
                minimum=0,
                maximum=0,
                role_arn=request.text("RoleARN") or _linked_role(call.scope.account),
                suspended={},
            )
            minimum = request.integer("MinCapacity", target.minimum)
            maximum = request.integer("MaxCapacity", target.maximum)
            if minimum < 1:
                raise refusals.TARGET_MINIMUM.error(minimum=minimum)
            if minimum > maximum:
                raise refusals.TARGET_BOUNDS.error(maximum=maximum, minimum=minimum)
            target.minimum, target.maximum = minimum, maximum
            if "Tags" in request:
                target.tags = request.mapping("Tags")
            if "SuspendedState" in request:
                target.suspended = request.node("SuspendedState").values
            self._targets[key] = target
        return {"ScalableTargetARN": target.arn}

    def _deregister(self, call: Call) -> JsonObject:
        key = TargetKey.of(call.scope, call.request)
        with self._lock:
            self._known(key)
            del self._targets[key]
        return {}

    def _describe_targets(self, call: Call) -> JsonObject:
        wanted = call.request.texts("ResourceIds")
        targets = [
            target.describe()
            for target in self.targets()
            if target.key.scope == call.scope and (not wanted or target.key.resource_id in wanted)
        ]
        return _page(targets, call.request, "ScalableTargets")

    def _put_policy(self, call: Call) -> JsonObject:
        request, key = call.request, TargetKey.of(call.scope, call.request)
        name = request.text("PolicyName")
        configuration = request.node("TargetTrackingScalingPolicyConfiguration")
        tracking = _tracking(configuration)
        with self._lock:
            target = self._known(key)
            known = target.policies.get(name)
            if known is None and target.policies:
                raise refusals.SECOND_POLICY.error(metric=METRIC, resource=key.resource_id)
            arn = known.arn if known else (
                f"arn:aws:autoscaling:{call.scope.region}:{call.scope.account}:scalingPolicy:{uuid.uuid4()}:"
                f"resource/{NAMESPACE}/{key.resource_id}:policyName/{name}"
            )  # fmt: skip
            target.policies[name] = Policy(name, arn, configuration.values, tracking)
        return {"PolicyARN": arn, "Alarms": []}

    def _delete_policy(self, call: Call) -> JsonObject:
        key, name = TargetKey.of(call.scope, call.request), call.request.text("PolicyName")
        with self._lock:
            target = self._targets.get(key)
            if target is None or target.policies.pop(name, None) is None:
                raise refusals.POLICY_MISSING.error(**key.named(), name=name)
        return {}

    def _describe_policies(self, call: Call) -> JsonObject:
        names, resource = call.request.texts("PolicyNames"), call.request.text("ResourceId")
        policies = [
            policy.describe(target.key)
            for target in self.targets()
            for policy in target.policies.values()
            if target.key.scope == call.scope
            and (not names or policy.name in names)
            and (not resource or target.key.resource_id == resource)
        ]
        return _page(policies, call.request, "ScalingPolicies")

    def _describe_activities(self, call: Call) -> JsonObject:
        resource = call.request.text("ResourceId")
        activities = [
            activity.describe()
            for target in self.targets()
            for activity in reversed(target.activities)
            if target.key.scope == call.scope and (not resource or target.key.resource_id == resource)
        ]
        return _page(activities, call.request, "ScalingActivities")

    def _put_scheduled(self, call: Call) -> JsonObject:
        request, key = call.request, TargetKey.of(call.scope, call.request)
        name = request.text("ScheduledActionName")
        with self._lock:
            target = self._known(key)
            known = target.scheduled.get(name)
            arn = known.arn if known else (
                f"arn:aws:autoscaling:{call.scope.region}:{call.scope.account}:scheduledAction:{uuid.uuid4()}:"
                f"resource/{NAMESPACE}/{key.resource_id}:scheduledActionName/{name}"
            )  # fmt: skip
            target.scheduled[name] = ScheduledAction.of(request, arn)
        return {}

    def _delete_scheduled(self, call: Call) -> JsonObject:
        key, name = TargetKey.of(call.scope, call.request), call.request.text("ScheduledActionName")
        with self._lock:
            if self._known(key).scheduled.pop(name, None) is None:
                raise ServiceError("ObjectNotFoundException", f"No scheduled action found with name: {name}")
        return {}

    def _describe_scheduled(self, call: Call) -> JsonObject:
        names, resource = call.request.texts("ScheduledActionNames"), call.request.text("ResourceId")
        found = [
            {**target.key.members(), **action.describe()}
            for target in self.targets()
            for action in target.scheduled.values()
            if target.key.scope == call.scope
            and (not names or action.name in names)
            and (not resource or target.key.resource_id == resource)
        ]
        return _page(found, call.request, "ScheduledActions")

    def _tag(self, call: Call) -> JsonObject:
        self._tagged(call).tags.update(call.request.mapping("Tags"))
        return {}

    def _untag(self, call: Call) -> JsonObject:
        target = self._tagged(call)
        target.tags = {key: value for key, value in target.tags.items() if key not in call.request.texts("TagKeys")}
        return {}

    def _tagged(self, call: Call) -> ScalableTarget:
        arn = call.request.text("ResourceARN")
        found = [target for target in self.targets() if target.arn == arn]
        if not found:
            raise ServiceError("ResourceNotFoundException", f"No scalable target found for resource ARN: {arn}")
        return found[0]

    def _known(self, key: TargetKey) -> ScalableTarget:
        target = self._targets.get(key)
        if target is None:
            raise refusals.TARGET_MISSING.error(**key.named())
        return target


def _tracking(configuration: Node) -> TargetTracking:
    metric = configuration.node("PredefinedMetricSpecification").text("PredefinedMetricType")
    if not metric:
        raise validation_error(f"TargetTrackingScalingPolicyConfiguration must name the predefined metric {METRIC}.")
    target = configuration.number("TargetValue")
    if target <= 0:
        raise refusals.TARGET_VALUE.error(value=target)
    default_s = DEFAULT_COOLDOWN_MINUTES * SECONDS_A_MINUTE
    return TargetTracking(
        target=target,
        scale_in_cooldown=configuration.number("ScaleInCooldown", default_s) / SECONDS_A_MINUTE,
        scale_out_cooldown=configuration.number("ScaleOutCooldown", default_s) / SECONDS_A_MINUTE,
        disable_scale_in=configuration.flag("DisableScaleIn"),
    )


def _linked_role(account: str) -> str:
    return (
        f"arn:aws:iam::{account}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
        "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    )


def _page(found: Sequence[JsonObject], request: Node, member: str) -> JsonObject:
    if request.text("ServiceNamespace") != NAMESPACE:
        found = []
    token = request.text("NextToken", "0")
    start = int(token) if token.isdecimal() else 0
    end = start + request.integer("MaxResults", DEFAULT_PAGE)
    answer: dict[str, JsonValue] = {member: found[start:end]}
    if end < len(found):
        answer["NextToken"] = str(end)
    return answer
