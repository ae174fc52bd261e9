"""The record of one batch transform job."""

from __future__ import annotations

import time
from dataclasses import dataclass

from local_cloud.sagemaker.jobs.job import Job, JobNames
from local_cloud.shared.emulator import Scope
from local_cloud.shared.state import STOPPED_REASON, scope_of, scope_record
from local_cloud.shared.wire import JsonObject, Node

NAMES = JobNames("TransformJobName", "transform job", "transform-job")
DEFAULT_PAYLOAD_MB = 6
DEFAULT_TIMEOUT_S = 600
MAX_PAYLOAD_TIMES_CONCURRENCY_MB = 100
MIB = 1024 * 1024
_ECHOED = (
    "ModelName", "MaxConcurrentTransforms", "ModelClientConfig", "MaxPayloadInMB", "BatchStrategy", "Environment",
    "TransformInput", "TransformOutput", "TransformResources", "DataProcessing", "ExperimentConfig",
)  # fmt: skip
FINAL = frozenset({"Completed", "Failed", "Stopped"})


@dataclass(frozen=True)
class Parameters:
    """How requests are made of records.

    Attributes:
        concurrency: requests that an instance has at a time.
        payload_mb: largest request in megabytes.
        takes_many: whether a request holds as many records as fit.
    """

    concurrency: int
    payload_mb: int
    takes_many: bool

    def __str__(self) -> str:
        return (
            f"MaxConcurrentTransforms={self.concurrency}, MaxPayloadInMB={self.payload_mb}, "
            f"BatchStrategy={self._strategy}"
        )

    @property
    def _strategy(self) -> str:
        return "MULTI_RECORD" if self.takes_many else "SINGLE_RECORD"

    def variables(self) -> dict[str, str]:
        """Return them as a container's environment names them."""
        return {
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(self.payload_mb),
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(self.concurrency),
            "SAGEMAKER_BATCH_STRATEGY": self._strategy,
        }


class TransformJob(Job):
    """One transform job. Safe to read and change from several threads."""

    def __init__(self, scope: Scope, request: Node) -> None:
        super().__init__(NAMES, scope, request)
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

    def parameters(self, told: JsonObject) -> Parameters:
        """Return how requests are made: as the job says, else as its container told, else as the service assumes."""
        request, container = self.request, Node(told)
        strategies = {"MULTI_RECORD": "MultiRecord", "SINGLE_RECORD": "SingleRecord"}
        strategy = strategies.get(container.text("BatchStrategy"), "MultiRecord")
        payload_mb = request.integer("MaxPayloadInMB", container.integer("MaxPayloadInMB", DEFAULT_PAYLOAD_MB))
        concurrency = request.integer("MaxConcurrentTransforms") or container.integer("MaxConcurrentTransforms")
        return Parameters(
            # What a container tells is bounded as what a request asks for.
            concurrency=max(1, min(concurrency, MAX_PAYLOAD_TIMES_CONCURRENCY_MB // max(1, payload_mb))),
            payload_mb=payload_mb,
            takes_many=request.text("BatchStrategy", strategy) == "MultiRecord",
        )

    @property
    def timeout_s(self) -> int:
        """How long an answer may take."""
        return self.request.node("ModelClientConfig").integer("InvocationsTimeoutInSeconds", DEFAULT_TIMEOUT_S)

    def start(self) -> None:
        """Note when its instances were up."""
        with self._lock:
            self._started = time.time()

    def end(self, status: str, *, failure: str = "") -> None:
        """Enter a final status."""
        with self._lock:
            self._enter(status, failure)
            self._ended = time.time()
        self.finished.set()

    def record(self) -> JsonObject:
        """Return it as it is kept between lives."""
        with self._lock:
            return {
                "scope": scope_record(self.scope),
                "request": self.request.values,
                "created": self.created,
                "status": self._status,
                "failure": self._failure,
                "started": self._started,
                "ended": self._ended,
            }

    @classmethod
    def restored(cls, record: Node) -> TransformJob:
        """Return what was kept; a job that was under way has failed."""
        job = cls(scope_of(record), record.node("request"))
        job.created, job._started = record.number("created"), record.number("started") or None
        if record.text("status") not in FINAL:
            job.end("Failed", failure=STOPPED_REASON)
            return job
        job._status, job._failure, job._ended = record.text("status"), record.text("failure"), record.number("ended")
        job.finished.set()
        return job

    def describe(self) -> JsonObject:
        """Return it as DescribeTransformJob does."""
        description = self._told(_ECHOED)
        # The service tells these also where the request left them out.
        description["TransformInput"] = {
            "CompressionType": "None",
            "SplitType": "None",
            **self.request.node("TransformInput").values,
        }
        description["TransformOutput"] = {
            "AssembleWith": "None",
            "KmsKeyId": "",
            **self.request.node("TransformOutput").values,
        }
        with self._lock:
            if self._failure:
                description["FailureReason"] = self._failure
            if self._started is not None:
                description["TransformStartTime"] = self._started
            if self._ended is not None:
                description["TransformEndTime"] = self._ended
        return description

    def summary(self) -> JsonObject:
        """Return it as ListTransformJobs does."""
        described = self.describe()
        names = ("TransformJobName", "TransformJobArn", "CreationTime", "TransformEndTime", "TransformJobStatus",
                 "FailureReason")  # fmt: skip
        summary = {name: described[name] for name in names if name in described}
        return summary | {"LastModifiedTime": described.get("TransformEndTime", self.created)}
