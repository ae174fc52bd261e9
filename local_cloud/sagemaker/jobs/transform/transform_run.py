"""Running one batch transform: instances brought up, objects dealt out, answers stored."""

from __future__ import annotations

import http.client
import json
import logging
import secrets
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO

from local_cloud.sagemaker.hosting.models import Model
from local_cloud.sagemaker.hosting.serving import Owner, ServedModel, ServingError, ServingInstance, stop_all
from local_cloud.sagemaker.jobs.inputs import InputObject
from local_cloud.sagemaker.jobs.transform import splitting
from local_cloud.sagemaker.jobs.transform.data_processing import Processing, ProcessingError, Record
from local_cloud.sagemaker.jobs.transform.transform_job import MIB, TransformJob
from local_cloud.sagemaker.shared import logs
from local_cloud.sagemaker.shared.backend import INTERNAL_ERROR, Backend, internal_error
from local_cloud.shared.roles import Credentials
from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.storage import Location, StorageError
from local_cloud.shared.wire import JsonObject

logger = logging.getLogger("local_cloud")

SEE_LOGS = "See job logs for more information"
CLIENT_ERROR = 400
SERVER_ERROR = 500
OK = 200
MAX_MESSAGE_LENGTH = 1024
EXECUTION_PARAMETERS_TIMEOUT_S = 4.0


class TransformFailedError(Exception):
    """The job's FailureReason."""


class _StoppedError(Exception):
    """The job was asked to stop."""


