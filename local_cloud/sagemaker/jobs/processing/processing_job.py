"""The record of one processing job."""

from __future__ import annotations

import time

from local_cloud.sagemaker.jobs.job import Job, JobNames
from local_cloud.sagemaker.shared.backend import FAILURE_REASON_LENGTH
from local_cloud.shared.emulator import Scope
from local_cloud.shared.wire import JsonObject, Node

NAMES = JobNames("ProcessingJobName", "processing job", "processing-job")
DEFAULT_MAX_RUNTIME_S = 86_400
_ECHOED = (
    "ProcessingInputs", "ProcessingOutputConfig", "ProcessingResources", "StoppingCondition", "AppSpecification",
    "Environment", "NetworkConfig", "RoleArn", "ExperimentConfig",
)  # fmt: skip


class ProcessingJob(Job):
    """One processing job. Safe to read and change from several threads."""

    def __init__(self, scope: Scope, request: Node) -> None:
        super().__init__(NAMES, scope, request)
        self.role_arn = request.text("RoleArn")
        self._exit_message = ""
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

    def start(self) -> None:
        """Note when its program began."""
        with self._lock:
            self._started = self._changed = time.time()

    def end(self, status: str, *, failure: str = "", exit_message: str = "") -> None:
        """Enter a final status."""
        with self._lock:
            self._enter(status, failure)
            self._exit_message = exit_message[:FAILURE_REASON_LENGTH]
            self._ended = self._changed = time.time()
        self.finished.set()

    def describe(self) -> JsonObject:
        """Return it as DescribeProcessingJob does."""
        description = self._told(_ECHOED)
        with self._lock:
            description["LastModifiedTime"] = self._changed
            if self._failure:
                description["FailureReason"] = self._failure
            if self._exit_message:
                description["ExitMessage"] = self._exit_message
            if self._started is not None:
                description["ProcessingStartTime"] = self._started
            if self._ended is not None:
                description["ProcessingEndTime"] = self._ended
        return description

    def summary(self) -> JsonObject:
        """Return it as ListProcessingJobs does."""
        described = self.describe()
        names = ("ProcessingJobName", "ProcessingJobArn", "CreationTime", "ProcessingEndTime", "LastModifiedTime",
                 "ProcessingJobStatus", "FailureReason", "ExitMessage")  # fmt: skip
        return {name: described[name] for name in names if name in described}
