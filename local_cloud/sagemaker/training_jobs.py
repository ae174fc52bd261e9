"""Operations on training jobs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from local_cloud import roles
from local_cloud.sagemaker import images, pages
from local_cloud.sagemaker.channels import find_channels
from local_cloud.sagemaker.training_job import TrainingJob
from local_cloud.sagemaker.training_run import CHECKPOINTS, TrainingRun
from local_cloud.service_errors import ServiceError, validation_error
from local_cloud.storage import Location

if TYPE_CHECKING:
    from local_cloud.emulator import Scope
    from local_cloud.json_service import Call, Operation
    from local_cloud.sagemaker.backend import Backend
    from local_cloud.wire import JsonObject, Node


class TrainingJobs:
    """Every training job of the account, by region and name; jobs are never deleted."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._jobs: dict[tuple[Scope, str], TrainingJob] = {}
        self._lock = threading.Lock()

    def operations(self) -> dict[str, Operation]:
        """Return what is emulated, by name."""
        return {
            "CreateTrainingJob": self.create,
            "DescribeTrainingJob": lambda call: self.job(call.scope, call.request.text("TrainingJobName")).describe(),
            "StopTrainingJob": self.stop,
            "ListTrainingJobs": self._list,
        }

    def job(self, scope: Scope, name: str) -> TrainingJob:
        """Return a job.

        Raises:
            ServiceError: there is none of this name.
        """
        job = self._jobs.get((scope, name))
        if job is None:
            raise validation_error("Requested resource not found.")
        return job

    def create(self, call: Call) -> JsonObject:
        """Check a request and start the job."""
        job, backend = TrainingJob(call.scope, call.request), self._backend
        self._refuse_taken_name(job)
        _check(call.request)
        images.commands(call.request.node("AlgorithmSpecification").text("TrainingImage"), backend.settings.containers)
        roles.require_pass_role(call.scope, call.headers, job.role_arn)
        credentials = roles.assume(call.scope, job.role_arn, session="SageMaker", source_arn=job.arn)
        channels = find_channels(call.request, backend.store(call.scope, credentials), job.role_arn, call.scope.region)
        backend.training_quota.take(job.instance_count, job.instance_type)
        with self._lock:
            taken = (job.scope, job.name) in self._jobs
            if not taken:
                self._jobs[job.scope, job.name] = job
        if taken:
            backend.training_quota.give_back(job.instance_count)
            self._refuse_taken_name(job)
        backend.tags.create(job.arn, call.request.nodes("Tags"))
        TrainingRun(backend, job, credentials, channels).start()
        return {"TrainingJobArn": job.arn}

    def stop(self, call: Call) -> JsonObject:
        """Stop a running job: SIGTERM to its instances, SIGKILL when the grace is over."""
        job = self.job(call.scope, call.request.text("TrainingJobName"))
        if job.finished.is_set():
            raise validation_error(f"The request was rejected because the training job is in status {job.status}.")
        job.stop_requested.set()
        return {}

    def running(self) -> list[TrainingJob]:
        """Return every job that has not ended."""
        with self._lock:
            return [job for job in self._jobs.values() if not job.finished.is_set()]

    def _list(self, call: Call) -> JsonObject:
        with self._lock:
            summaries = [job.summary() for (scope, _), job in self._jobs.items() if scope == call.scope]
        return pages.page(
            summaries,
            call.request,
            result="TrainingJobSummaries",
            name="TrainingJobName",
            status="TrainingJobStatus",
        )

    def _refuse_taken_name(self, job: TrainingJob) -> None:
        if (job.scope, job.name) in self._jobs:
            raise ServiceError(
                "ResourceInUse",
                "Training job names must be unique within an AWS account and region, and a training job with this "
                f"name already exists ({job.arn})",
            )


def _check(request: Node) -> None:
    specification = request.node("AlgorithmSpecification")
    if "TrainingImage" not in specification:
        raise validation_error("You must specify TrainingImage: other algorithm resources are not emulated here.")
    resources = request.node("ResourceConfig")
    if "InstanceType" not in resources or resources.integer("InstanceCount") < 1:
        raise validation_error("ResourceConfig must give an InstanceType and an InstanceCount of 1 or more.")
    if "StoppingCondition" not in request:
        raise validation_error("StoppingCondition must be specified.")
    names = [channel.text("ChannelName") for channel in request.nodes("InputDataConfig")]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise validation_error(f"Duplicate channel name: {', '.join(repeated)}")
    checkpoints = request.node("CheckpointConfig")
    if checkpoints.text("LocalPath", CHECKPOINTS).rstrip("/") != CHECKPOINTS:
        raise validation_error(
            f"CheckpointConfig.LocalPath other than {CHECKPOINTS} is not emulated by the local cloud."
        )
    Location.parse(request.node("OutputDataConfig").text("S3OutputPath"))
