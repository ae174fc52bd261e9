"""Operations on models: a container image, its model data, and the role that fetches it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from local_cloud.sagemaker.shared import images, pages
from local_cloud.sagemaker.shared.backend import Backend
from local_cloud.shared import networks, refusals, roles
from local_cloud.shared.emulator import Scope
from local_cloud.shared.json_service import Call, Operation
from local_cloud.shared.service_errors import validation_error
from local_cloud.shared.state import scope_of, scope_record
from local_cloud.shared.storage import Location, StorageError
from local_cloud.shared.wire import JsonObject, JsonValue, Node

_ECHOED = ("PrimaryContainer", "Containers", "InferenceExecutionConfig", "ExecutionRoleArn", "VpcConfig")


@dataclass(frozen=True)
class Model:
    """One model. It never changes."""

    scope: Scope
    name: str
    arn: str
    created: float
    request: Node
    packaged: Node
    """The container of the model package that it was made of, as it was then; empty where the request has its own."""

    @property
    def container(self) -> Node:
        """Its one container: of a package, with what the request adds to its environment."""
        own = _containers(self.request)[0]
        if not self.packaged.values:
            return own
        environment = {**self.packaged.mapping("Environment"), **own.mapping("Environment")}
        return Node({**self.packaged.values, "Environment": environment})

    @property
    def image(self) -> str:
        """Image of the container."""
        return self.container.text("Image")

    @property
    def role_arn(self) -> str:
        """Role that the container runs under."""
        return self.request.text("ExecutionRoleArn")

    @property
    def data(self) -> Location | None:
        """Where its model.tar.gz is."""
        return Location.parse(self.container.text("ModelDataUrl")) if "ModelDataUrl" in self.container else None

    @property
    def is_isolated(self) -> bool:
        """Whether its container has no network."""
        return self.request.flag("EnableNetworkIsolation")

    def describe(self) -> JsonObject:
        """Return it as DescribeModel does."""
        description: dict[str, JsonValue] = {
            "ModelName": self.name,
            "ModelArn": self.arn,
            "CreationTime": self.created,
            "EnableNetworkIsolation": self.is_isolated,
        }
        return description | {name: self.request.values[name] for name in _ECHOED if name in self.request}

    def record(self) -> JsonObject:
        """Return it as it is kept between lives."""
        return {
            "scope": scope_record(self.scope),
            "created": self.created,
            "request": self.request.values,
            "packaged": self.packaged.values,
        }

    @classmethod
    def restored(cls, record: Node) -> Model:
        """Return what was kept."""
        scope, request = scope_of(record), record.node("request")
        name = request.text("ModelName")
        return cls(scope, name, _arn(scope, name), record.number("created"), request, record.node("packaged"))


class Models:
    """Every model of the account.

    Args:
        packaged: returns the container of a model package by its name or ARN.
    """

    def __init__(self, backend: Backend, packaged: Callable[[Scope, str], Node]) -> None:
        self._backend = backend
        self._packaged = packaged
        self._models: dict[tuple[Scope, str], Model] = {}
        self._lock = threading.Lock()

    def operations(self) -> dict[str, Operation]:
        """Return what is emulated, by name."""
        return {
            "CreateModel": self.create,
            "DescribeModel": lambda call: self.model(call.scope, call.request.text("ModelName")).describe(),
            "DeleteModel": self.delete,
            "ListModels": self._list,
        }

    def model(self, scope: Scope, name: str) -> Model:
        """Return a model.

        Raises:
            ServiceError: there is none of this name.
        """
        model = self._models.get((scope, name))
        if model is None:
            raise refusals.MODEL_MISSING.error(arn=_arn(scope, name))
        return model

    def record(self) -> JsonValue:
        """Return every model, as it is kept between lives."""
        with self._lock:
            return [model.record() for model in self._models.values()]

    def restore(self, records: list[Node]) -> None:
        """Take over what was kept."""
        models = [Model.restored(record) for record in records]
        self._models = {(model.scope, model.name): model for model in models}

    def create(self, call: Call) -> JsonObject:
        """Check a request and keep the model."""
        name = call.request.text("ModelName")
        _check_containers(call.request)
        package = _containers(call.request)[0].text("ModelPackageName")
        packaged = self._packaged(call.scope, package) if package else Node({})
        model = Model(call.scope, name, _arn(call.scope, name), time.time(), call.request, packaged)
        images.commands(model.image, self._backend.settings.containers, call.scope.region)
        roles.require_pass_role(call.scope, call.headers, model.role_arn)
        networks.require(call.scope, call.request.node("VpcConfig"))
        self._check_data(model)
        with self._lock:
            if (call.scope, name) in self._models:
                raise refusals.MODEL_EXISTS.error(arn=model.arn)
            self._models[call.scope, name] = model
        self._backend.tags.create(model.arn, call.request.nodes("Tags"))
        return {"ModelArn": model.arn}

    def delete(self, call: Call) -> JsonObject:
        """Forget a model; endpoints that serve it go on."""
        model = self.model(call.scope, call.request.text("ModelName"))
        with self._lock:
            del self._models[call.scope, model.name]
        self._backend.tags.forget(model.arn)
        return {}

    def _check_data(self, model: Model) -> None:
        credentials = roles.assume(model.scope, model.role_arn, session="SageMaker", source_arn=model.arn)
        if model.data is None:
            return
        try:
            self._backend.store(model.scope, credentials).size(model.data)
        except StorageError:
            raise refusals.NO_MODEL_DATA.error(
                uri=model.data.uri, role=model.role_arn, principal=roles.SAGEMAKER, region=model.scope.region
            ) from None

    def _list(self, call: Call) -> JsonObject:
        with self._lock:
            summaries: list[JsonObject] = [
                {"ModelName": model.name, "ModelArn": model.arn, "CreationTime": model.created}
                for (scope, _), model in self._models.items()
                if scope == call.scope
            ]
        return pages.page(summaries, call.request, result="Models", name="ModelName")


def _arn(scope: Scope, name: str) -> str:
    return scope.arn("sagemaker", f"model/{name.lower()}")


def _containers(request: Node) -> list[Node]:
    return request.nodes("Containers") or [request.node("PrimaryContainer")]


def _check_containers(request: Node) -> None:
    containers = _containers(request)
    if "PrimaryContainer" in request and "Containers" in request:
        raise validation_error("Request can contain either PrimaryContainer or Containers, not both.")
    if len(containers) > 1:
        raise validation_error("Containers: more than one container in a model is not emulated by the local cloud.")
    if ("Image" in containers[0]) == ("ModelPackageName" in containers[0]):
        raise validation_error("A container with either an Image or a ModelPackageName must be given.")
    if "ModelPackageName" in containers[0] and "ModelDataUrl" in containers[0]:
        raise validation_error("A container with a ModelPackageName has its model data from there: no ModelDataUrl.")
    if "ExecutionRoleArn" not in request:
        raise validation_error("ExecutionRoleArn must be specified.")
