"""Operations on batch transform jobs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from local_cloud import roles
from local_cloud.sagemaker import pages
from local_cloud.sagemaker.data_processing import Processing, ProcessingError
from local_cloud.sagemaker.transform_job import DEFAULT_PAYLOAD_MB, MAX_PAYLOAD_TIMES_CONCURRENCY_MB, TransformJob
from local_cloud.sagemaker.transform_run import TransformRun
from local_cloud.service_errors import ServiceError, validation_error
from local_cloud.storage import Location, ObjectStore, StorageError, StoredObject

if TYPE_CHECKING:
    from local_cloud.emulator import Scope
    from local_cloud.json_service import Call, Operation
    from local_cloud.sagemaker.backend import Backend
    from local_cloud.sagemaker.models import Model, Models
    from local_cloud.wire import JsonObject, JsonValue, Node


class TransformJobs:
    """Every transform job of the account; jobs are never deleted."""

    def __init__(self, backend: Backend, models: Models) -> None:
        self._backend = backend
        self._models = models
        self._jobs: dict[tuple[Scope, str], TransformJob] = {}
        self._lock = threading.Lock()

    def operations(self) -> dict[str, Operation]:
        """Return what is emulated, by name."""
        return {
            "CreateTransformJob": self.create,
            "DescribeTransformJob": lambda call: self.job(call.scope, call.request.text("TransformJobName")).describe(),
            "StopTransformJob": self.stop,
            "ListTransformJobs": self._list,
        }

    def job(self, scope: Scope, name: str) -> TransformJob:
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
        job = TransformJob(call.scope, call.request)
        self._refuse_taken_name(job)
        _check(call.request)
        model = self._models.model(call.scope, call.request.text("ModelName"))
        credentials = roles.assume(call.scope, model.role_arn, session="SageMaker", source_arn=job.arn)
        objects = _find_objects(call.request, self._backend.store(call.scope, credentials), model)
        self._backend.transform_quota.take(job.instance_count, job.instance_type)
        with self._lock:
            taken = (job.scope, job.name) in self._jobs
            if not taken:
                self._jobs[job.scope, job.name] = job
        if taken:
            self._backend.transform_quota.give_back(job.instance_count)
            self._refuse_taken_name(job)
        self._backend.tags.create(job.arn, call.request.nodes("Tags"))
        TransformRun(self._backend, job, model, credentials, objects).start()
        return {"TransformJobArn": job.arn}

    def stop(self, call: Call) -> JsonObject:
        """Stop a running job after the requests that it has sent."""
        job = self.job(call.scope, call.request.text("TransformJobName"))
        if job.finished.is_set():
            raise validation_error(f"The request was rejected because the transform job is in status {job.status}.")
        job.stop_requested.set()
        return {}

    def record(self) -> JsonValue:
        """Return every job, as it is kept between lives."""
        with self._lock:
            return [job.record() for job in self._jobs.values()]

    def restore(self, records: list[Node]) -> None:
        """Take over what was kept."""
        jobs = [TransformJob.restored(record) for record in records]
        self._jobs = {(job.scope, job.name): job for job in jobs}

    def running(self) -> list[TransformJob]:
        """Return every job that has not ended."""
        with self._lock:
            return [job for job in self._jobs.values() if not job.finished.is_set()]

    def _list(self, call: Call) -> JsonObject:
        with self._lock:
            summaries = [job.summary() for (scope, _), job in self._jobs.items() if scope == call.scope]
        return pages.page(
            summaries,
            call.request,
            result="TransformJobSummaries",
            name="TransformJobName",
            status="TransformJobStatus",
        )

    def _refuse_taken_name(self, job: TransformJob) -> None:
        if (job.scope, job.name) in self._jobs:
            raise ServiceError(
                "ResourceInUse",
                "Job name must be unique within an AWS account and region, and a job with this name already exists "
                f"({job.arn})",
            )


def _check(request: Node) -> None:
    try:
        Processing(request)
    except ProcessingError as error:
        raise validation_error(str(error)) from None
    payload_mb = request.integer("MaxPayloadInMB", DEFAULT_PAYLOAD_MB)
    concurrency = max(1, request.integer("MaxConcurrentTransforms"))
    if payload_mb < 1:
        raise validation_error("MaxPayloadInMB of 0 is not supported for built-in algorithms.")
    if payload_mb * concurrency > MAX_PAYLOAD_TIMES_CONCURRENCY_MB:
        raise validation_error(
            f"MaxPayloadInMB {payload_mb} times MaxConcurrentTransforms {concurrency} must not exceed "
            f"{MAX_PAYLOAD_TIMES_CONCURRENCY_MB} MB."
        )
    Location.parse(request.node("TransformOutput").text("S3OutputPath"))


def _find_objects(request: Node, store: ObjectStore, model: Model) -> list[StoredObject]:
    place = Location.parse(request.node("TransformInput").node("DataSource").node("S3DataSource").text("S3Uri"))
    problem = ""
    try:
        objects = store.list(place)
    except StorageError as error:
        objects, problem = [], f" Error message from S3: {error}"
    if not objects:
        raise validation_error(
            f'No S3 objects found under S3 URL "{place.uri}" given in input data source. Please ensure that the bucket '
            f"exists in the selected region ({model.scope.region}), that objects exist under that S3 prefix, and that "
            f'the role "{model.role_arn}" has "s3:ListBucket" permissions on bucket "{place.bucket}".{problem}'
        )
    return objects
