"""Operations on endpoint configs: which models an endpoint serves, on how many instances."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local_cloud.sagemaker import pages, serverless
from local_cloud.sagemaker.serverless import Serverless
from local_cloud.service_errors import validation_error
from local_cloud.storage import Location

if TYPE_CHECKING:
    from local_cloud.emulator import Scope
    from local_cloud.json_service import Call, Operation
    from local_cloud.sagemaker.backend import Backend
    from local_cloud.sagemaker.models import Model, Models
    from local_cloud.wire import JsonObject, JsonValue, Node

DEFAULT_WEIGHT = 1.0


@dataclass(frozen=True)
class VariantSpec:
    """One production variant as it is to be deployed."""

    name: str
    model: Model
    instance_type: str
    count: int
    weight: float
    serverless: Serverless | None
    environment: dict[str, str]


@dataclass(frozen=True)
class EndpointConfig:
    """One endpoint config with the models that it named when it was made. It never changes."""

    scope: Scope
    name: str
    arn: str
    created: float
    request: Node
    variants: tuple[VariantSpec, ...]

    def describe(self) -> JsonObject:
        """Return it as DescribeEndpointConfig does."""
        told: dict[str, JsonValue] = {
            "EndpointConfigName": self.name,
            "EndpointConfigArn": self.arn,
            "CreationTime": self.created,
        }
        echoed = ("ProductionVariants", "DataCaptureConfig", "KmsKeyId", "ExecutionRoleArn", "VpcConfig")
        return told | {name: self.request.values[name] for name in echoed if name in self.request}


class EndpointConfigs:
    """Every endpoint config of the account."""

    def __init__(self, backend: Backend, models: Models) -> None:
        self._backend = backend
        self._models = models
        self._configs: dict[tuple[Scope, str], EndpointConfig] = {}
        self._lock = threading.Lock()

    def operations(self) -> dict[str, Operation]:
        """Return what is emulated, by name."""
        return {
            "CreateEndpointConfig": self.create,
            "DescribeEndpointConfig": lambda call: self.config(
                call.scope, call.request.text("EndpointConfigName")
            ).describe(),
            "DeleteEndpointConfig": self.delete,
            "ListEndpointConfigs": self._list,
        }

    def config(self, scope: Scope, name: str) -> EndpointConfig:
        """Return a config.

        Raises:
            ServiceError: there is none of this name.
        """
        config = self._configs.get((scope, name))
        if config is None:
            raise validation_error(f'Could not find endpoint configuration "{_arn(scope, name)}".')
        return config

    def create(self, call: Call) -> JsonObject:
        """Check a request and keep the config."""
        name = call.request.text("EndpointConfigName")
        _refuse_what_is_not_emulated(call.request)
        if "DataCaptureConfig" in call.request:
            Location.parse(call.request.node("DataCaptureConfig").text("DestinationS3Uri"))
        variants = tuple(self._variant(call.scope, item) for item in call.request.nodes("ProductionVariants"))
        if len({variant.name for variant in variants}) < len(variants):
            raise validation_error("Variant names within an endpoint configuration must be unique.")
        if any(variant.serverless for variant in variants):
            serverless.refuse_what_it_has_not(call.request, [variant.model for variant in variants])
        config = EndpointConfig(call.scope, name, _arn(call.scope, name), time.time(), call.request, variants)
        with self._lock:
            if (call.scope, name) in self._configs:
                raise validation_error(f'Cannot create already existing endpoint configuration "{config.arn}".')
            self._configs[call.scope, name] = config
        self._backend.tags.create(config.arn, call.request.nodes("Tags"))
        return {"EndpointConfigArn": config.arn}

    def delete(self, call: Call) -> JsonObject:
        """Forget a config; endpoints that were made from it go on."""
        config = self.config(call.scope, call.request.text("EndpointConfigName"))
        with self._lock:
            del self._configs[call.scope, config.name]
        self._backend.tags.forget(config.arn)
        return {}

    def _variant(self, scope: Scope, item: Node) -> VariantSpec:
        name = item.text("VariantName")
        sizes = Serverless.of(item)
        needed = ("ModelName",) if sizes else ("ModelName", "InstanceType", "InitialInstanceCount")
        if any(member not in item for member in needed):
            raise validation_error(f"Variant {name}: {', '.join(needed)} must be specified.")
        model = self._models.model(scope, item.text("ModelName"))
        return VariantSpec(
            name=name,
            model=model,
            instance_type=item.text("InstanceType"),
            # What is serverless here is one process, which is never cold.
            count=item.integer("InitialInstanceCount", 1),
            weight=item.number("InitialVariantWeight", DEFAULT_WEIGHT),
            serverless=sizes,
            environment=model.container.mapping("Environment"),
        )

    def _list(self, call: Call) -> JsonObject:
        with self._lock:
            summaries: list[JsonObject] = [
                {"EndpointConfigName": item.name, "EndpointConfigArn": item.arn, "CreationTime": item.created}
                for (scope, _), item in self._configs.items()
                if scope == call.scope
            ]
        return pages.page(summaries, call.request, result="EndpointConfigs", name="EndpointConfigName")


def _refuse_what_is_not_emulated(request: Node) -> None:
    for member in ("AsyncInferenceConfig", "ExplainerConfig", "ShadowProductionVariants"):
        if member in request:
            raise validation_error(f"{member} is not emulated by the local cloud.")


def _arn(scope: Scope, name: str) -> str:
    return scope.arn("sagemaker", f"endpoint-config/{name.lower()}")
