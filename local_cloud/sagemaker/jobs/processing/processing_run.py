"""Running one processing job: its inputs, its program, its outputs."""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from local_cloud.processes.supervisor import Instance
from local_cloud.sagemaker.jobs.inputs import InputError, find_inputs
from local_cloud.sagemaker.jobs.processing.processing_job import ProcessingJob
from local_cloud.sagemaker.shared import logs
from local_cloud.sagemaker.shared.backend import INTERNAL_ERROR, Backend, internal_error
from local_cloud.shared.roles import Credentials
from local_cloud.shared.storage import Location, StorageError
from local_cloud.shared.wire import Node

logger = logging.getLogger("local_cloud")

OPT_ML = "/opt/ml"
LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
_POLL_S = 0.1


class ProcessingFailedError(Exception):
    """The job's FailureReason."""


class _StoppedError(Exception):
    """The job was asked to stop."""


class ProcessingRun:
    """One run of a processing job, on a thread of its own.

    A cluster is one program here, as Spark in local mode is: whatever the instance count, it runs once. Its paths under
    /opt/ml are those of a folder of the job's own.
    """

    def __init__(self, backend: Backend, job: ProcessingJob, credentials: Credentials, program: Sequence[str]) -> None:
        self._backend = backend
        self._job = job
        self._credentials = credentials
        self._program = program
        self._store = backend.store(job.scope, credentials)
        self._folder = backend.work / "processing" / job.scope.region / job.name
        self._root = self._folder / "opt" / "ml"

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name=f"processing-{self._job.name}", daemon=True).start()

    def _run(self) -> None:
        job = self._job
        status, reason, message = "Failed", INTERNAL_ERROR, ""
        try:
            self._download()
            self._write_configuration()
            job.start()
            message = self._process()
            self._upload()
            status, reason = "Completed", ""
        except _StoppedError:
            status, reason = "Stopped", ""
        except ProcessingFailedError as failure:
            reason = str(failure)
        except Exception as error:
            logger.exception("processing job %s", job.name)
            reason = internal_error(error)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._backend.processing_quota.give_back(job.instance_count)
            job.end(status, failure=reason, exit_message=message)

    def _local(self, path: str) -> Path:
        return self._root / path.removeprefix(OPT_ML).lstrip("/")

    def _download(self) -> None:
        self._root.mkdir(parents=True)
        for given in self._job.request.nodes("ProcessingInputs"):
            source = given.node("S3Input")
            target = self._local(source.text("LocalPath"))
            target.mkdir(parents=True, exist_ok=True)
            try:
                inputs = find_inputs(self._store, source)
                for item in inputs:
                    self._store.download(item.place, target / item.relative)
            except (InputError, StorageError) as error:
                raise ProcessingFailedError(f"ClientError: Data download failed:{error}") from None
            if not inputs:
                raise ProcessingFailedError(f"ClientError: No S3 objects found under S3 URL {source.text('S3Uri')}")

    def _outputs(self) -> list[Node]:
        return self._job.request.node("ProcessingOutputConfig").nodes("Outputs")

    def _write_configuration(self) -> None:
        job, config = self._job, self._root / "config"
        config.mkdir()
        hosts = [f"algo-{number}" for number in range(1, job.instance_count + 1)]
        (config / "resourceconfig.json").write_text(json.dumps({"current_host": hosts[0], "hosts": hosts}))
        (config / "processingjobconfig.json").write_text(json.dumps(job.describe()))
        (self._root / "output").mkdir(exist_ok=True)
        for output in self._outputs():
            self._local(output.node("S3Output").text("LocalPath")).mkdir(parents=True, exist_ok=True)

    def _process(self) -> str:
        job = self._job
        specification = job.request.node("AppSpecification")
        given = [*specification.texts("ContainerEntrypoint")[1:], *specification.texts("ContainerArguments")]
        arguments = [part.replace(f"{OPT_ML}/", f"{self._root}/") for part in given]
        environment = self._backend.container_environment(
            job.scope,
            isolated=job.request.node("NetworkConfig").flag("EnableNetworkIsolation"),
            credentials=self._credentials,
            own={
                name: value.replace(f"{OPT_ML}/", f"{self._root}/")
                for name, value in job.request.mapping("Environment").items()
            },
        )
        stream = logs.LogStream(job.scope, job.role_arn, LOG_GROUP, f"{job.name}/algo-1-{int(job.created)}")
        try:
            process = self._backend.supervisor.start(
                [*self._program, *arguments],
                name=f"{job.name}/algo-1",
                folder=self._root,
                environment=environment,
                sink=stream.write,
            )
        except OSError as error:
            raise ProcessingFailedError(internal_error(error)) from None
        return self._await(process)

    def _await(self, process: Instance) -> str:
        deadline = time.monotonic() + self._job.max_runtime_s
        while not process.wait(_POLL_S):
            over = time.monotonic() > deadline
            if over or self._job.stop_requested.is_set():
                process.terminate(self._backend.settings.stop_grace_s)
                if over:
                    raise ProcessingFailedError("ClientError: The job ran longer than MaxRuntimeInSeconds.")
                raise _StoppedError
        if process.exit_code or process.out_of_memory:
            reason = self._message() or process.last_words
            raise ProcessingFailedError(f"AlgorithmError: {reason}, exit code: {process.exit_code}")
        return self._message()

    def _message(self) -> str:
        try:
            return (self._root / "output" / "message").read_text(errors="replace").strip()
        except OSError:
            return ""

    def _upload(self) -> None:
        key = self._job.request.node("ProcessingOutputConfig").text("KmsKeyId")
        for output in self._outputs():
            target = output.node("S3Output")
            place, folder = Location.parse(target.text("S3Uri").rstrip("/")), self._local(target.text("LocalPath"))
            try:
                for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                    self._store.upload(file, place / file.relative_to(folder).as_posix(), kms_key=key)
            except StorageError as error:
                raise ProcessingFailedError(f"ClientError: Artifact upload failed:{error}") from None
