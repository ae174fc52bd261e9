"""The fleet of an endpoint: its variants and their instances, all from one endpoint config."""

from __future__ import annotations

import asyncio
import functools
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from local_cloud.processes.supervisor import Instance
from local_cloud.sagemaker.hosting import serverless
from local_cloud.sagemaker.hosting.capture import Capture
from local_cloud.sagemaker.hosting.endpoint_configs import EndpointConfig, VariantSpec
from local_cloud.sagemaker.hosting.serving import Owner, ServedModel, ServingError, ServingInstance, stop_all
from local_cloud.sagemaker.shared import logs
from local_cloud.sagemaker.shared.backend import Backend
from local_cloud.shared.wire import JsonValue, Node

logger = logging.getLogger("local_cloud")

REPLACEMENT_PAUSE_S = 2.0
MAX_BODY_BYTES = 6_291_456
"""Largest request and largest answer of a variant on instances."""


class Variant:
    """One variant in service. Its instances change by scaling and by replacing those that die."""

    def __init__(
        self,
        backend: Backend,
        spec: VariantSpec,
        owner: Owner,
        loop: Callable[[], asyncio.AbstractEventLoop | None],
        capture: Capture | None = None,
    ) -> None:
        self.spec = spec
        self.capture = capture
        self.weight = spec.weight
        self.desired = spec.count
        self._backend = backend
        self._loop = loop
        self._served = ServedModel(
            backend,
            spec.model,
            owner,
            spec.environment,
            memory_mb=spec.serverless.memory_mb if spec.serverless else None,
        )
        self._instances: tuple[ServingInstance, ...] = ()
        # Of a serverless variant; only the event loop changes it.
        self.outstanding = 0
        self._scaling = threading.Lock()
        self._closed = False

    @property
    def count(self) -> int:
        """How many instances take requests."""
        return len(self._instances)

    @property
    def is_full(self) -> bool:
        """Whether a serverless variant answers as many requests as it may at a time."""
        return self.spec.serverless is not None and self.outstanding >= self.spec.serverless.max_concurrency

    @property
    def max_body_bytes(self) -> int:
        """Largest request and largest answer."""
        return serverless.MAX_BODY_BYTES if self.spec.serverless else MAX_BODY_BYTES

    def open(self, count: int | None = None) -> None:
        """Fetch the model and bring up the instances, all of them or so many.

        Raises:
            ServingError: they do not come up.
            ServiceError: the account may not have so many.
        """
        self._served.fetch()
        self.desired = self.spec.count if count is None else count
        self._add(self.desired)

    def scale(self, count: int) -> None:
        """Change the number of instances; those that go answer what they have first.

        Raises:
            ServingError: new ones do not come up.
            ServiceError: the account may not have so many.
        """
        with self._scaling:
            self.desired = count
            if count > self.count:
                self._add(count - self.count)
            elif count < self.count:
                leaving = self._instances[count:]
                self._instances = self._instances[:count]
                self._retire(leaving)

    def close(self) -> None:
        """Retire every instance and remove the model's files."""
        with self._scaling:
            self._closed = True
            leaving, self._instances = self._instances, ()
        self._retire(leaving)
        self._served.remove()

    def pick(self) -> ServingInstance | None:
        """Return the instance with the fewest requests, by chance among equals; None when there is none.

        Not in turn: callers that ask in step with each other would each meet one instance again and again.
        """
        instances = self._instances
        if not instances:
            return None
        fewest = min(instance.outstanding for instance in instances)
        return random.choice([instance for instance in instances if instance.outstanding == fewest])

    def describe(self, status: str) -> dict[str, JsonValue]:
        """Return it as DescribeEndpoint does."""
        image = self.spec.model.image
        description: dict[str, JsonValue] = {
            "VariantName": self.spec.name,
            "DeployedImages": [
                {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": self.spec.model.created}
            ],
            "CurrentWeight": self.weight,
            "DesiredWeight": self.weight,
        }
        if self.spec.serverless is None:
            description |= {"CurrentInstanceCount": self.count, "DesiredInstanceCount": self.desired}
        else:
            sizes = self.spec.serverless.describe()
            description |= {"CurrentServerlessConfig": sizes, "DesiredServerlessConfig": sizes}
        if status in {"Creating", "Updating", "Deleting"}:
            description["VariantStatus"] = [{"Status": status, "StartTime": time.time()}]
        return description

    def _add(self, count: int) -> None:
        if self.spec.serverless is None:
            self._backend.endpoint_quota.take(count, self.spec.instance_type)
        try:
            started = self._served.start(count)
        except Exception:
            self._give_back(count)
            raise
        self._instances += tuple(started)
        for instance in started:
            instance.process.when_ended(functools.partial(self._after_end, instance))

    def _retire(self, instances: Sequence[ServingInstance]) -> None:
        settings = self._backend.settings
        stop_all(
            instances,
            lambda item: item.retire(
                drain_s=settings.invocation_timeout_s, grace_s=settings.stop_grace_s, loop=self._loop()
            ),
        )
        self._give_back(len(instances))

    def _give_back(self, count: int) -> None:
        if self.spec.serverless is None:
            self._backend.endpoint_quota.give_back(count)

    def _after_end(self, serving: ServingInstance, ended: Instance) -> None:
        if serving not in self._instances or self._backend.supervisor.is_closing:
            return  # it was retired
        logger.warning("%s is replaced: %s, exit code: %s", ended.name, ended.last_words, ended.exit_code)
        threading.Thread(target=self._replace, args=(serving,), name="replacement", daemon=True).start()

    def _replace(self, lost: ServingInstance) -> None:
        with self._scaling:
            self._instances = tuple(item for item in self._instances if item is not lost)
            self._give_back(1)
        while True:
            with self._scaling:
                if self._closed or self.count >= self.desired:
                    return
                try:
                    self._add(1)
                except ServingError as error:
                    logger.warning("replacement of %s: %s", lost.process.name, error)
                else:
                    return
            time.sleep(REPLACEMENT_PAUSE_S)


class Fleet:
    """All variants of one deployment of an endpoint."""

    def __init__(
        self,
        backend: Backend,
        endpoint: str,
        arn: str,
        config: EndpointConfig,
        *,
        specs: Sequence[VariantSpec],
        loop: Callable[[], asyncio.AbstractEventLoop | None],
        capture: Node,
    ) -> None:
        self.config = config
        self.capture = Capture(backend, config.scope, endpoint, arn, capture) if capture.values else None
        group = logs.endpoint_group(endpoint)
        self.variants: Mapping[str, Variant] = {
            spec.name: Variant(
                backend, spec, Owner(f"production variant {spec.name}", arn, group, spec.name), loop, self.capture
            )
            for spec in specs
        }

    def open(self, sizes: Mapping[str, int] | None = None) -> None:
        """Bring up every variant, or none of them, with its own count of instances or that of `sizes`.

        Raises:
            ServingError: one does not come up.
            ServiceError: the account may not have so many instances.
        """
        try:
            for name, variant in self.variants.items():
                variant.open(sizes[name] if sizes else None)
        except Exception:
            self.close()
            raise
        if self.capture is not None:
            self.capture.start()

    def scale(self, sizes: Mapping[str, int]) -> None:
        """Change the number of instances of each variant.

        Raises:
            ServingError: new ones do not come up.
            ServiceError: the account may not have so many.
        """
        for name, size in sizes.items():
            self.variants[name].scale(size)

    def close(self) -> None:
        """Drain and stop every instance."""
        threads = [threading.Thread(target=variant.close) for variant in self.variants.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.capture is not None:
            self.capture.close()

    def choose(self, target: str) -> Variant | None:
        """Return the variant asked for, or one by the weights; None when there is none of this name."""
        if target:
            return self.variants.get(target)
        variants = list(self.variants.values())
        weights = [variant.weight for variant in variants]
        return random.choices(variants, weights)[0] if sum(weights) > 0 else variants[0]
