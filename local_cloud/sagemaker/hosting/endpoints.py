"""Operations on endpoints: fleets that are brought up, exchanged without a failed request, and scaled."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from local_cloud.sagemaker.hosting.deployment import Deployment, RollbackFailedError, RolledBackError
from local_cloud.sagemaker.hosting.endpoint import SETTLED, Endpoint, arn_of
from local_cloud.sagemaker.hosting.endpoint_configs import (
    EndpointConfig,
    EndpointConfigs,
    VariantSpec,
    require_compatible,
)
from local_cloud.sagemaker.hosting.fleet import Fleet, Variant
from local_cloud.sagemaker.hosting.rollout import Rollout, require_same_variants
from local_cloud.sagemaker.hosting.serving import ServingError
from local_cloud.sagemaker.shared import pages
from local_cloud.sagemaker.shared.backend import INTERNAL_ERROR, Backend, internal_error
from local_cloud.shared import refusals
from local_cloud.shared.emulator import Scope
from local_cloud.shared.json_service import Call, Operation
from local_cloud.shared.service_errors import ServiceError, validation_error
from local_cloud.shared.state import scope_of
from local_cloud.shared.wire import JsonObject, JsonValue, Node

logger = logging.getLogger("local_cloud")

CAPTURE = "DataCaptureConfig"


class Endpoints:
    """Every endpoint of the account."""

    def __init__(self, backend: Backend, configs: EndpointConfigs) -> None:
        self._backend = backend
        self._configs = configs
        self._endpoints: dict[tuple[Scope, str], Endpoint] = {}
        self._lock = threading.Lock()
        # The event loop that invocations run on; known from the first of them on.
        self.loop: asyncio.AbstractEventLoop | None = None
        # The variants of an endpoint that are registered for scaling; Application Auto Scaling puts itself here.
        self.scaled_variants: Callable[[Scope, str], Sequence[str]] = lambda _scope, _name: ()

    def operations(self) -> dict[str, Operation]:
        """Return what is emulated, by name."""
        return {
            "CreateEndpoint": self.create,
            "DescribeEndpoint": lambda call: self.endpoint(call.scope, call.request.text("EndpointName")).describe(),
            "UpdateEndpoint": self.update,
            "DeleteEndpoint": self.delete,
            "ListEndpoints": self._list,
            "UpdateEndpointWeightsAndCapacities": self.update_weights_and_capacities,
        }

    def record(self) -> JsonValue:
        """Return every endpoint, as it is kept between lives."""
        with self._lock:
            return [endpoint.record() for endpoint in self._endpoints.values() if endpoint.status != "Deleting"]

    def restore(self, records: list[Node]) -> list[Callable[[], None]]:
        """Take over what was kept; return what brings the endpoints into service again, once S3 answers."""
        resumed: list[Callable[[], None]] = []
        for record in records:
            config = EndpointConfig.restored(record.node("config"))
            endpoint = Endpoint(scope_of(record), record.text("name"), config)
            endpoint.created, endpoint.deployment = record.number("created"), record.values.get("deployment")
            endpoint.failure, endpoint.modified = record.text("failure"), record.number("modified")
            self._endpoints[endpoint.scope, endpoint.name] = endpoint
            if record.text("status") == "Failed":
                endpoint.status = "Failed"
                continue
            endpoint.status = "Creating" if record.text("status") == "Creating" else "Updating"
            specs = [_resized(spec, record.node("variants").node(spec.name)) for spec in config.variants]
            resumed.append(functools.partial(self._resume, endpoint, specs))
        return resumed

    def _resume(self, endpoint: Endpoint, specs: Sequence[VariantSpec]) -> None:
        self._in_background(
            endpoint, lambda: self._deploy(endpoint, endpoint.config, specs, _capture(endpoint.config)), "Failed"
        )

    def find(self, scope: Scope, name: str) -> Endpoint | None:
        """Return an endpoint, or None where there is none of this name."""
        return self._endpoints.get((scope, name))

    def endpoint(self, scope: Scope, name: str) -> Endpoint:
        """Return an endpoint.

        Raises:
            ServiceError: there is none of this name.
        """
        endpoint = self.find(scope, name)
        if endpoint is None:
            raise refusals.ENDPOINT_MISSING.error(arn=arn_of(scope, name))
        return endpoint

    def with_arn(self, arn: str) -> Endpoint | None:
        """Return the endpoint of an ARN, or None."""
        with self._lock:
            return next((endpoint for endpoint in self._endpoints.values() if endpoint.arn == arn), None)

    def create(self, call: Call) -> JsonObject:
        """Begin to bring up an endpoint."""
        name = call.request.text("EndpointName")
        config = self._configs.config(call.scope, call.request.text("EndpointConfigName"))
        endpoint = Endpoint(call.scope, name, config)
        endpoint.deployment = call.request.values.get("DeploymentConfig")
        with self._lock:
            if (call.scope, name) in self._endpoints:
                raise refusals.ENDPOINT_EXISTS.error(arn=endpoint.arn)
            self._endpoints[call.scope, name] = endpoint
        self._backend.tags.create(endpoint.arn, call.request.nodes("Tags"))
        self._in_background(
            endpoint, lambda: self._deploy(endpoint, config, config.variants, _capture(config)), "Failed"
        )
        return {"EndpointArn": endpoint.arn}

    def update(self, call: Call) -> JsonObject:
        """Begin to exchange an endpoint's fleet for that of another config."""
        request = call.request
        endpoint = self.endpoint(call.scope, request.text("EndpointName"))
        config = self._configs.config(call.scope, request.text("EndpointConfigName"))
        require_compatible(endpoint.name, endpoint.config, config, self.scaled_variants(call.scope, endpoint.name))
        specs = _retained(config.variants, endpoint, request)
        _refuse_excluded_capture(request)
        capture = _capture(config)
        deployment = request.values.get("DeploymentConfig")
        if deployment is None and request.flag("RetainDeploymentConfig"):
            deployment = endpoint.deployment
        rollout = _rollout(endpoint, deployment, specs)
        self._begin_update(endpoint)
        endpoint.deployment = deployment
        # A new fleet that does not come up leaves the old one in service, as a blue/green deployment does.
        self._in_background(endpoint, lambda: self._deploy(endpoint, config, specs, capture, rollout), "InService")
        return {"EndpointArn": endpoint.arn}

    def update_weights_and_capacities(self, call: Call) -> JsonObject:
        """Begin to scale variants and to shift their weights."""
        endpoint = self.endpoint(call.scope, call.request.text("EndpointName"))
        wanted = call.request.nodes("DesiredWeightsAndCapacities")
        known = endpoint.fleet.variants if endpoint.fleet else {}
        unknown = [item.text("VariantName") for item in wanted if item.text("VariantName") not in known]
        if unknown:
            raise refusals.UNKNOWN_VARIANT.error(names=", ".join(unknown), config=endpoint.config.name)
        for item in wanted:
            if known[item.text("VariantName")].spec.serverless and "DesiredInstanceCount" in item:
                raise refusals.SERVERLESS_COUNT.error(variant=item.text("VariantName"))
        if any(item.integer("DesiredInstanceCount", 1) < 1 for item in wanted):
            raise validation_error("DesiredInstanceCount must be 1 or more for an instance-based variant.")
        self._begin_update(endpoint)
        self._in_background(endpoint, lambda: _scale(endpoint, wanted), "InService")
        return {"EndpointArn": endpoint.arn}

    def delete(self, call: Call) -> JsonObject:
        """Begin to take down an endpoint; it takes no request from now on."""
        endpoint = self.endpoint(call.scope, call.request.text("EndpointName"))
        with endpoint.changed:
            if endpoint.status not in SETTLED:
                raise refusals.ENDPOINT_BUSY.error(arn=endpoint.arn)
        endpoint.set("Deleting")
        threading.Thread(target=self._take_down, args=(endpoint,), name=f"delete-{endpoint.name}", daemon=True).start()
        return {}

    def _begin_update(self, endpoint: Endpoint) -> None:
        with endpoint.changed:
            if endpoint.status == "Failed":
                raise refusals.ENDPOINT_FAILED.error(arn=endpoint.arn)
            if endpoint.status not in {"InService", "UpdateRollbackFailed"}:
                raise refusals.ENDPOINT_BUSY.error(arn=endpoint.arn)
            endpoint.status = "Updating"

    def _deploy(
        self,
        endpoint: Endpoint,
        config: EndpointConfig,
        specs: Sequence[VariantSpec],
        capture: Node,
        rollout: Rollout | None = None,
    ) -> None:
        fleet = Fleet(
            self._backend, endpoint.name, endpoint.arn, config, specs=specs, loop=lambda: self.loop, capture=capture
        )
        _end_what_stayed(endpoint)
        old = endpoint.fleet
        if old is not None and rollout is not None:
            Deployment(self._backend, endpoint.scope, endpoint.traffic, old=old, new=fleet, rollout=rollout).run()
            endpoint.config = config
            return
        fleet.open()
        endpoint.traffic.replace(fleet)
        endpoint.config = config
        if old is not None:
            old.close()

    def _in_background(self, endpoint: Endpoint, work: Callable[[], None], when_failed: str) -> None:
        def run() -> None:
            failure, status = "", when_failed
            try:
                work()
            except (ServingError, ServiceError, RolledBackError) as error:
                failure = str(error)
            except RollbackFailedError as error:
                failure, status = str(error), "UpdateRollbackFailed"
            except Exception as error:
                logger.exception("endpoint %s", endpoint.name)
                failure = internal_error(error)
            endpoint.set(status if failure else "InService", failure=failure)

        threading.Thread(target=run, name=f"endpoint-{endpoint.name}", daemon=True).start()

    def _take_down(self, endpoint: Endpoint) -> None:
        _end_what_stayed(endpoint)
        fleet = endpoint.traffic.replace(None)
        if fleet is not None:
            fleet.close()
        with self._lock:
            del self._endpoints[endpoint.scope, endpoint.name]
        self._backend.tags.forget(endpoint.arn)
        endpoint.set("Deleted")

    def _list(self, call: Call) -> JsonObject:
        with self._lock:
            summaries = [item.summary() for (scope, _), item in self._endpoints.items() if scope == call.scope]
        return pages.page(summaries, call.request, result="Endpoints", name="EndpointName", status="EndpointStatus")


