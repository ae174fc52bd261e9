"""Running one training job: its instances, from the first to the last status, through interruptions."""

from __future__ import annotations

import importlib
import json
import logging
import queue
import socket
import threading
import time
from collections.abc import Sequence

from local_cloud.processes.supervisor import Instance
from local_cloud.sagemaker.jobs.training.channels import Channel
from local_cloud.sagemaker.jobs.training.metric_definitions import MetricScan
from local_cloud.sagemaker.jobs.training.training_files import JobFailedError, JobStoppedError, TrainingFiles
from local_cloud.sagemaker.jobs.training.training_job import Secondary, TrainingJob
from local_cloud.sagemaker.shared import images, logs
from local_cloud.sagemaker.shared.backend import INTERNAL_ERROR, Backend, internal_error
from local_cloud.shared import emulated_metrics, refusals
from local_cloud.shared.roles import Credentials
from local_cloud.shared.wire import JsonObject

logger = logging.getLogger("local_cloud")

METRICS_NAMESPACE = "/aws/sagemaker/TrainingJobs"
MEMORY_REASON = (
    "ClientError: Please use an instance type with more memory, or reduce the size of training data processed on an "
    "instance, exit code: 137"
)
POLL_S = 0.05


class TrainingRun:
    """One run of a training job, on a thread of its own."""

    def __init__(
        self, backend: Backend, job: TrainingJob, credentials: Credentials, channels: Sequence[Channel]
    ) -> None:
        self._backend = backend
        self._job = job
        self._credentials = credentials
        self._files = TrainingFiles(
            job,
            channels,
            backend.store(job.scope, credentials),
            backend.work / "training" / job.scope.region / job.name,
        )
        self._metrics = MetricScan.of(job.request.node("AlgorithmSpecification"))

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name=f"training-{self._job.name}", daemon=True).start()

    def _run(self) -> None:
        status, reason = Secondary.FAILED, INTERNAL_ERROR
        try:
            status, reason = self._train(), ""
        except JobFailedError as failure:
            reason = str(failure)
        except JobStoppedError:
            status, reason = Secondary.STOPPED, ""
        except Exception as error:
            # Whatever it is, it is ours and not the job's: the service would call it its own error too.
            logger.exception("training job %s", self._job.name)
            reason = internal_error(error)
        finally:
            self._files.remove()
            self._backend.training_quota.give_back(len(self._files.hosts))
            self._job.enter(status, failure=reason)

    def _train(self) -> Secondary:
        job = self._job
        self._check_hyperparameters()
        ended_by = self._attempt()
        while ended_by is Secondary.INTERRUPTED:
            job.enter(Secondary.INTERRUPTED)
            self._files.upload_checkpoints()
            if not self._wait_for_capacity():
                return Secondary.MAX_WAIT_TIME_EXCEEDED
            job.enter(Secondary.STARTING)
            ended_by = self._attempt()
        self._read_metrics()
        if ended_by is Secondary.STOPPED:
            job.enter(Secondary.STOPPING)
        job.enter(Secondary.UPLOADING)
        job.set_artifact(self._files.upload())
        self._files.upload_checkpoints()
        return ended_by

    def _attempt(self) -> Secondary:
        """Train on fresh instances; return what ended it."""
        job = self._job
        self._files.write_configuration()
        job.enter(Secondary.DOWNLOADING)
        self._files.download()
        job.enter(Secondary.TRAINING)
        try:
            ended_by = self._run_instances()
        except JobFailedError:
            self._keep_checkpoints()
            raise
        if self._backend.supervisor.is_closing:
            raise JobStoppedError  # there is no S3 to store a model in any more
        return ended_by

    def _keep_checkpoints(self) -> None:
        """Store the checkpoints of a job that failed, whose reason is not to be lost if they cannot be stored."""
        if self._backend.supervisor.is_closing:
            return
        try:
            self._files.upload_checkpoints()
        except JobFailedError as error:
            logger.warning("checkpoints of the failed training job %s: %s", self._job.name, error)

    def _wait_for_capacity(self) -> bool:
        """Wait until there are instances again; False when MaxWaitTimeInSeconds is over first."""
        job = self._job
        back = time.time() + job.take_interruption()
        over = job.created + job.max_wait_s
        while (now := time.time()) < back:
            if now >= over:
                return False
            if job.stop_requested.wait(min(back, over) - now):
                raise JobStoppedError
        return True

    def _check_hyperparameters(self) -> None:
        specification = self._job.request.node("AlgorithmSpecification")
        if images.repository(specification.text("TrainingImage")) != images.NTM:
            return
        # Only a job of this image needs pydantic, which takes longer to import than the emulator to start.
        known = importlib.import_module("training_scripts.hyperparameters")
        given = self._job.request.mapping("HyperParameters")
        only_open = sorted(set(given) & set(known.OpenNtmSwitches.model_fields))
        if only_open:
            raise JobFailedError(refusals.HYPERPARAMETERS_NOT_ALLOWED.text(names=", ".join(only_open)))
        try:
            known.parse_job_hyperparameters(given)
        except known.HyperparameterError as error:
            raise JobFailedError(refusals.HYPERPARAMETER.text(problem=error)) from None

    def _run_instances(self) -> Secondary:
        ended: queue.SimpleQueue[Instance] = queue.SimpleQueue()
        instances: list[Instance] = []
        try:
            for host, environment in self._environments().items():
                instance = self._start(host, environment)
                instances.append(instance)
                instance.when_ended(ended.put)
            return self._await(instances, ended)
        finally:
            _stop_all(instances, self._backend.settings.stop_grace_s)
            self._files.stop_feeders()

    def _await(self, instances: Sequence[Instance], ended: queue.SimpleQueue[Instance]) -> Secondary:
        now = time.time()
        deadline, last = (
            now + self._job.max_runtime_s - self._job.training_s(),
            self._job.created + self._job.max_wait_s,
        )
        running = len(instances)
        while running:
            try:
                instance = ended.get(timeout=POLL_S)
            except queue.Empty:
                self._files.check_feeders()
                why = self._reason_to_end(deadline, last)
                if why is None:
                    continue
                # The two minutes of notice that AWS gives a Spot instance are, as at any stop, the settings' grace.
                _stop_all(instances, self._backend.settings.stop_grace_s)
                return why
            running -= 1
            if instance.out_of_memory:
                raise JobFailedError(MEMORY_REASON)
            if instance.exit_code != 0:
                raise JobFailedError(self._reason(instance))
        self._files.check_feeders()
        return Secondary.COMPLETED

    def _reason_to_end(self, deadline: float, last: float) -> Secondary | None:
        now = time.time()
        if now > deadline:
            return Secondary.MAX_RUNTIME_EXCEEDED
        if now > last:
            return Secondary.MAX_WAIT_TIME_EXCEEDED
        if self._job.stop_requested.is_set():
            return Secondary.STOPPED
        return Secondary.INTERRUPTED if self._job.interruption.is_set() else None

    def _start(self, host: str, environment: dict[str, str]) -> Instance:
        job = self._job
        root = self._files.root(host)
        image = job.request.node("AlgorithmSpecification").text("TrainingImage")
        program = images.commands(image, self._backend.settings.containers, self._job.scope.region).train
        began = int(job.started_at())
        stream = logs.LogStream(job.scope, job.role_arn, logs.TRAINING_GROUP, f"{job.name}/{host}-{began}")

        def write(lines: Sequence[tuple[int, str]]) -> None:
            for name, value, at in self._metrics.read(lines):
                self._publish(name, value, at)
            stream.write(lines)

        try:
            return self._backend.supervisor.start(
                [*program, "--root", str(root)],
                name=f"{job.name}/{host}",
                folder=root,
                environment=environment,
                sink=write,
            )
        except OSError as error:
            raise JobFailedError(internal_error(error)) from None

    def _environments(self) -> dict[str, dict[str, str]]:
        job = self._job
        own = {
            **job.request.mapping("Environment"),
            "TRAINING_JOB_NAME": job.name,
            "TRAINING_JOB_ARN": job.arn,
            # Instances have names of their own on AWS; here all are this machine.
            "NTM_COORDINATOR": f"127.0.0.1:{_free_port()}",
        }
        environment = self._backend.container_environment(
            job.scope,
            isolated=job.request.flag("EnableNetworkIsolation"),
            credentials=self._credentials,
            own=own,
        )
        return {host: {**environment, "SM_CURRENT_HOST": host} for host in self._files.hosts}

    def _reason(self, instance: Instance) -> str:
        host = instance.name.rpartition("/")[2]
        try:
            reason = (self._files.root(host) / "output" / "failure").read_text(errors="replace").strip()
        except OSError:
            reason = ""
        # Nothing is written on a full disk, and nothing by a program that dies: its log may tell why.
        reason = reason or instance.last_words
        if not reason.startswith(("ClientError:", "AlgorithmError:", "InternalServerError:")):
            reason = f"AlgorithmError: {reason}"
        ending = f", exit code: {instance.exit_code}"
        return reason[: 1024 - len(ending)] + ending

    def _read_metrics(self) -> None:
        file = self._files.root(self._files.hosts[0]) / "output" / "metrics" / "final.json"
        final = json.loads(file.read_text()) if file.is_file() else {}
        now = time.time()
        own = {str(name): (float(value), now) for name, value in final.items() if value is not None}
        logged = self._metrics.last()
        # A container's own file is exact, and its log rounded.
        values = {**logged, **own}
        metrics: list[JsonObject] = [
            {"MetricName": name, "Value": value, "Timestamp": at} for name, (value, at) in values.items()
        ]
        self._job.set_metrics(metrics)
        for name, (value, at) in values.items():
            if name not in logged:
                self._publish(name, value, at)

    def _publish(self, name: str, value: float, at: float) -> None:
        emulated_metrics.put_metric(
            self._job.scope,
            METRICS_NAMESPACE,
            name,
            {"TrainingJobName": self._job.name},
            unit="None",
            values={value: 1},
            at=at,
        )


def _stop_all(instances: Sequence[Instance], grace_s: float) -> None:
    stoppers = [
        threading.Thread(target=instance.terminate, args=(grace_s,)) for instance in instances if instance.is_alive
    ]
    for stopper in stoppers:
        stopper.start()
    for stopper in stoppers:
        stopper.join()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
