"""The objects that an S3 source of a job names, by prefix or by manifest, and where each lies in the job's folder.

Sources: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformS3DataSource.html
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import NamedTuple

from local_cloud.shared import refusals
from local_cloud.shared.service_errors import validation_error
from local_cloud.shared.storage import Location, ObjectStore, StorageError
from local_cloud.shared.wire import Node

MANIFEST = "ManifestFile"
MANIFEST_BYTES_MAX = 64 << 20


class InputObject(NamedTuple):
    """One object of a source, and its path below the folder that the source is brought to."""

    place: Location
    relative: str


class InputError(ValueError):
    """A source that names nothing that can be brought to a folder. The message is one sentence."""


def relative_key(prefix: str, key: str) -> str:
    """Return where an object lies below the folder of the prefix that names it.

    The prefix itself keeps its base name; below a prefix that ends at a folder, with its slash or without, it is what
    follows; a prefix that ends within a name leaves everything after its last slash.

    Raises:
        InputError: the key would lead out of the folder.
    """
    if key == prefix or not (prefix.endswith("/") or key.startswith(f"{prefix}/")):
        prefix = prefix.rpartition("/")[0] if key != prefix else key.rpartition("/")[0]
    return _within(key.removeprefix(prefix).lstrip("/"), key)


def find_inputs(store: ObjectStore, source: Node) -> list[InputObject]:
    """Return what a source (S3Uri, S3DataType) names, in the order of the keys or of the manifest.

    Raises:
        InputError: the manifest is none, or two objects would lie at one path.
        StorageError: S3 refused.
    """
    place = Location.parse(source.text("S3Uri"))
    if source.text("S3DataType") == MANIFEST:
        inputs = _of_manifest(store, place)
    else:
        inputs = [
            InputObject(Location(place.bucket, item.key), relative_key(place.key, item.key))
            for item in store.list(place)
        ]
    first: dict[PurePosixPath, Location] = {}
    for item in inputs:
        path = PurePosixPath(item.relative)
        if path in first:
            raise InputError(f"{first[path].uri} and {item.place.uri} would both be {item.relative!r}")
        first[path] = item.place
    return inputs


def required_inputs(store: ObjectStore, source: Node, *, role_arn: str, region: str) -> list[InputObject]:
    """Return what a source names, as `find_inputs` does.

    Raises:
        ServiceError: there is nothing, its role may not read it, or it cannot be brought to a folder.
    """
    place, problem = Location.parse(source.text("S3Uri")), ""
    try:
        inputs = find_inputs(store, source)
    except InputError as error:
        raise validation_error(f"The input of {place.uri} cannot be used: {error}.") from None
    except StorageError as error:
        inputs, problem = [], f" Error message from S3: {error}"
    if not inputs:
        raise refusals.NO_INPUT.error(uri=place.uri, region=region, role=role_arn, bucket=place.bucket, problem=problem)
    return inputs


def _of_manifest(store: ObjectStore, place: Location) -> list[InputObject]:
    if store.size(place) > MANIFEST_BYTES_MAX:
        raise InputError(f"the manifest {place.uri} is larger than {MANIFEST_BYTES_MAX} bytes")
    try:
        entries = json.loads(b"".join(store.chunks(place)))
    except (RecursionError, ValueError) as error:
        raise InputError(f"the manifest {place.uri} is not JSON: {error}") from None
    head, *names = entries if isinstance(entries, list) and entries else [None]
    prefix = head.get("prefix") if isinstance(head, dict) else None
    if not isinstance(prefix, str) or not prefix.startswith("s3://") or not names:
        raise InputError(f'the manifest {place.uri} is no list of {{"prefix": "s3://..."}} and the keys below it')
    inputs = []
    for name in names:
        if not isinstance(name, str) or not name:
            raise InputError(f"the manifest {place.uri} has {str(name)[:80]!r}, where a key below its prefix belongs")
        # The prefix is a text before the key: AWS puts no slash between them.
        location = Location.parse(f"{prefix}{name}")
        try:
            store.size(location)
        except StorageError as error:
            raise InputError(f"the manifest {place.uri} names {location.uri}: {error}") from None
        inputs.append(InputObject(location, _within(name.lstrip("/"), name)))
    return inputs


def _within(relative: str, key: str) -> str:
    if not relative or {".", ".."} & set(relative.split("/")):
        raise InputError(f"the key {key[:200]!r} is no path below a folder")
    return relative
