"""The record of one training job: what was asked for, and how far it has come."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from local_cloud.sagemaker.jobs.job import Job, JobNames
from local_cloud.sagemaker.jobs.training import metric_definitions
from local_cloud.shared.emulator import Scope
from local_cloud.shared.state import STOPPED_REASON, scope_of, scope_record
from local_cloud.shared.wire import JsonObject, JsonValue, Node

NAMES = JobNames(
    "TrainingJobName",
    "training job",
    "training-job",
    taken=(
        "Training job names must be unique within an AWS account and region, and a training job with this name "
        "already exists"
    ),
)
DEFAULT_MAX_RUNTIME_S = 86_400
SPOT_PRICE_SHARE = 0.3
"""What a second of Spot capacity is billed at: the price moves on AWS, which promises savings of up to 90 %."""

_ECHOED = (
    "HyperParameters", "AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig", "ResourceConfig",
    "VpcConfig", "CheckpointConfig", "DebugHookConfig", "ExperimentConfig", "DebugRuleConfigurations",
    "TensorBoardOutputConfig", "ProfilerConfig", "ProfilerRuleConfigurations", "Environment", "RetryStrategy",
)  # fmt: skip


class Secondary(StrEnum):
    """SageMaker's secondary statuses that a job goes through here."""

    STARTING = "Starting"
    DOWNLOADING = "Downloading"
    TRAINING = "Training"
    UPLOADING = "Uploading"
    STOPPING = "Stopping"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"
    MAX_RUNTIME_EXCEEDED = "MaxRuntimeExceeded"
    INTERRUPTED = "Interrupted"
    MAX_WAIT_TIME_EXCEEDED = "MaxWaitTimeExceeded"


_MESSAGES = {
    Secondary.STARTING: "Preparing the instances for training",
    Secondary.DOWNLOADING: "Downloading input data",
    Secondary.TRAINING: "Training image download completed. Training in progress.",
    Secondary.UPLOADING: "Uploading generated training model",
    Secondary.STOPPING: "Stopping the training job",
    Secondary.COMPLETED: "Training job completed",
    Secondary.FAILED: "Training job failed",
    Secondary.STOPPED: "Training job stopped",
    Secondary.MAX_RUNTIME_EXCEEDED: "Training job runtime exceeded MaxRuntimeInSeconds provided",
    Secondary.INTERRUPTED: "Training job interrupted: its Spot instances were reclaimed",
    Secondary.MAX_WAIT_TIME_EXCEEDED: "Training job wait time exceeded MaxWaitTimeInSeconds provided",
}

_FINAL = {
    Secondary.COMPLETED: "Completed",
    Secondary.FAILED: "Failed",
    Secondary.STOPPED: "Stopped",
    Secondary.MAX_RUNTIME_EXCEEDED: "Stopped",
    Secondary.MAX_WAIT_TIME_EXCEEDED: "Stopped",
}


@dataclass
class Transition:
    """One secondary status and when it was held, in epoch seconds."""

    status: Secondary
    start: float
    end: float | None = None

    def describe(self) -> JsonObject:
        """Return it as DescribeTrainingJob does."""
        description: dict[str, JsonValue] = {
            "Status": self.status.value,
            "StartTime": self.start,
            "StatusMessage": _MESSAGES[self.status],
        }
        if self.end is not None:
            description["EndTime"] = self.end
        return description