def _end_what_stayed(endpoint: Endpoint) -> None:
    """End the fleet that an update brought up and could not take back."""
    left = endpoint.traffic.abandon()
    if left is not None:
        left.close()


def _retained(specs: Sequence[VariantSpec], endpoint: Endpoint, request: Node) -> list[VariantSpec]:
    """Give the new variants the properties that the old ones of the same name are to keep."""
    if not request.flag("RetainAllVariantProperties") or endpoint.fleet is None:
        return list(specs)
    excluded = {item.text("VariantPropertyType") for item in request.nodes("ExcludeRetainedVariantProperties")}
    old = endpoint.fleet.variants
    return [
        dataclasses.replace(
            spec,
            count=old[spec.name].desired if _keeps_count(spec, old[spec.name], excluded) else spec.count,
            weight=old[spec.name].weight if "DesiredWeight" not in excluded else spec.weight,
        )
        if spec.name in old
        else spec
        for spec in specs
    ]


def _refuse_excluded_capture(request: Node) -> None:
    """Refuse what API_VariantProperty says is not supported: data capture is the new config's in any case."""
    if any(item.text("VariantPropertyType") == CAPTURE for item in request.nodes("ExcludeRetainedVariantProperties")):
        raise validation_error(f"ExcludeRetainedVariantProperties: {CAPTURE} is not currently supported.")


