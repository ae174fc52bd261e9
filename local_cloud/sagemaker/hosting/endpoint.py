"""The record of one endpoint: its status, and what takes its requests."""

from __future__ import annotations

import threading
import time

from local_cloud.sagemaker.hosting.endpoint_configs import EndpointConfig
from local_cloud.sagemaker.hosting.fleet import Fleet
from local_cloud.sagemaker.hosting.traffic import Traffic
from local_cloud.sagemaker.shared.backend import FAILURE_REASON_LENGTH
from local_cloud.shared.emulator import Scope
from local_cloud.shared.state import scope_record
from local_cloud.shared.wire import JsonObject, JsonValue

SETTLED = frozenset({"InService", "Failed", "Deleted", "UpdateRollbackFailed"})


class Endpoint:
    """One endpoint. `traffic` says what takes its requests."""

    def __init__(self, scope: Scope, name: str, config: EndpointConfig) -> None:
        self.scope = scope
        self.name = name
        self.arn = arn_of(scope, name)
        self.config = config
        self.created = time.time()
        self.modified = self.created
        self.status = "Creating"
        self.failure = ""
        self.deployment: JsonValue = None
        self.traffic = Traffic(self.set)
        self.changed = threading.Condition()

    @property
    def fleet(self) -> Fleet | None:
        """The fleet in service; during a rollout the old one."""
        return self.traffic.fleet

    def set(self, status: str, *, failure: str = "") -> None:
        """Enter a status and wake those that wait for one."""
        with self.changed:
            self.status = status
            self.failure = failure[:FAILURE_REASON_LENGTH]
            self.modified = time.time()
            self.changed.notify_all()

    def settle(self) -> str:
        """Wait until nothing is in progress, and return the status. Blocks."""
        with self.changed:
            self.changed.wait_for(lambda: self.status in SETTLED)
            return self.status

    def describe(self) -> JsonObject:
        """Return it as DescribeEndpoint does."""
        description: dict[str, JsonValue] = {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "EndpointConfigName": self.config.name,
            "EndpointStatus": self.status,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
        }
        if self.fleet is not None:
            description["ProductionVariants"] = [
                variant.describe(self.status) for variant in self.fleet.variants.values()
            ]
            if self.fleet.capture is not None:
                description["DataCaptureConfig"] = self.fleet.capture.describe()
        if self.failure:
            description["FailureReason"] = self.failure
        pending = self.traffic.pending()
        if pending is not None:
            description["PendingDeploymentSummary"] = pending
        if self.deployment is not None:
            description["LastDeploymentConfig"] = self.deployment
        return description

    def record(self) -> JsonObject:
        """Return it as it is kept between lives."""
        variants = self.fleet.variants.values() if self.fleet else ()
        return {
            "name": self.name,
            "config": self.config.record(),
            "scope": scope_record(self.scope),
            "created": self.created,
            "modified": self.modified,
            "status": self.status,
            "failure": self.failure,
            "deployment": self.deployment,
            "variants": {item.spec.name: {"count": item.desired, "weight": item.weight} for item in variants},
        }

    def summary(self) -> JsonObject:
        """Return it as ListEndpoints does."""
        return {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "EndpointStatus": self.status,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
        }


def arn_of(scope: Scope, name: str) -> str:
    """Return an endpoint's ARN: in lower case, whatever its name."""
    return scope.arn("sagemaker", f"endpoint/{name.lower()}")
