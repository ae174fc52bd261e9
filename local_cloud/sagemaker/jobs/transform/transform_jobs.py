"""Operations on batch transform jobs."""

from __future__ import annotations

from local_cloud.sagemaker.hosting.models import Models
from local_cloud.sagemaker.jobs.inputs import required_inputs
from local_cloud.sagemaker.jobs.job_registry import JobRegistry
from local_cloud.sagemaker.jobs.transform.data_processing import Processing, ProcessingError
from local_cloud.sagemaker.jobs.transform.transform_job import (
    DEFAULT_PAYLOAD_MB,
    MAX_PAYLOAD_TIMES_CONCURRENCY_MB,
    NAMES,
    TransformJob,
)
from local_cloud.sagemaker.jobs.transform.transform_run import TransformRun
from local_cloud.sagemaker.shared import local_storage
from local_cloud.sagemaker.shared.backend import Backend
from local_cloud.shared import refusals, roles
from local_cloud.shared.json_service import Call
from local_cloud.shared.service_errors import validation_error
from local_cloud.shared.storage import Location
from local_cloud.shared.wire import JsonObject, JsonValue, Node


class TransformJobs(JobRegistry[TransformJob]):
    """Every transform job of the account; jobs are never deleted."""

    def __init__(self, backend: Backend, models: Models) -> None:
        super().__init__(NAMES)
        self._backend = backend
        self._models = models

    def create(self, call: Call) -> JsonObject:
        """Check a request and start the job."""
        job = TransformJob(call.scope, call.request)
        self._refuse_taken_name(job)
        _check(call.request)
        model = self._models.model(call.scope, call.request.text("ModelName"))
        credentials = roles.assume(call.scope, model.role_arn, session="SageMaker", source_arn=job.arn)
        objects = required_inputs(
            self._backend.store(call.scope, credentials),
            call.request.node("TransformInput").node("DataSource").node("S3DataSource"),
            role_arn=model.role_arn,
            region=call.scope.region,
        )
        with self._backend.transform_quota.taken(job.instance_count, job.instance_type):
            self._add(job)
        self._backend.tags.create(job.arn, call.request.nodes("Tags"))
        TransformRun(self._backend, job, model, credentials, objects).start()
        return {"TransformJobArn": job.arn}

    def record(self) -> JsonValue:
        """Return every job, as it is kept between lives."""
        return [job.record() for job in self.jobs()]

    def restore(self, records: list[Node]) -> None:
        """Take over what was kept."""
        self._take_over(TransformJob.restored(record) for record in records)


def _check(request: Node) -> None:
    try:
        Processing(request)
    except ProcessingError as error:
        raise validation_error(str(error)) from None
    local_storage.refuse_key(request.node("TransformResources"), "VolumeKmsKeyId")
    payload_mb = request.integer("MaxPayloadInMB", DEFAULT_PAYLOAD_MB)
    concurrency = max(1, request.integer("MaxConcurrentTransforms"))
    if payload_mb < 1:
        raise refusals.NO_PAYLOAD_LIMIT.error()
    if payload_mb * concurrency > MAX_PAYLOAD_TIMES_CONCURRENCY_MB:
        raise refusals.PAYLOAD_TIMES_CONCURRENCY.error(
            payload=payload_mb, concurrency=concurrency, most=MAX_PAYLOAD_TIMES_CONCURRENCY_MB
        )
    Location.parse(request.node("TransformOutput").text("S3OutputPath"))