class TransformRun:
    """One run of a transform job, on a thread of its own."""

    def __init__(
        self,
        backend: Backend,
        job: TransformJob,
        model: Model,
        credentials: Credentials,
        objects: Sequence[InputObject],
    ) -> None:
        self._backend = backend
        self._job = job
        self._model = model
        self._objects = objects
        self._processing = Processing(job.request)
        self._parameters = job.parameters({})
        self._store = backend.store(job.scope, credentials)
        self._folder = backend.work / "transform" / job.scope.region / job.name
        self._failed = threading.Event()
        self._data_log = logs.LogStream(
            job.scope, model.role_arn, logs.TRANSFORM_GROUP, f"{job.name}/i-{secrets.token_hex(8)}/data-log"
        )

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name=f"transform-{self._job.name}", daemon=True).start()

    def _run(self) -> None:
        job = self._job
        status, reason = "Failed", INTERNAL_ERROR
        try:
            self._transform()
            status, reason = "Completed", ""
        except _StoppedError:
            status, reason = "Stopped", ""
        except (TransformFailedError, ServingError, ServiceError) as failure:
            reason = str(failure)
        except Exception as error:
            logger.exception("transform job %s", job.name)
            reason = internal_error(error)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._backend.transform_quota.give_back(job.instance_count)
            job.end(status, failure=reason)

    def _transform(self) -> None:
        job = self._job
        self._folder.mkdir(parents=True)
        owner = Owner(f"transform job {job.name}", job.arn, logs.TRANSFORM_GROUP, job.name)
        served = ServedModel(self._backend, self._model, owner, self._environment())
        grace_s = self._backend.settings.stop_grace_s
        try:
            served.fetch()
            instances = served.start(job.instance_count)
            try:
                job.start()
                self._parameters = job.parameters(_execution_parameters(instances[0].port))
                self._log(str(self._parameters))
                self._deal(instances)
            finally:
                stop_all(instances, lambda item: item.process.terminate(grace_s))
        finally:
            served.remove()

    def _deal(self, instances: Sequence[ServingInstance]) -> None:
        # Work is dealt out by object: an instance takes every n-th of them.
        with ThreadPoolExecutor(len(instances), thread_name_prefix=f"transform-{self._job.name}") as pool:
            shares = [self._objects[number :: len(instances)] for number in range(len(instances))]
            work = [pool.submit(self._transform_all, *pair) for pair in zip(instances, shares, strict=True)]
            for item in work:
                item.result()

    def _transform_all(self, instance: ServingInstance, share: Sequence[InputObject]) -> None:
        for item in share:
            if self._failed.is_set():
                return
            try:
                self._transform_one(instance, item)
            except TransformFailedError:
                self._failed.set()
                raise

    def _transform_one(self, instance: ServingInstance, item: InputObject) -> None:
        job, parameters = self._job, self._parameters
        source = item.place
        split = splitting.SPLITTERS[job.request.node("TransformInput").text("SplitType", "None")]
        with tempfile.TemporaryFile(dir=self._folder) as answers:
            try:
                batches = splitting.batches(
                    self._processing.prepare(split(self._store.chunks(source))),
                    max_bytes=parameters.payload_mb * MIB,
                    many=parameters.takes_many,
                )
                self._ask_all(instance, source, batches, answers)
                answers.seek(0)
                output = job.request.node("TransformOutput")
                place = Location.parse(output.text("S3OutputPath")) / f"{item.relative}.out"
                self._store.upload(answers, place, kms_key=output.text("KmsKeyId"))
            except (splitting.SplitError, ProcessingError) as error:
                self._log(f"{source.bucket}/{source.key}: ClientError: {error}")
                raise TransformFailedError(f"ClientError: {SEE_LOGS}") from None
            except StorageError as error:
                self._log(f"{source.bucket}/{source.key}: {error}")
                raise TransformFailedError(f"ClientError: {error}") from None

    def _ask_all(
        self, instance: ServingInstance, source: Location, batches: Iterator[list[Record]], answers: BinaryIO
    ) -> None:
        """Send the requests of one object, several at a time, and write their answers in order."""
        assemble_lines = self._job.request.node("TransformOutput").text("AssembleWith", "None") == "Line"
        concurrency = self._parameters.concurrency
        waiting: deque[tuple[list[Record], Future[bytes]]] = deque()

        def write_next() -> None:
            batch, answered = waiting.popleft()
            answer = self._processing.finish(batch, answered.result())
            answers.write(answer)
            if assemble_lines and not answer.endswith(b"\n"):
                answers.write(b"\n")

        with ThreadPoolExecutor(concurrency) as pool:
            for batch in batches:
                if self._job.stop_requested.is_set():
                    raise _StoppedError
                if len(waiting) == concurrency:
                    write_next()
                body = b"".join(record.sent for record in batch)
                waiting.append((batch, pool.submit(self._ask, instance, source, body)))
            while waiting:
                write_next()

    def _ask(self, instance: ServingInstance, source: Location, body: bytes) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=self._job.timeout_s)
        try:
            connection.request("POST", "/invocations", body, self._headers())
            answer = connection.getresponse()
            status, content = answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._log(f"{source.bucket}/{source.key}: AlgorithmError: {error}")
            raise TransformFailedError(f"AlgorithmError: {SEE_LOGS}") from None
        finally:
            connection.close()
        if status == OK:
            return content
        kind = "ClientError" if CLIENT_ERROR <= status < SERVER_ERROR else "AlgorithmError"
        self._log(f"{source.bucket}/{source.key}: {kind}: {status}")
        self._log(f"{source.bucket}/{source.key}: Message: {content.decode(errors='replace')[:MAX_MESSAGE_LENGTH]}")
        raise TransformFailedError(f"{kind}: {SEE_LOGS}")

    def _headers(self) -> dict[str, str]:
        wanted = {
            "Content-Type": self._job.request.node("TransformInput").text("ContentType"),
            "Accept": self._job.request.node("TransformOutput").text("Accept"),
        }
        return {name: value for name, value in wanted.items() if value}

    def _environment(self) -> dict[str, str]:
        job = self._job
        return {
            **self._model.container.mapping("Environment"),
            **job.request.mapping("Environment"),
            "SAGEMAKER_BATCH": "true",
            **job.parameters({}).variables(),
        }

    def _log(self, message: str) -> None:
        self._data_log.write([(int(time.time() * 1000), f"[sagemaker logs]: {message}")])


def _execution_parameters(port: int) -> JsonObject:
    """Ask a container what it can do; one that does not say can do what the service assumes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=EXECUTION_PARAMETERS_TIMEOUT_S)
    try:
        connection.request("GET", "/execution-parameters")
        answer = connection.getresponse()
        parameters = json.loads(answer.read() or b"{}") if answer.status == OK else {}
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()
    return parameters if isinstance(parameters, dict) else {}