def _resized(spec: VariantSpec, kept: Node) -> VariantSpec:
    return dataclasses.replace(spec, count=kept.integer("count", spec.count), weight=kept.number("weight", spec.weight))


def _rollout(endpoint: Endpoint, deployment: JsonValue, specs: Sequence[VariantSpec]) -> Rollout | None:
    if not isinstance(deployment, Mapping):
        return None
    rollout = Rollout.of(Node(deployment), specs)
    require_same_variants(endpoint.fleet.variants if endpoint.fleet else {}, specs)
    rollout.require_alarms(endpoint.scope)
    return rollout


def _keeps_count(spec: VariantSpec, old: Variant, excluded: set[str]) -> bool:
    # Between instances and serverless there is no count to keep.
    on_instances = spec.serverless is None and old.spec.serverless is None
    return on_instances and "DesiredInstanceCount" not in excluded


def _capture(config: EndpointConfig) -> Node:
    return config.request.node(CAPTURE)


def _scale(endpoint: Endpoint, wanted: Sequence[Node]) -> None:
    if endpoint.fleet is None:
        raise ServingError(INTERNAL_ERROR)
    for item in wanted:
        variant = endpoint.fleet.variants[item.text("VariantName")]
        if "DesiredWeight" in item:
            variant.weight = item.number("DesiredWeight")
        if "DesiredInstanceCount" in item:
            variant.scale(item.integer("DesiredInstanceCount"))
