"""Records of Application Auto Scaling: scalable targets, their policies, and what was done."""

from __future__ import annotations

import re
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from local_cloud.autoscaling.decision import TargetTracking
from local_cloud.autoscaling.schedules import ScheduledAction
from local_cloud.shared import refusals
from local_cloud.shared.emulator import Scope
from local_cloud.shared.service_errors import validation_error
from local_cloud.shared.state import scope_of, scope_record
from local_cloud.shared.wire import JsonObject, JsonValue, Node

NAMESPACE = "sagemaker"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
KEPT_ACTIVITIES = 200
_RESOURCE = re.compile(r"^endpoint/(?P<endpoint>[^/]+)/variant/(?P<variant>[^/]+)$")


@dataclass(frozen=True)
class TargetKey:
    """Which variant of which endpoint."""

    scope: Scope
    resource_id: str

    @classmethod
    def of(cls, scope: Scope, request: Node) -> TargetKey:
        """Read the three members that name a scalable target.

        Raises:
            ServiceError: it is no variant of an endpoint.
        """
        if request.text("ServiceNamespace", NAMESPACE) != NAMESPACE:
            raise validation_error(
                f"Service namespace {request.text('ServiceNamespace')} is not emulated here; {NAMESPACE} is."
            )
        if request.text("ScalableDimension", DIMENSION) != DIMENSION:
            raise validation_error(
                f"Scalable dimension {request.text('ScalableDimension')} is not emulated here; {DIMENSION} is."
            )
        if not _RESOURCE.match(request.text("ResourceId")):
            raise refusals.TARGET_RESOURCE.error(resource=request.text("ResourceId"))
        return cls(scope, request.text("ResourceId"))

    @property
    def endpoint(self) -> str:
        """Name of the endpoint."""
        return self.resource_id.split("/")[1]

    @property
    def variant(self) -> str:
        """Name of the variant."""
        return self.resource_id.split("/")[3]

    def named(self) -> dict[str, str]:
        """Return the values that a refusal names a target by."""
        return {"namespace": NAMESPACE, "resource": self.resource_id, "dimension": DIMENSION}

    def members(self) -> dict[str, JsonValue]:
        """Return the three members that name a target."""
        return {"ServiceNamespace": NAMESPACE, "ResourceId": self.resource_id, "ScalableDimension": DIMENSION}


@dataclass
class Policy:
    """One target-tracking policy of a target."""

    name: str
    arn: str
    configuration: JsonObject
    tracking: TargetTracking
    created: float = field(default_factory=time.time)

    def describe(self, key: TargetKey) -> JsonObject:
        """Return it as DescribeScalingPolicies does."""
        return {
            **key.members(),
            "PolicyARN": self.arn,
            "PolicyName": self.name,
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": self.configuration,
            "Alarms": [],
            "CreationTime": self.created,
        }


@dataclass
class Activity:
    """One change of capacity."""

    key: TargetKey
    capacity: int
    cause: str
    activity_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: float = field(default_factory=time.time)
    ended: float | None = None
    status: str = "InProgress"
    message: str = ""

    def end(self, failure: str) -> None:
        """Tell how it ended; '' for well."""
        self.ended = time.time()
        self.status = "Failed" if failure else "Successful"
        self.message = failure or f"Successfully set desired instance count to {self.capacity}."

    def describe(self) -> JsonObject:
        """Return it as DescribeScalingActivities does."""
        description: dict[str, JsonValue] = {
            **self.key.members(),
            "ActivityId": self.activity_id,
            "Description": f"Setting desired instance count to {self.capacity}.",
            "Cause": self.cause,
            "StartTime": self.started,
            "StatusCode": self.status,
        }
        if self.ended is not None:
            description |= {"EndTime": self.ended, "StatusMessage": self.message}
        return description


@dataclass
class ScalableTarget:
    """One variant that may be scaled between bounds. Times are epoch seconds; 0 is never."""

    key: TargetKey
    arn: str
    minimum: int
    maximum: int
    role_arn: str
    suspended: JsonObject
    tags: dict[str, str] = field(default_factory=dict)
    created: float = field(default_factory=time.time)
    policies: dict[str, Policy] = field(default_factory=dict)
    scheduled: dict[str, ScheduledAction] = field(default_factory=dict)
    last_out: float = 0.0
    last_in: float = 0.0
    activities: deque[Activity] = field(default_factory=lambda: deque(maxlen=KEPT_ACTIVITIES))

    def describe(self) -> JsonObject:
        """Return it as DescribeScalableTargets does."""
        return {
            **self.key.members(),
            "MinCapacity": self.minimum,
            "MaxCapacity": self.maximum,
            "RoleARN": self.role_arn,
            "CreationTime": self.created,
            "SuspendedState": self.suspended,
            "ScalableTargetARN": self.arn,
        }

    def record(self) -> JsonObject:
        """Return it as it is kept between lives; activities are not."""
        return {
            "scope": scope_record(self.key.scope),
            "resource_id": self.key.resource_id,
            "arn": self.arn,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "role_arn": self.role_arn,
            "suspended": self.suspended,
            "tags": self.tags,
            "created": self.created,
            "policies": [
                {
                    "name": policy.name, "arn": policy.arn, "configuration": policy.configuration,
                    "created": policy.created,
                }
                for policy in self.policies.values()
            ],
            "scheduled": [action.describe() for action in self.scheduled.values()],
        }  # fmt: skip

    @classmethod
    def restored(cls, record: Node, tracking: Callable[[Node], TargetTracking]) -> ScalableTarget:
        """Return what was kept."""
        target = cls(
            key=TargetKey(scope_of(record), record.text("resource_id")),
            arn=record.text("arn"),
            minimum=record.integer("minimum"),
            maximum=record.integer("maximum"),
            role_arn=record.text("role_arn"),
            suspended=record.node("suspended").values,
            tags=record.mapping("tags"),
            created=record.number("created"),
        )
        for item in record.nodes("policies"):
            configuration = item.node("configuration")
            policy = Policy(item.text("name"), item.text("arn"), configuration.values, tracking(configuration))
            policy.created = item.number("created")
            target.policies[policy.name] = policy
        for item in record.nodes("scheduled"):
            action = ScheduledAction.restored(item)
            target.scheduled[action.name] = action
        return target

    def look_at_schedule(self, now: float) -> str:
        """Set the bounds of a scheduled action that is due; return its name, '' where none is."""
        due = [action for action in self.scheduled.values() if action.due(now)]
        if not due or self.suspended.get("ScheduledScalingSuspended", False):
            return ""
        bounds = Node(due[-1].bounds)
        self.minimum = bounds.integer("MinCapacity", self.minimum)
        self.maximum = bounds.integer("MaxCapacity", self.maximum)
        return due[-1].name

    def may(self, direction: str) -> bool:
        """Tell whether scaling `In` or `Out` is not suspended."""
        member = {"In": "DynamicScalingInSuspended", "Out": "DynamicScalingOutSuspended"}[direction]
        return not self.suspended.get(member, False)
