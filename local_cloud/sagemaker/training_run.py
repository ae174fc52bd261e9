"""Running one training job: its instances' folders, data, processes and result."""

from __future__ import annotations

import importlib
import json
import logging
import queue
import shutil
import socket
import threading
import time
from typing import TYPE_CHECKING

from local_cloud import emulator
from local_cloud.sagemaker import archive, images, logs
from local_cloud.sagemaker.channels import Channel, ChannelFiles
from local_cloud.sagemaker.pipes import PipeFeeder
from local_cloud.sagemaker.training_job import Secondary, TrainingJob
from local_cloud.storage import Location, StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from local_cloud.processes.supervisor import Instance
    from local_cloud.roles import Credentials
    from local_cloud.sagemaker.backend import Backend
    from local_cloud.wire import JsonObject, JsonValue

logger = logging.getLogger("local_cloud")

CHECKPOINTS = "/opt/ml/checkpoints"
METRICS_NAMESPACE = "/aws/sagemaker/TrainingJobs"
INTERNAL_ERROR = "InternalServerError: We encountered an internal error. Please try again."
MEMORY_REASON = (
    "ClientError: Please use an instance type with more memory, or reduce the size of training data processed on an "
    "instance, exit code: 137"
)


class JobFailedError(Exception):
    """The job's FailureReason."""


class JobStoppedError(Exception):
    """The job was stopped before it began to train."""


