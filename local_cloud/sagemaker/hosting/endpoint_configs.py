"""Operations on endpoint configs: which models an endpoint serves, on how many instances."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from local_cloud.sagemaker.hosting import serverless
from local_cloud.sagemaker.hosting.models import Model, Models
from local_cloud.sagemaker.hosting.serverless import Serverless
from local_cloud.sagemaker.shared import local_storage, pages
from local_cloud.sagemaker.shared.backend import Backend
from local_cloud.shared import refusals
from local_cloud.shared.emulator import Scope
from local_cloud.shared.json_service import Call, Operation
from local_cloud.shared.service_errors import validation_error
from local_cloud.shared.state import scope_of, scope_record
from local_cloud.shared.storage import Location
from local_cloud.shared.wire import JsonObject, JsonValue, Node

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
        description: dict[str, JsonValue] = {
            "EndpointConfigName": self.name,
            "EndpointConfigArn": self.arn,
            "CreationTime": self.created,
        }
        echoed = ("ProductionVariants", "DataCaptureConfig", "KmsKeyId", "ExecutionRoleArn", "VpcConfig")
        return description | {name: self.request.values[name] for name in echoed if name in self.request}

    def record(self) -> JsonObject:
        """Return it as it is kept between lives, with its models, which may have been deleted meanwhile."""
        return {
            "scope": scope_record(self.scope),
            "created": self.created,
            "request": self.request.values,
            "models": [variant.model.record() for variant in self.variants],
        }

    @classmethod
    def restored(cls, record: Node) -> EndpointConfig:
        """Return what was kept."""
        scope, request = scope_of(record), record.node("request")
        models = [Model.restored(item) for item in record.nodes("models")]
        variants = zip(request.nodes("ProductionVariants"), models, strict=True)
        name = request.text("EndpointConfigName")
        return cls(
            scope,
            name,
            _arn(scope, name),
            record.number("created"),
            request,
            tuple(_variant(item, model) for item, model in variants),
        )


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
            raise refusals.CONFIG_MISSING.error(arn=_arn(scope, name))
        return config

    def record(self) -> JsonValue:
        """Return every config, as it is kept between lives."""
        with self._lock:
            return [config.record() for config in self._configs.values()]

    def restore(self, records: list[Node]) -> None:
        """Take over what was kept."""
        configs = [EndpointConfig.restored(record) for record in records]
        self._configs = {(config.scope, config.name): config for config in configs}

    def create(self, call: Call) -> JsonObject:
        """Check a request and keep the config."""
        name = call.request.text("EndpointConfigName")
        if "DataCaptureConfig" in call.request:
            Location.parse(call.request.node("DataCaptureConfig").text("DestinationS3Uri"))
        variants = tuple(self._variant(call.scope, item) for item in call.request.nodes("ProductionVariants"))
        if len({variant.name for variant in variants}) < len(variants):
            raise refusals.VARIANTS_OF_ONE_NAME.error()
        if any(variant.serverless for variant in variants):
            serverless.refuse_what_it_has_not(call.request, [variant.model for variant in variants])
        if "KmsKeyId" in call.request:
            for variant in variants:
                local_storage.refuse_host_key(variant.name, variant.instance_type)
        config = EndpointConfig(call.scope, name, _arn(call.scope, name), time.time(), call.request, variants)
        with self._lock:
            if (call.scope, name) in self._configs:
                raise refusals.CONFIG_EXISTS.error(arn=config.arn)
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
        needed = ("ModelName",) if Serverless.of(item) else ("ModelName", "InstanceType", "InitialInstanceCount")
        if any(member not in item for member in needed):
            raise validation_error(f"Variant {item.text('VariantName')}: {', '.join(needed)} must be specified.")
        return _variant(item, self._models.model(scope, item.text("ModelName")))

    def _list(self, call: Call) -> JsonObject:
        with self._lock:
            summaries: list[JsonObject] = [
                {"EndpointConfigName": item.name, "EndpointConfigArn": item.arn, "CreationTime": item.created}
                for (scope, _), item in self._configs.items()
                if scope == call.scope
            ]
        return pages.page(summaries, call.request, result="EndpointConfigs", name="EndpointConfigName")


def _variant(item: Node, model: Model) -> VariantSpec:
    return VariantSpec(
        name=item.text("VariantName"),
        model=model,
        instance_type=item.text("InstanceType"),
        # What is serverless here is one process, which is never cold.
        count=item.integer("InitialInstanceCount", 1),
        weight=item.number("InitialVariantWeight", DEFAULT_WEIGHT),
        serverless=Serverless.of(item),
        environment=model.container.mapping("Environment"),
    )


def require_compatible(name: str, old: EndpointConfig, new: EndpointConfig, scaled: Sequence[str]) -> None:
    """Check that an endpoint may go from one config to another; `scaled` are its variants registered for scaling.

    Raises:
        ServiceError: it would move between instances and serverless, or take away what is scaled.
    """
    kinds = ["serverless" if any(item.serverless for item in config.variants) else "on instances"
             for config in (old, new)]  # fmt: skip
    if kinds[0] != kinds[1]:
        raise refusals.KIND_OF_HOST_CHANGED.error(endpoint=name, old=kinds[0], new=kinds[1])
    before, after = ({item.name: item.instance_type for item in config.variants} for config in (old, new))
    changed = [variant for variant in scaled if after.get(variant) != before.get(variant)]
    if changed:
        raise refusals.SCALED_VARIANT_CHANGED.error(variants=", ".join(changed))


def _arn(scope: Scope, name: str) -> str:
    return scope.arn("sagemaker", f"endpoint-config/{name.lower()}")
