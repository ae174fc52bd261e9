"""The record of one batch transform job."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from local_cloud.sagemaker.backend import FAILURE_REASON_LENGTH

if TYPE_CHECKING:
    from local_cloud.emulator import Scope
    from local_cloud.wire import JsonObject, JsonValue, Node

DEFAULT_PAYLOAD_MB = 6
DEFAULT_TIMEOUT_S = 600
MIB = 1024 * 1024
_ECHOED = (
    "ModelName", "MaxConcurrentTransforms", "ModelClientConfig", "MaxPayloadInMB", "BatchStrategy", "Environment",
    "TransformInput", "TransformOutput", "TransformResources", "DataProcessing", "ExperimentConfig",
)  # fmt: skip
FINAL = frozenset({"Completed", "Failed", "Stopped"})


class TransformJob:
    """One transform job. Safe to read and change from several threads."""

    def __init__(self, scope: Scope, request: Node) -> None:
        self.scope = scope
        self.request = request
        self.name = request.text("TransformJobName")
        self.arn = scope.arn("sagemaker", f"transform-job/{self.name}")
        self.created = time.time()
        self.stop_requested = threading.Event()
        self.finished = threading.Event()
        self._lock = threading.Lock()
        self._status = "InProgress"
        self._failure = ""
        self._started: float | None = None
        self._ended: float | None = None

    @property
    def instance_count(self) -> int:
        """How many instances it runs on."""
        return self.request.node("TransformResources").integer("InstanceCount", 1)

    @property
    def instance_type(self) -> str:
        """Type of its instances."""
        return self.request.node("TransformResources").text("InstanceType")

    @property
    def concurrency(self) -> int:
        """Requests that an instance has at a time."""
        return max(1, self.request.integer("MaxConcurrentTransforms", 1))

    @property
    def payload_mb(self) -> int:
        """Largest request in megabytes."""
        return self.request.integer("MaxPayloadInMB", DEFAULT_PAYLOAD_MB)

    @property
    def takes_many(self) -> bool:
        """Whether a request holds as many records as fit."""
        return self.request.text("BatchStrategy", "MultiRecord") == "MultiRecord"

    @property
    def timeout_s(self) -> int:
        """How long an answer may take."""
        return self.request.node("ModelClientConfig").integer("InvocationsTimeoutInSeconds", DEFAULT_TIMEOUT_S)

    @property
    def status(self) -> str:
        """Its status."""
        with self._lock:
            running = self._status == "InProgress"
            return "Stopping" if running and self.stop_requested.is_set() else self._status

    def start(self) -> None:
        """Note when its instances were up."""
        with self._lock:
            self._started = time.time()

    def end(self, status: str, *, failure: str = "") -> None:
        """Enter a final status."""
        with self._lock:
            self._status, self._failure = status, failure[:FAILURE_REASON_LENGTH]
            self._ended = time.time()
        self.finished.set()

    def describe(self) -> JsonObject:
        """Return it as DescribeTransformJob does."""
        told: dict[str, JsonValue] = {
            "TransformJobName": self.name,
            "TransformJobArn": self.arn,
            "TransformJobStatus": self.status,
            "CreationTime": self.created,
        }
        told |= {name: self.request.values[name] for name in _ECHOED if name in self.request}
        with self._lock:
            if self._failure:
                told["FailureReason"] = self._failure
            if self._started is not None:
                told["TransformStartTime"] = self._started
            if self._ended is not None:
                told["TransformEndTime"] = self._ended
        return told

    def summary(self) -> JsonObject:
        """Return it as ListTransformJobs does."""
        described = self.describe()
        names = ("TransformJobName", "TransformJobArn", "CreationTime", "TransformEndTime", "TransformJobStatus",
                 "FailureReason")  # fmt: skip
        summary = {name: described[name] for name in names if name in described}
        return summary | {"LastModifiedTime": described.get("TransformEndTime", self.created)}
