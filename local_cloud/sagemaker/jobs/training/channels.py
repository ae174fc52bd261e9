"""Input channels of a training job: which objects each instance gets, and their files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local_cloud.sagemaker.jobs.inputs import InputObject, required_inputs
from local_cloud.shared.service_errors import validation_error
from local_cloud.shared.storage import ObjectStore
from local_cloud.shared.wire import Node

SHARDED = "ShardedByS3Key"


@dataclass(frozen=True)
class Channel:
    """One channel, its objects found in S3."""

    name: str
    objects: tuple[InputObject, ...]
    distribution: str
    content_type: str
    mode: str
    record_wrapper: str

    def share(self, host: int, hosts: int) -> Sequence[InputObject]:
        """Return what one of the hosts gets: all of it, or every n-th object in the order of the keys."""
        return self.objects[host::hosts] if self.distribution == SHARDED else self.objects

    def description(self) -> dict[str, str]:
        """Return the channel's entry in inputdataconfig.json."""
        entry = {"TrainingInputMode": self.mode, "S3DistributionType": self.distribution}
        if self.content_type:
            entry["ContentType"] = self.content_type
        return {**entry, "RecordWrapperType": self.record_wrapper}


def find_channels(request: Node, store: ObjectStore, role_arn: str, region: str) -> list[Channel]:
    """List every channel's objects with the job's role.

    Raises:
        ServiceError: a channel has no objects, its role may not list them, or its kind is not emulated.
    """
    default_mode = request.node("AlgorithmSpecification").text("TrainingInputMode", "File")
    return [_find(item, default_mode, store, role_arn, region) for item in request.nodes("InputDataConfig")]


def _find(item: Node, default_mode: str, store: ObjectStore, role_arn: str, region: str) -> Channel:
    name, source = item.text("ChannelName"), item.node("DataSource").node("S3DataSource")
    if "S3Uri" not in source:
        raise validation_error(f"Channel {name}: DataSource must have an S3DataSource.")
    return Channel(
        name=name,
        objects=tuple(required_inputs(store, source, role_arn=role_arn, region=region)),
        distribution=source.text("S3DataDistributionType", "FullyReplicated"),
        content_type=item.text("ContentType"),
        mode=item.text("InputMode", default_mode),
        record_wrapper=item.text("RecordWrapperType", "None"),
    )


class ChannelFiles:
    """Fetches objects once and gives every host a copy of its own."""

    def __init__(self, store: ObjectStore, cache: Path) -> None:
        self._store = store
        self._cache = cache

    def place(self, channel: Channel, item: InputObject, folder: Path) -> None:
        """Put an object below a host's channel folder.

        Raises:
            StorageError: S3 refused it.
        """
        kept = self._cache / channel.name / item.relative
        if not kept.exists():
            self._store.download(item.place, kept)
        target = folder / item.relative
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(kept, target)
        except OSError:
            # A file system without hard links.
            shutil.copyfile(kept, target)