class TrainingJob(Job):
    """One training job. Safe to read and change from several threads."""

    def __init__(self, scope: Scope, request: Node, *, tuning_job_arn: str = "") -> None:
        super().__init__(NAMES, scope, request)
        self.tuning_job_arn = tuning_job_arn
        self.role_arn = request.text("RoleArn")
        self.interruption = threading.Event()
        self._without_capacity_s = 0.0
        self._transitions = [Transition(Secondary.STARTING, self.created)]
        self._artifact = ""
        self._metrics: list[JsonObject] = []

    @property
    def instance_count(self) -> int:
        """How many instances it trains on."""
        return self.request.node("ResourceConfig").integer("InstanceCount", 1)

    @property
    def instance_type(self) -> str:
        """Type of its instances."""
        return self.request.node("ResourceConfig").text("InstanceType")

    @property
    def max_runtime_s(self) -> int:
        """How long it may train."""
        return self.request.node("StoppingCondition").integer("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME_S)

    @property
    def is_spot(self) -> bool:
        """Whether it trains on Spot instances, which can be interrupted."""
        return self.request.flag("EnableManagedSpotTraining")

    @property
    def max_wait_s(self) -> float:
        """How long it may wait and train together; without end unless on Spot instances."""
        return self.request.node("StoppingCondition").number("MaxWaitTimeInSeconds") if self.is_spot else math.inf

    @property
    def secondary(self) -> Secondary:
        """Its secondary status."""
        with self._lock:
            return self._transitions[-1].status

    def enter(self, status: Secondary, *, failure: str = "") -> None:
        """Go on to the next secondary status; a final one finishes the job."""
        now = time.time()
        with self._lock:
            self._transitions[-1].end = now
            self._transitions.append(Transition(status, now))
            self._enter(_FINAL.get(status, self._status), failure)
            if status in _FINAL:
                self._transitions[-1].end = now
        if status in _FINAL:
            self.finished.set()

    def interrupt(self, without_capacity_s: float) -> None:
        """Take its Spot instances away; there are others after so many seconds."""
        with self._lock:
            self._without_capacity_s = without_capacity_s
        self.interruption.set()

    def take_interruption(self) -> float:
        """Note that an interruption was carried out, and return for how many seconds there is no capacity."""
        self.interruption.clear()
        with self._lock:
            return self._without_capacity_s

    def started_at(self) -> float:
        """Return when its present instances began, in epoch seconds: each interruption brings others."""
        with self._lock:
            return next(item.start for item in reversed(self._transitions) if item.status is Secondary.STARTING)

    def training_s(self) -> float:
        """Return how long it has trained, over all its instances' lives, in seconds."""
        with self._lock:
            return _training_s(self._transitions)

    def metric(self, name: str) -> float | None:
        """Return the final value of a metric; None where there is none."""
        with self._lock:
            values = [Node(item).number("Value") for item in self._metrics if item["MetricName"] == name]
        return values[-1] if values else None

    def set_artifact(self, uri: str) -> None:
        """Tell where the model was stored."""
        with self._lock:
            self._artifact = uri

    def set_metrics(self, metrics: list[JsonObject]) -> None:
        """Tell the final metrics."""
        with self._lock:
            self._metrics = metrics

    def record(self) -> JsonObject:
        """Return it as it is kept between lives."""
        with self._lock:
            return {
                "scope": scope_record(self.scope),
                "request": self.request.values,
                "tuning_job_arn": self.tuning_job_arn,
                "transitions": [
                    {"status": item.status.value, "start": item.start, "end": item.end} for item in self._transitions
                ],
                "failure": self._failure,
                "artifact": self._artifact,
                "metrics": self._metrics,
            }

    @classmethod
    def restored(cls, record: Node) -> TrainingJob:
        """Return what was kept; a job that was under way has failed."""
        job = cls(scope_of(record), record.node("request"), tuning_job_arn=record.text("tuning_job_arn"))
        job._transitions = [
            Transition(Secondary(item.text("status")), item.number("start"), item.number("end") or None)
            for item in record.nodes("transitions")
        ]
        job.created = job._transitions[0].start
        job._failure, job._artifact = record.text("failure"), record.text("artifact")
        job._metrics = [item.values for item in record.nodes("metrics")]
        last = job._transitions[-1].status
        if last in _FINAL:
            job._status = _FINAL[last]
            job.finished.set()
        else:
            job.enter(Secondary.FAILED, failure=STOPPED_REASON)
        return job

    def describe(self) -> JsonObject:
        """Return it as DescribeTrainingJob does."""
        description, request = self._told(_ECHOED), self.request
        with self._lock:
            transitions = list(self._transitions)
            description |= {
                "SecondaryStatus": transitions[-1].status.value,
                "StoppingCondition": {
                    "MaxRuntimeInSeconds": self.max_runtime_s,
                    **request.node("StoppingCondition").values,
                },
                "LastModifiedTime": transitions[-1].start,
                "SecondaryStatusTransitions": [item.describe() for item in transitions],
                "EnableNetworkIsolation": request.flag("EnableNetworkIsolation"),
                "EnableInterContainerTrafficEncryption": request.flag("EnableInterContainerTrafficEncryption"),
                "EnableManagedSpotTraining": request.flag("EnableManagedSpotTraining"),
            }
            # The service tells these also where the request left them out, and SDKs attach to a job by them.
            description["AlgorithmSpecification"] = metric_definitions.described(request.node("AlgorithmSpecification"))
            description["OutputDataConfig"] = {
                "KmsKeyId": "",
                "CompressionType": "GZIP",
                **request.node("OutputDataConfig").values,
            }
            if "InputDataConfig" in request:
                description["InputDataConfig"] = [
                    {"CompressionType": "None", "RecordWrapperType": "None", **channel.values}
                    for channel in request.nodes("InputDataConfig")
                ]
            if self.tuning_job_arn:
                description["TuningJobArn"] = self.tuning_job_arn
            if self._artifact:
                description["ModelArtifacts"] = {"S3ModelArtifacts": self._artifact}
            if self._failure:
                description["FailureReason"] = self._failure
            if self._metrics:
                description["FinalMetricDataList"] = self._metrics
        return description | _training_times(transitions, is_spot=self.is_spot)

    def summary(self) -> JsonObject:
        """Return it as ListTrainingJobs does."""
        described = self.describe()
        names = ("TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingEndTime", "LastModifiedTime",
                 "TrainingJobStatus", "SecondaryStatus")  # fmt: skip
        return {name: described[name] for name in names if name in described}


def _training_times(transitions: list[Transition], *, is_spot: bool) -> dict[str, JsonValue]:
    started = next((item.start for item in transitions if item.status is Secondary.DOWNLOADING), None)
    if started is None:
        return {}
    times: dict[str, JsonValue] = {"TrainingStartTime": started}
    if transitions[-1].status in _FINAL:
        seconds = max(1, round(_training_s(transitions)))
        times |= {
            "TrainingEndTime": transitions[-1].start,
            "TrainingTimeInSeconds": seconds,
            "BillableTimeInSeconds": max(1, round(seconds * SPOT_PRICE_SHARE)) if is_spot else seconds,
        }
    return times


def _training_s(transitions: Sequence[Transition]) -> float:
    """Sum the time from each download to the end or the interruption that follows it."""
    total, since = 0.0, None
    for item in transitions:
        if item.status is Secondary.DOWNLOADING:
            since = item.start
        elif since is not None and (item.status in _FINAL or item.status is Secondary.INTERRUPTED):
            total, since = total + item.start - since, None
    return total + (time.time() - since if since is not None else 0.0)
