"""AWS::ApplicationAutoScaling::ScalableTarget and ::ScalingPolicy."""

from __future__ import annotations

from local_cloud.autoscaling.service import ApplicationAutoScaling
from local_cloud.cloudformation.handlers import Created, ResourceType
from local_cloud.cloudformation.sagemaker import call, request_of
from local_cloud.shared.wire import JsonObject, JsonValue, MutableJson, Node

_TARGET = ("ServiceNamespace", "ResourceId", "ScalableDimension")


def resource_types(autoscaling: ApplicationAutoScaling) -> list[ResourceType]:
    """Return the two types."""
    return [
        ResourceType("AWS::ApplicationAutoScaling::ScalableTarget", _TargetHandler(autoscaling), has_tags=True),
        ResourceType("AWS::ApplicationAutoScaling::ScalingPolicy", _PolicyHandler(autoscaling)),
    ]


class _TargetHandler:
    def __init__(self, autoscaling: ApplicationAutoScaling) -> None:
        self._api = autoscaling.api

    def create(self, logical_id: str, properties: JsonObject) -> Created:
        del logical_id
        given = {name: value for name, value in properties.items() if name not in {"ScheduledActions", "Tags"}}
        if "Tags" in properties:
            # A list in templates, a map in the API.
            given["Tags"] = {tag.text("Key"): tag.text("Value") for tag in Node(properties).nodes("Tags")}
        call(self._api, "RegisterScalableTarget", request_of(self._api, "RegisterScalableTarget", given))
        physical_id = "|".join(
            [str(given["ResourceId"]), str(given["ScalableDimension"]), str(given["ServiceNamespace"])]
        )
        self._schedule(physical_id, Node(properties))
        return physical_id, {"Id": physical_id}

    def _schedule(self, physical_id: str, properties: Node) -> None:
        """Have the target the scheduled actions of the template, and no others."""
        target = _members(physical_id)
        wanted = properties.nodes("ScheduledActions")
        names = {action.text("ScheduledActionName") for action in wanted}
        asked: MutableJson = {"ServiceNamespace": target["ServiceNamespace"], "ResourceId": target["ResourceId"]}
        for action in Node(call(self._api, "DescribeScheduledActions", asked)).nodes("ScheduledActions"):
            if (name := action.text("ScheduledActionName")) not in names:
                call(self._api, "DeleteScheduledAction", {**target, "ScheduledActionName": name})
        for action in wanted:
            request = request_of(self._api, "PutScheduledAction", {**target, **action.values})
            call(self._api, "PutScheduledAction", request)

    def update(self, physical_id: str, old: JsonObject, new: JsonObject) -> Created:
        del old
        # Registering again changes the bounds; the tags of what is registered are set apart.
        made = self.create(physical_id, {name: value for name, value in new.items() if name != "Tags"})
        wanted = {tag.text("Key"): tag.text("Value") for tag in Node(new).nodes("Tags")}
        listed = Node(self._described(physical_id)).nodes("ScalableTargets")[0]
        arn = listed.text("ScalableTargetARN")
        before = Node(call(self._api, "ListTagsForResource", {"ResourceARN": arn})).mapping("Tags")
        gone: list[JsonValue] = [key for key in before if key not in wanted]
        if gone:
            call(self._api, "UntagResource", {"ResourceARN": arn, "TagKeys": gone})
        call(self._api, "TagResource", {"ResourceARN": arn, "Tags": wanted})
        return made

    def _described(self, physical_id: str) -> JsonObject:
        resource: list[JsonValue] = [_members(physical_id)["ResourceId"]]
        request: MutableJson = {"ServiceNamespace": "sagemaker", "ResourceIds": resource}
        return call(self._api, "DescribeScalableTargets", request)

    def delete(self, physical_id: str, properties: JsonObject) -> None:
        del properties
        if self._described(physical_id)["ScalableTargets"]:
            call(self._api, "DeregisterScalableTarget", _members(physical_id))


class _PolicyHandler:
    def __init__(self, autoscaling: ApplicationAutoScaling) -> None:
        self._api = autoscaling.api

    def create(self, logical_id: str, properties: JsonObject) -> Created:
        del logical_id
        given = {name: value for name, value in properties.items() if name != "ScalingTargetId"}
        if "ScalingTargetId" in properties:
            given |= _members(str(properties["ScalingTargetId"]))
        made = call(self._api, "PutScalingPolicy", request_of(self._api, "PutScalingPolicy", given))
        arn = str(made["PolicyARN"])
        return arn, {"Arn": arn}

    def update(self, physical_id: str, old: JsonObject, new: JsonObject) -> Created:
        del old
        return self.create(physical_id, new)

    def delete(self, physical_id: str, properties: JsonObject) -> None:
        del properties
        listed = Node(call(self._api, "DescribeScalingPolicies", {"ServiceNamespace": "sagemaker", "MaxResults": 50}))
        for policy in listed.nodes("ScalingPolicies"):
            if policy.text("PolicyARN") == physical_id:
                names = ("PolicyName", *_TARGET)
                call(self._api, "DeleteScalingPolicy", {name: policy.text(name) for name in names})


def _members(target_id: str) -> MutableJson:
    resource, dimension, namespace = target_id.split("|")
    return {"ServiceNamespace": namespace, "ResourceId": resource, "ScalableDimension": dimension}
