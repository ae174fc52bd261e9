"""AWS::SageMaker::Model, ::EndpointConfig, ::Endpoint and ::ModelPackageGroup."""

from __future__ import annotations

from local_cloud.cloudformation.handlers import Created, ResourceType, generated_name
from local_cloud.sagemaker.hosting.endpoint import Endpoint
from local_cloud.sagemaker.service import SageMaker
from local_cloud.shared import emulator
from local_cloud.shared.emulator import Scope
from local_cloud.shared.json_service import JsonService
from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.validation import coerce
from local_cloud.shared.wire import JsonObject, MutableJson, Node

_ONLY_CREATED_WITH = ("Tags",)
_ONLY_UPDATED_WITH = ("ExcludeRetainedVariantProperties", "RetainAllVariantProperties", "RetainDeploymentConfig")


def resource_types(sagemaker: SageMaker) -> list[ResourceType]:
    """Return the types."""
    return [
        ResourceType("AWS::SageMaker::Model", _Immutable(sagemaker, "Model", "Model"), has_tags=True),
        ResourceType(
            "AWS::SageMaker::EndpointConfig", _Immutable(sagemaker, "EndpointConfig", "EndpointConfig"), has_tags=True
        ),
        ResourceType("AWS::SageMaker::Endpoint", _EndpointHandler(sagemaker), has_tags=True),
        ResourceType("AWS::SageMaker::ModelPackageGroup", _ModelPackageGroup(sagemaker), has_tags=True),
    ]


class _Immutable:
    """A model or an endpoint config: only its tags can change."""

    def __init__(self, sagemaker: SageMaker, kind: str, resource: str) -> None:
        self._sagemaker = sagemaker
        self._kind = kind
        self._name_member = f"{resource}Name"
        self._arn_member = f"{resource}Arn"

    def create(self, logical_id: str, properties: JsonObject) -> Created:
        name = str(properties.get(self._name_member) or generated_name(logical_id))
        request = request_of(self._sagemaker.api, f"Create{self._kind}", {**properties, self._name_member: name})
        made = call(self._sagemaker.api, f"Create{self._kind}", request)
        return str(made[self._arn_member]), {self._name_member: name, "Id": str(made[self._arn_member])}

    def update(self, physical_id: str, old: JsonObject, new: JsonObject) -> Created:
        del old
        self._sagemaker.backend.tags.replace(physical_id, Node(new).nodes("Tags"))
        return physical_id, {self._name_member: self._name(physical_id), "Id": physical_id}

    def delete(self, physical_id: str, properties: JsonObject) -> None:
        del properties
        name = self._name(physical_id)
        if name:
            call(self._sagemaker.api, f"Delete{self._kind}", {self._name_member: name})

    def _name(self, arn: str) -> str:
        # The ARN is in lower case, the name may not be.
        page: MutableJson = {"MaxResults": 100}
        while True:
            listed = Node(call(self._sagemaker.api, f"List{self._kind}s", page))
            for item in listed.nodes(f"{self._kind}s"):
                if item.text(self._arn_member) == arn:
                    return item.text(self._name_member)
            if "NextToken" not in listed:
                return ""
            page = {"MaxResults": 100, "NextToken": listed.text("NextToken")}


class _ModelPackageGroup:
    """A group of model packages: only its tags can change, and one that has packages cannot be deleted."""

    def __init__(self, sagemaker: SageMaker) -> None:
        self._sagemaker = sagemaker

    def create(self, logical_id: str, properties: JsonObject) -> Created:
        name = str(properties.get("ModelPackageGroupName") or generated_name(logical_id))
        request = request_of(
            self._sagemaker.api, "CreateModelPackageGroup", {**properties, "ModelPackageGroupName": name}
        )
        arn = str(call(self._sagemaker.api, "CreateModelPackageGroup", request)["ModelPackageGroupArn"])
        return arn, self._attributes(arn)

    def update(self, physical_id: str, old: JsonObject, new: JsonObject) -> Created:
        del old
        self._sagemaker.backend.tags.replace(physical_id, Node(new).nodes("Tags"))
        return physical_id, self._attributes(physical_id)

    def delete(self, physical_id: str, properties: JsonObject) -> None:
        del properties
        try:
            call(self._sagemaker.api, "DeleteModelPackageGroup", {"ModelPackageGroupName": _last(physical_id)})
        except ValueError as error:
            if "does not exist" not in str(error):
                raise

    def _attributes(self, arn: str) -> dict[str, str]:
        group = call(self._sagemaker.api, "DescribeModelPackageGroup", {"ModelPackageGroupName": _last(arn)})
        return {
            "ModelPackageGroupArn": arn,
            "ModelPackageGroupStatus": str(group["ModelPackageGroupStatus"]),
            "CreationTime": str(group["CreationTime"]),
        }


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]


