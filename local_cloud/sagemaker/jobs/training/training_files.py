"""The files of one training job: what its instances find below /opt/ml, and what is collected from there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from local_cloud.sagemaker.jobs.inputs import InputError, relative_key
from local_cloud.sagemaker.jobs.training.channels import Channel, ChannelFiles
from local_cloud.sagemaker.jobs.training.pipes import PipeFeeder
from local_cloud.sagemaker.jobs.training.training_job import TrainingJob
from local_cloud.shared.storage import Location, ObjectStore, StorageError
from local_cloud.shared.wire import JsonValue
from training_scripts.archives import ArchiveError, pack


class JobFailedError(Exception):
    """The job's FailureReason."""


class JobStoppedError(Exception):
    """The job was stopped before it began to train."""


class TrainingFiles:
    """Folders of every instance of a job, below one folder that is the job's own.

    Args:
        store: S3 with the job's role.
    """

    def __init__(self, job: TrainingJob, channels: Sequence[Channel], store: ObjectStore, folder: Path) -> None:
        self._job = job
        self._channels = channels
        self._store = store
        self._folder = folder
        self.feeders: list[PipeFeeder] = []
        self.hosts = [f"algo-{number}" for number in range(1, job.instance_count + 1)]

    def root(self, host: str) -> Path:
        """Return what is /opt/ml on an instance."""
        return self._folder / host / "opt" / "ml"

    def remove(self) -> None:
        """Remove everything."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def write_configuration(self) -> None:
        """Make the folders of fresh instances, with the configuration that a container reads."""
        self.remove()
        self.feeders = []
        job = self._job
        for host in self.hosts:
            root = self.root(host)
            for name in ("input/config", "input/data", "model", "output/data", "checkpoints"):
                (root / name).mkdir(parents=True)
            resources: dict[str, JsonValue] = {
                "current_host": host,
                "current_instance_type": job.instance_type,
                "current_group_name": "homogeneousCluster",
                "hosts": self.hosts,
                "instance_groups": [
                    {
                        "instance_group_name": "homogeneousCluster",
                        "instance_type": job.instance_type,
                        "hosts": self.hosts,
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

    def download(self) -> None:
        """Give every instance its data and the checkpoints.

        Raises:
            JobFailedError: S3 refused it.
            JobStoppedError: the job was stopped meanwhile.
        """
        files = ChannelFiles(self._store, self._folder / "cache")
        try:
            for channel in self._channels:
                for number, host in enumerate(self.hosts):
                    self._give(channel, number, host, files)
            self._download_checkpoints()
        except (InputError, StorageError) as error:
            raise JobFailedError(f"ClientError: Data download failed:{error}") from None

    def upload(self) -> str:
        """Store model and output of the first instance; return the model's address.

        Raises:
            JobFailedError: S3 refused it.
        """
        output = self._job.request.node("OutputDataConfig")
        place = Location.parse(output.text("S3OutputPath")) / f"{self._job.name}/output"
        root = self.root(self.hosts[0])
        try:
            artifact = self._upload_archive(root / "model", place / "model.tar.gz", output.text("KmsKeyId"))
            if any((root / "output" / "data").iterdir()):
                self._upload_archive(root / "output" / "data", place / "output.tar.gz", output.text("KmsKeyId"))
        except (ArchiveError, StorageError) as error:
            raise JobFailedError(f"ClientError: Artifact upload failed:{error}") from None
        return artifact

    def upload_checkpoints(self) -> None:
        """Store what every instance has in its checkpoints folder; nothing where the job names no place for it.

        Raises:
            JobFailedError: S3 refused it.
        """
        place = self._checkpoint_place()
        if place is None:
            return
        try:
            for host in self.hosts:
                folder = self.root(host) / "checkpoints"
                for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                    self._store.upload(file, place / file.relative_to(folder).as_posix())
        except StorageError as error:
            raise JobFailedError(f"ClientError: Artifact upload failed:{error}") from None

    def check_feeders(self) -> None:
        """Tell when a pipe could not be fed.

        Raises:
            JobFailedError: S3 refused an object.
        """
        for feeder in self.feeders:
            if feeder.failure is not None:
                raise JobFailedError(f"ClientError: Data download failed:{feeder.failure}")

    def stop_feeders(self) -> None:
        """Feed no more."""
        for feeder in self.feeders:
            feeder.stop()

    def _give(self, channel: Channel, number: int, host: str, files: ChannelFiles) -> None:
        data = self.root(host) / "input" / "data"
        share = channel.share(number, len(self.hosts))
        if channel.mode == "Pipe":
            places = [item.place for item in share]
            self.feeders.append(PipeFeeder(self._store, places, data, channel.name))
            return
        (data / channel.name).mkdir()
        for item in share:
            if self._job.stop_requested.is_set():
                raise JobStoppedError
            files.place(channel, item, data / channel.name)

    def _upload_archive(self, folder: Path, place: Location, kms_key: str) -> str:
        file = self._folder / place.key.rpartition("/")[2]
        pack(folder, file)
        self._store.upload(file, place, kms_key=kms_key)
        return place.uri

    def _checkpoint_place(self) -> Location | None:
        configured = self._job.request.node("CheckpointConfig")
        return Location.parse(configured.text("S3Uri")) if "S3Uri" in configured else None

    def _download_checkpoints(self) -> None:
        place = self._checkpoint_place()
        if place is None:
            return
        # Below the folder that they are stored to, and not whatever begins with its name.
        folder = place / ""
        for item in self._store.list(folder):
            for host in self.hosts:
                target = self.root(host) / "checkpoints" / relative_key(folder.key, item.key)
                self._store.download(Location(place.bucket, item.key), target)
