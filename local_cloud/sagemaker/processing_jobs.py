"""Operations on processing jobs, which run Spark in local mode."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from local_cloud import roles
from local_cloud.sagemaker import images, pages
from local_cloud.sagemaker.processing_job import ProcessingJob
from local_cloud.sagemaker.processing_run import OPT_ML, ProcessingRun
from local_cloud.service_errors import ServiceError, validation_error
from local_cloud.storage import Location

if TYPE_CHECKING:
    from local_cloud.emulator import Scope
    from local_cloud.json_service import Call, Operation
    from local_cloud.sagemaker.backend import Backend
    from local_cloud.wire import JsonObject, Node


class ProcessingJobs:
    """Every processing job of the account; jobs are never deleted."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._jobs: dict[tuple[Scope, str], ProcessingJob] = {}
        self._lock = threading.Lock()

    def operations(self) -> dict[str, Operation]:
        """Return what is emulated, by name."""
        return {
            "CreateProcessingJob": self.create,
            "DescribeProcessingJob": lambda call: self.job(
                call.scope, call.request.text("ProcessingJobName")
            ).describe(),
            "StopProcessingJob": self.stop,
            "ListProcessingJobs": self._list,
        }

    def job(self, scope: Scope, name: str) -> ProcessingJob:
        """Return a job.

        Raises:
            ServiceError: there is none of this name.
        """
        job = self._jobs.get((scope, name))
        if job is None:
            raise ServiceError("ResourceNotFound", "Requested resource not found.")
        return job

    def create(self, call: Call) -> JsonObject:
        """Check a request and start the job."""
        job, backend = ProcessingJob(call.scope, call.request), self._backend
        self._refuse_taken_name(job)
        program = self._program(call.request.node("AppSpecification"))
        _check(call.request)
        roles.require_pass_role(call.scope, call.headers, job.role_arn)
        credentials = roles.assume(call.scope, job.role_arn, session="SageMaker", source_arn=job.arn)
        backend.processing_quota.take(job.instance_count, job.instance_type)
        with self._lock:
            taken = (job.scope, job.name) in self._jobs
            if not taken:
                self._jobs[job.scope, job.name] = job
        if taken:
            backend.processing_quota.give_back(job.instance_count)
            self._refuse_taken_name(job)
        backend.tags.create(job.arn, call.request.nodes("Tags"))
        ProcessingRun(backend, job, credentials, program).start()
        return {"ProcessingJobArn": job.arn}

    def stop(self, call: Call) -> JsonObject:
        """Stop a running job: SIGTERM, SIGKILL when the grace is over."""
        job = self.job(call.scope, call.request.text("ProcessingJobName"))
        if job.finished.is_set():
            raise validation_error(f"The request was rejected because the processing job is in status {job.status}.")
        job.stop_requested.set()
        return {}

    def running(self) -> list[ProcessingJob]:
        """Return every job that has not ended."""
        with self._lock:
            return [job for job in self._jobs.values() if not job.finished.is_set()]

    def _program(self, specification: Node) -> tuple[str, ...]:
        """Return what stands for the container's own first word, which an entry point must begin with."""
        name = images.repository(specification.text("ImageUri"))
        known = self._backend.settings.processing
        if name not in known:
            raise validation_error(
                f"ImageUri {specification.text('ImageUri')} is not emulated for processing by the local cloud, which "
                f"runs: {', '.join(sorted(known))}."
            )
        entry = specification.texts("ContainerEntrypoint")
        first, *program = known[name]
        if not entry or entry[0] != first:
            raise validation_error(f"ContainerEntrypoint must begin with {first} for {name} in the local cloud.")
        if not all(Path(part).exists() for part in program if Path(part).is_absolute()):
            raise validation_error(
                f"{name} runs in .venv-spark here, which has not been made: `make spark` makes it, with Java 17."
            )
        return tuple(program)

    def _list(self, call: Call) -> JsonObject:
        with self._lock:
            summaries = [job.summary() for (scope, _), job in self._jobs.items() if scope == call.scope]
        return pages.page(
            summaries,
            call.request,
            result="ProcessingJobSummaries",
            name="ProcessingJobName",
            status="ProcessingJobStatus",
        )

    def _refuse_taken_name(self, job: ProcessingJob) -> None:
        if (job.scope, job.name) in self._jobs:
            raise ServiceError(
                "ResourceInUse",
                "Job name must be unique within an AWS account and region, and a job with this name already exists "
                f"({job.arn})",
            )


def _check(request: Node) -> None:
    for given in request.nodes("ProcessingInputs"):
        source = given.node("S3Input")
        if "S3Uri" not in source or source.text("S3InputMode", "File") != "File":
            raise validation_error("ProcessingInputs: only an S3Input in File mode is emulated by the local cloud.")
        Location.parse(source.text("S3Uri"))
    for output in request.node("ProcessingOutputConfig").nodes("Outputs"):
        target = output.node("S3Output")
        if "S3Uri" not in target or target.text("S3UploadMode") != "EndOfJob":
            raise validation_error("Outputs: only an S3Output in EndOfJob mode is emulated by the local cloud.")
        Location.parse(target.text("S3Uri"))
    places = [item.node("S3Input") for item in request.nodes("ProcessingInputs")]
    places += [item.node("S3Output") for item in request.node("ProcessingOutputConfig").nodes("Outputs")]
    for place in places:
        path = place.text("LocalPath")
        if not path.startswith(f"{OPT_ML}/processing/") or ".." in path.split("/"):
            raise validation_error(f"LocalPath {path} must be below {OPT_ML}/processing.")