class _EndpointHandler:
    """An endpoint: every change waits until it is in service, or fails with its FailureReason."""

    def __init__(self, sagemaker: SageMaker) -> None:
        self._sagemaker = sagemaker

    def create(self, logical_id: str, properties: JsonObject) -> Created:
        name = str(properties.get("EndpointName") or generated_name(logical_id))
        given = {key: value for key, value in properties.items() if key not in _ONLY_UPDATED_WITH}
        request = request_of(self._sagemaker.api, "CreateEndpoint", {**given, "EndpointName": name})
        call(self._sagemaker.api, "CreateEndpoint", request)
        endpoint = self._endpoint(name)
        if endpoint.settle() != "InService":
            reason = endpoint.failure
            # CloudFormation has no physical id of what failed to be created: it cannot clean this up later.
            self._remove(endpoint)
            raise ValueError(reason)
        return self._created(endpoint)

    def update(self, physical_id: str, old: JsonObject, new: JsonObject) -> Created:
        endpoint = self._by_arn(physical_id)
        if endpoint is None:
            raise ValueError(f"Could not find endpoint {physical_id}")
        given = {key: value for key, value in new.items() if key not in _ONLY_CREATED_WITH}
        before = {key: value for key, value in old.items() if key not in _ONLY_CREATED_WITH}
        # Taking back a stack whose rollout was taken back finds the endpoint as it was.
        serves_it = endpoint.config.name == given.get("EndpointConfigName") and endpoint.settle() == "InService"
        if given != before and not serves_it:
            request = request_of(self._sagemaker.api, "UpdateEndpoint", {**given, "EndpointName": endpoint.name})
            self._update_when_settled(endpoint, request)
            if endpoint.failure and not self._sagemaker.rollbacks_are_overlooked:
                raise ValueError(endpoint.failure)
        self._sagemaker.backend.tags.replace(endpoint.arn, Node(new).nodes("Tags"))
        return self._created(endpoint)

    def delete(self, physical_id: str, properties: JsonObject) -> None:
        del properties
        endpoint = self._by_arn(physical_id)
        if endpoint is not None:
            self._remove(endpoint)

    def _update_when_settled(self, endpoint: Endpoint, request: MutableJson) -> None:
        while True:
            endpoint.settle()
            try:
                call(self._sagemaker.api, "UpdateEndpoint", request)
            except ValueError as error:
                # Autoscaling may have begun a change of its own since.
                if "in-progress" not in str(error):
                    raise
            else:
                endpoint.settle()
                return

    def _remove(self, endpoint: Endpoint) -> None:
        endpoint.settle()
        call(self._sagemaker.api, "DeleteEndpoint", {"EndpointName": endpoint.name})
        endpoint.settle()

    def _endpoint(self, name: str) -> Endpoint:
        return self._sagemaker.endpoints.endpoint(emulator.current_scope(), name)

    def _by_arn(self, arn: str) -> Endpoint | None:
        return self._sagemaker.endpoints.with_arn(arn)

    @staticmethod
    def _created(endpoint: Endpoint) -> Created:
        return endpoint.arn, {"EndpointName": endpoint.name, "EndpointArn": endpoint.arn, "Id": endpoint.arn}


def request_of(api: JsonService, operation: str, properties: JsonObject) -> MutableJson:
    """Return a template's properties as the request of an operation.

    Raises:
        ValueError: a property has no member there.
    """
    shape = api.input_shape(operation)
    unknown = sorted(set(properties) - set(shape.members))
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: not emulated by the local cloud")
    coerced = coerce(shape, properties)
    return dict(coerced) if isinstance(coerced, dict) else {}


def call(api: JsonService, operation: str, request: MutableJson) -> JsonObject:
    """Perform an operation for a resource handler.

    Raises:
        ValueError: with the reason that CloudFormation shows.
    """
    scope: Scope = emulator.current_scope()
    try:
        return api.call(operation, scope, request)
    except ServiceError as error:
        raise ValueError(f"{error.message} (Service: {api.name}, Status Code: {error.status}, {error.code})") from None
