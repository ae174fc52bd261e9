"""Operations on processing jobs, which run Spark in local mode."""

from __future__ import annotations

from pathlib import Path

from local_cloud.sagemaker.jobs.job_registry import JobRegistry
from local_cloud.sagemaker.jobs.processing.processing_job import NAMES, ProcessingJob
from local_cloud.sagemaker.jobs.processing.processing_run import OPT_ML, ProcessingRun
from local_cloud.sagemaker.shared import images, local_storage
from local_cloud.sagemaker.shared.backend import Backend
from local_cloud.shared import networks, roles
from local_cloud.shared.emulator import Scope
from local_cloud.shared.json_service import Call
from local_cloud.shared.service_errors import ServiceError, validation_error
from local_cloud.shared.storage import Location
from local_cloud.shared.wire import JsonObject, Node


class ProcessingJobs(JobRegistry[ProcessingJob]):
    """Every processing job of the account; jobs are never deleted."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(NAMES)
        self._backend = backend

    def create(self, call: Call) -> JsonObject:
        """Check a request and start the job."""
        job, backend = ProcessingJob(call.scope, call.request), self._backend
        self._refuse_taken_name(job)
        program = self._program(call.request.node("AppSpecification"))
        _check(call.request)
        roles.require_pass_role(call.scope, call.headers, job.role_arn)
        networks.require(call.scope, call.request.node("NetworkConfig").node("VpcConfig"))
        credentials = roles.assume(call.scope, job.role_arn, session="SageMaker", source_arn=job.arn)
        with backend.processing_quota.taken(job.instance_count, job.instance_type):
            self._add(job)
        backend.tags.create(job.arn, call.request.nodes("Tags"))
        ProcessingRun(backend, job, credentials, program).start()
        return {"ProcessingJobArn": job.arn}

    def _missing(self, scope: Scope, name: str) -> ServiceError:
        del scope, name
        return ServiceError("ResourceNotFound", "Requested resource not found.")

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


def _check(request: Node) -> None:
    local_storage.refuse_key(request.node("ProcessingResources").node("ClusterConfig"), "VolumeKmsKeyId")
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
