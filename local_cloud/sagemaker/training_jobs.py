"""Operations on training jobs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from local_cloud import roles
from local_cloud.sagemaker import images, pages
from local_cloud.sagemaker.channels import find_channels
from local_cloud.sagemaker.training_job import Secondary, TrainingJob
from local_cloud.sagemaker.training_request import check_training_request
from local_cloud.sagemaker.training_run import TrainingRun
from local_cloud.service_errors import ServiceError, validation_error

if TYPE_CHECKING:
    from local_cloud.emulator import Headers, Scope
    from local_cloud.json_service import Call, Operation
    from local_cloud.roles import Credentials
    from local_cloud.sagemaker.backend import Backend
    from local_cloud.sagemaker.channels import Channel
    from local_cloud.wire import JsonObject, JsonValue, Node


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
        return {"TrainingJobArn": self.launch(call.scope, call.request, headers=call.headers).arn}

    def launch(
        self, scope: Scope, request: Node, *, headers: Headers | None = None, tuning_job_arn: str = ""
    ) -> TrainingJob:
        """Start a job, for a caller or for a tuning job.

        Raises:
            ServiceError: the request cannot be done.
        """
        backend = self._backend
        job = TrainingJob(scope, request, tuning_job_arn=tuning_job_arn)
        credentials, channels = self.check(scope, request, headers or {})
        backend.training_quota.take(job.instance_count, job.instance_type)
        with self._lock:
            taken = (scope, job.name) in self._jobs
            if not taken:
                self._jobs[scope, job.name] = job
        if taken:
            backend.training_quota.give_back(job.instance_count)
            self._refuse_taken_name(job)
        backend.tags.create(job.arn, request.nodes("Tags"))
        TrainingRun(backend, job, credentials, channels).start()
        return job

    def check(self, scope: Scope, request: Node, headers: Headers) -> tuple[Credentials, list[Channel]]:
        """Check a request as far as that can be done before its job; return the role's credentials and the channels.

        Raises:
            ServiceError: it cannot be done.
        """
        job = TrainingJob(scope, request)
        self._refuse_taken_name(job)
        check_training_request(request)
        images.commands(request.node("AlgorithmSpecification").text("TrainingImage"), self._backend.settings.containers)
        roles.require_pass_role(scope, headers, job.role_arn)
        credentials = roles.assume(scope, job.role_arn, session="SageMaker", source_arn=job.arn)
        store = self._backend.store(scope, credentials)
        return credentials, list(find_channels(request, store, job.role_arn, scope.region))

    def interrupt(self, name: str, without_capacity_s: float) -> None:
        """Take the Spot instances of a job away, whatever region it is in; there are others after so many seconds.

        Raises:
            ServiceError: there is no such job, it is not on Spot instances, or it does not train.
        """
        found = [job for (_, known), job in list(self._jobs.items()) if known == name]
        if not found:
            raise validation_error(f"There is no training job {name!r}.")
        job = found[-1]
        if not job.is_spot:
            raise validation_error(f"Training job {name} is not on Spot instances: EnableManagedSpotTraining is off.")
        if job.secondary is not Secondary.TRAINING:
            raise validation_error(f"Training job {name} is {job.secondary}: only one that trains can be interrupted.")
        job.interrupt(without_capacity_s)

    def stop(self, call: Call) -> JsonObject:
        """Stop a running job: SIGTERM to its instances, SIGKILL when the grace is over."""
        job = self.job(call.scope, call.request.text("TrainingJobName"))
        if job.finished.is_set():
            raise validation_error(f"The request was rejected because the training job is in status {job.status}.")
        job.stop_requested.set()
        return {}

    def record(self) -> JsonValue:
        """Return every job, as it is kept between lives."""
        with self._lock:
            return [job.record() for job in self._jobs.values()]

    def restore(self, records: list[Node]) -> None:
        """Take over what was kept."""
        jobs = [TrainingJob.restored(record) for record in records]
        self._jobs = {(job.scope, job.name): job for job in jobs}

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
