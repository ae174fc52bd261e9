"""The record of one processing job."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from local_cloud.sagemaker.backend import FAILURE_REASON_LENGTH

if TYPE_CHECKING:
    from local_cloud.emulator import Scope
    from local_cloud.wire import JsonObject, JsonValue, Node

DEFAULT_MAX_RUNTIME_S = 86_400
_ECHOED = (
    "ProcessingInputs", "ProcessingOutputConfig", "ProcessingResources", "StoppingCondition", "AppSpecification",
    "Environment", "NetworkConfig", "RoleArn", "ExperimentConfig",
)  # fmt: skip


class ProcessingJob:
    """One processing job. Safe to read and change from several threads."""

    def __init__(self, scope: Scope, request: Node) -> None:
        self.scope = scope
        self.request = request
        self.name = request.text("ProcessingJobName")
        self.arn = scope.arn("sagemaker", f"processing-job/{self.name}")
        self.role_arn = request.text("RoleArn")
        self.created = time.time()
        self.stop_requested = threading.Event()
        self.finished = threading.Event()
        self._lock = threading.Lock()
        self._status = "InProgress"
        self._failure = self._exit_message = ""
        self._changed = self.created
        self._started: float | None = None
        self._ended: float | None = None

    @property
    def _cluster(self) -> Node:
        return self.request.node("ProcessingResources").node("ClusterConfig")

    @property
    def instance_count(self) -> int:
        """How many instances it runs on."""
        return self._cluster.integer("InstanceCount", 1)

    @property
    def instance_type(self) -> str:
        """Type of its instances."""
        return self._cluster.text("InstanceType")

    @property
    def max_runtime_s(self) -> int:
        """How long it may run."""
        return self.request.node("StoppingCondition").integer("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME_S)

    @property
    def status(self) -> str:
        """Its status."""
        with self._lock:
            running = self._status == "InProgress"
            return "Stopping" if running and self.stop_requested.is_set() else self._status

    def start(self) -> None:
        """Note when its program began."""
        with self._lock:
            self._started = self._changed = time.time()

    def end(self, status: str, *, failure: str = "", exit_message: str = "") -> None:
        """Enter a final status."""
        with self._lock:
            self._status, self._failure = status, failure[:FAILURE_REASON_LENGTH]
            self._exit_message = exit_message[:FAILURE_REASON_LENGTH]
            self._ended = self._changed = time.time()
        self.finished.set()

    def describe(self) -> JsonObject:
        """Return it as DescribeProcessingJob does."""
        told: dict[str, JsonValue] = {
            "ProcessingJobName": self.name,
            "ProcessingJobArn": self.arn,
            "ProcessingJobStatus": self.status,
            "CreationTime": self.created,
        }
        told |= {name: self.request.values[name] for name in _ECHOED if name in self.request}
        with self._lock:
            told["LastModifiedTime"] = self._changed
            if self._failure:
                told["FailureReason"] = self._failure
            if self._exit_message:
                told["ExitMessage"] = self._exit_message
            if self._started is not None:
                told["ProcessingStartTime"] = self._started
            if self._ended is not None:
                told["ProcessingEndTime"] = self._ended
        return told

    def summary(self) -> JsonObject:
        """Return it as ListProcessingJobs does."""
        described = self.describe()
        names = ("ProcessingJobName", "ProcessingJobArn", "CreationTime", "ProcessingEndTime", "LastModifiedTime",
                 "ProcessingJobStatus", "FailureReason", "ExitMessage")  # fmt: skip
        return {name: described[name] for name in names if name in described}