class TrainingRun:
    """One run of a training job, on a thread of its own, from its first instance to its last status."""

    def __init__(
        self, backend: Backend, job: TrainingJob, credentials: Credentials, channels: Sequence[Channel]
    ) -> None:
        self._backend = backend
        self._job = job
        self._credentials = credentials
        self._channels = channels
        self._store = backend.store(job.scope, credentials)
        self._folder = backend.work / "training" / job.scope.region / job.name
        self._hosts = [f"algo-{number}" for number in range(1, job.instance_count + 1)]
        self._feeders: list[PipeFeeder] = []

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
        except Exception:
            # Whatever it is, it is ours and not the job's: the service would call it its own error too.
            logger.exception("training job %s", self._job.name)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._backend.training_quota.give_back(len(self._hosts))
            self._job.enter(status, failure=reason)

    def _train(self) -> Secondary:
        job = self._job
        self._check_hyperparameters()
        self._write_configuration()
        job.enter(Secondary.DOWNLOADING)
        self._download()
        job.enter(Secondary.TRAINING)
        ended_by = self._run_instances()
        if self._backend.supervisor.is_closing:
            raise JobStoppedError  # there is no S3 to store a model in any more
        self._read_metrics()
        if ended_by is Secondary.STOPPED:
            job.enter(Secondary.STOPPING)
        job.enter(Secondary.UPLOADING)
        self._upload()
        return ended_by

    def _root(self, host: str) -> Path:
        return self._folder / host / "opt" / "ml"

    def _check_hyperparameters(self) -> None:
        specification = self._job.request.node("AlgorithmSpecification")
        if images.repository(specification.text("TrainingImage")) != "ntm":
            return
        # Only a job of this image needs pydantic, which takes longer to import than the emulator to start.
        known = importlib.import_module("training_scripts.hyperparameters")
        given = self._job.request.mapping("HyperParameters")
        only_open = sorted(set(given) & set(known.OpenNtmSwitches.model_fields))
        if only_open:
            raise JobFailedError(f"ClientError: Additional hyperparameters are not allowed: {', '.join(only_open)}")
        try:
            known.parse_job_hyperparameters(given)
        except known.HyperparameterError as error:
            raise JobFailedError(f"ClientError: {error}") from None

    def _write_configuration(self) -> None:
        job = self._job
        for host in self._hosts:
            root = self._root(host)
            for name in ("input/config", "input/data", "model", "output/data", "checkpoints"):
                (root / name).mkdir(parents=True)
            resources: dict[str, JsonValue] = {
                "current_host": host,
                "current_instance_type": job.instance_type,
                "current_group_name": "homogeneousCluster",
                "hosts": self._hosts,
                "instance_groups": [
                    {
                        "instance_group_name": "homogeneousCluster",
                        "instance_type": job.instance_type,
                        "hosts": self._hosts,
                    }
                ],
                "network_interface_name": "lo",
            }
            documents: dict[str, JsonValue] = {
                "hyperparameters": job.request.node("HyperParameters").values,
                "inputdataconfig": {channel.name: channel.description() for channel in self._channels},
                "resourceconfig": resources,
            }
            for name, document in documents.items():
                (root / "input" / "config" / f"{name}.json").write_text(json.dumps(document))

    def _download(self) -> None:
        files = ChannelFiles(self._store, self._folder / "cache")
        try:
            for channel in self._channels:
                for number, host in enumerate(self._hosts):
                    self._give(channel, number, host, files)
            self._download_checkpoints()
        except StorageError as error:
            raise JobFailedError(f"ClientError: Data download failed:{error}") from None

    def _give(self, channel: Channel, number: int, host: str, files: ChannelFiles) -> None:
        data = self._root(host) / "input" / "data"
        share = channel.share(number, len(self._hosts))
        if channel.mode == "Pipe":
            places = [Location(channel.prefix.bucket, item.key) for item in share]
            self._feeders.append(PipeFeeder(self._store, places, data, channel.name))
            return
        (data / channel.name).mkdir()
        for item in share:
            if self._job.stop_requested.is_set():
                raise JobStoppedError
            files.place(channel, item, data / channel.name)

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
            for feeder in self._feeders:
                feeder.stop()

    def _await(self, instances: Sequence[Instance], ended: queue.SimpleQueue[Instance]) -> Secondary:
        deadline = time.monotonic() + self._job.max_runtime_s
        running = len(instances)
        while running:
            try:
                instance = ended.get(timeout=0.05)
            except queue.Empty:
                self._check_feeders()
                over = time.monotonic() > deadline
                if over or self._job.stop_requested.is_set():
                    _stop_all(instances, self._backend.settings.stop_grace_s)
                    return Secondary.MAX_RUNTIME_EXCEEDED if over else Secondary.STOPPED
                continue
            running -= 1
            if instance.out_of_memory:
                raise JobFailedError(MEMORY_REASON)
            if instance.exit_code != 0:
                raise JobFailedError(self._reason(instance))
        self._check_feeders()
        return Secondary.COMPLETED

    def _check_feeders(self) -> None:
        for feeder in self._feeders:
            if feeder.failure is not None:
                raise JobFailedError(f"ClientError: Data download failed:{feeder.failure}")

    def _start(self, host: str, environment: dict[str, str]) -> Instance:
        job = self._job
        root = self._root(host)
        image = job.request.node("AlgorithmSpecification").text("TrainingImage")
        program = images.commands(image, self._backend.settings.containers).train
        stream = logs.LogStream(job.scope, job.role_arn, logs.TRAINING_GROUP, f"{job.name}/{host}-{int(job.created)}")
        try:
            return self._backend.supervisor.start(
                [*program, "--root", str(root)],
                name=f"{job.name}/{host}",
                folder=root,
                environment=environment,
                sink=stream.write,
            )
        except OSError as error:
            raise JobFailedError(f"{INTERNAL_ERROR} ({error})") from None

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
        return {host: {**environment, "SM_CURRENT_HOST": host} for host in self._hosts}

    def _reason(self, instance: Instance) -> str:
        host = instance.name.rpartition("/")[2]
        try:
            told = (self._root(host) / "output" / "failure").read_text(errors="replace").strip()
        except OSError:
            told = ""
        if not told.startswith(("ClientError:", "AlgorithmError:", "InternalServerError:")):
            told = f"AlgorithmError: {told}"
        ending = f", exit code: {instance.exit_code}"
        return told[: 1024 - len(ending)] + ending

    def _read_metrics(self) -> None:
        file = self._root(self._hosts[0]) / "output" / "metrics" / "final.json"
        if not file.is_file():
            return
        now = time.time()
        values = {str(name): float(value) for name, value in json.loads(file.read_text()).items() if value is not None}
        told: list[JsonObject] = [
            {"MetricName": name, "Value": value, "Timestamp": now} for name, value in values.items()
        ]
        self._job.set_metrics(told)
        for name, value in values.items():
            emulator.put_metric(
                self._job.scope,
                METRICS_NAMESPACE,
                name,
                {"TrainingJobName": self._job.name},
                unit="None",
                values={value: 1},
                at=now,
            )

    def _upload(self) -> None:
        output = self._job.request.node("OutputDataConfig")
        place = Location.parse(output.text("S3OutputPath")) / f"{self._job.name}/output"
        root = self._root(self._hosts[0])
        try:
            artifact = self._upload_archive(root / "model", place / "model.tar.gz", output.text("KmsKeyId"))
            if any((root / "output" / "data").iterdir()):
                self._upload_archive(root / "output" / "data", place / "output.tar.gz", output.text("KmsKeyId"))
            self._upload_checkpoints(root)
        except StorageError as error:
            raise JobFailedError(f"ClientError: Artifact upload failed:{error}") from None
        self._job.set_artifact(artifact)

    def _upload_archive(self, folder: Path, place: Location, kms_key: str) -> str:
        file = self._folder / place.key.rpartition("/")[2]
        archive.pack(folder, file)
        self._store.upload(file, place, kms_key=kms_key)
        return place.uri

    def _checkpoint_place(self) -> Location | None:
        configured = self._job.request.node("CheckpointConfig")
        return Location.parse(configured.text("S3Uri")) if "S3Uri" in configured else None

    def _download_checkpoints(self) -> None:
        place = self._checkpoint_place()
        for item in self._store.list(place) if place else []:
            relative = item.key.removeprefix(place.key if place else "").lstrip("/")
            for host in self._hosts:
                self._store.download(
                    Location(place.bucket if place else "", item.key), self._root(host) / "checkpoints" / relative
                )

    def _upload_checkpoints(self, root: Path) -> None:
        place = self._checkpoint_place()
        folder = root / "checkpoints"
        for file in sorted(folder.rglob("*")) if place else []:
            if file.is_file() and place:
                self._store.upload(file, place / file.relative_to(folder).as_posix())


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
