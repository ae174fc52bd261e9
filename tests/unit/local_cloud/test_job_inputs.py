"""Where a job's objects lie in its folder: AWS's rules of prefixes and manifests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import pytest

from local_cloud.sagemaker.jobs.inputs import InputError, find_inputs, relative_key
from local_cloud.shared.storage import Location, StorageError, StoredObject
from local_cloud.shared.wire import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_cloud.shared.storage import ObjectStore


class Stored:
    """A bucket's objects by key."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self._objects = objects

    def list(self, prefix: Location) -> list[StoredObject]:
        return [StoredObject(key, len(body)) for key, body in self._objects.items() if key.startswith(prefix.key)]

    def size(self, place: Location) -> int:
        if place.key not in self._objects:
            raise StorageError("NoSuchKey", 404, "Not Found")
        return len(self._objects[place.key])

    def chunks(self, place: Location) -> Iterator[bytes]:
        yield self._objects[place.key]


def found(objects: dict[str, bytes], key: str, kind: str = "S3Prefix") -> dict[str, str]:
    """The keys of what is found, by the path that each has."""
    store = cast("ObjectStore", Stored(objects))
    inputs = find_inputs(store, Node({"S3Uri": f"s3://bucket/{key}", "S3DataType": kind}))
    return {item.relative: item.place.key for item in inputs}


@pytest.mark.parametrize(
    ("prefix", "key", "relative"),
    [
        ("in/x.csv", "in/x.csv", "x.csv"),
        ("x.csv", "x.csv", "x.csv"),
        ("ntm/auxiliary", "ntm/auxiliary/vocab.txt", "vocab.txt"),
        ("ntm/auxiliary/", "ntm/auxiliary/vocab.txt", "vocab.txt"),
        ("ntm/auxiliary", "ntm/auxiliary/deep/a.txt", "deep/a.txt"),
        ("ntm/aux", "ntm/auxiliary/vocab.txt", "auxiliary/vocab.txt"),
        ("ntm/part-", "ntm/part-0.pbr", "part-0.pbr"),
        ("part-", "part-0/a.pbr", "part-0/a.pbr"),
        ("", "part-0/a.pbr", "part-0/a.pbr"),
    ],
)
def test_a_key_lies_below_the_folder_that_its_prefix_ends_at(prefix: str, key: str, relative: str) -> None:
    assert relative_key(prefix, key) == relative


@pytest.mark.parametrize("key", ["in/../../etc/passwd", "in/a/./b"])
def test_a_key_that_leads_out_of_the_folder_is_refused(key: str) -> None:
    with pytest.raises(InputError, match="no path below a folder"):
        relative_key("in/", key)


def test_two_objects_of_one_path_are_refused_by_both_names() -> None:
    with pytest.raises(InputError, match=r"s3://bucket/in/b and s3://bucket/in//b would both be"):
        found({"in/b": b"", "in//b": b""}, "in/")


def manifest(*entries: object) -> bytes:
    return json.dumps(entries).encode()


def test_a_manifest_names_its_objects_in_its_order() -> None:
    objects = {"m": manifest({"prefix": "s3://bucket/data/"}, "b", "deep/a"), "data/deep/a": b"", "data/b": b""}

    assert list(found(objects, "m", "ManifestFile").items()) == [("b", "data/b"), ("deep/a", "data/deep/a")]


def test_a_manifests_prefix_is_a_text_before_the_key() -> None:
    objects = {"m": manifest({"prefix": "s3://bucket/data/part-"}, "0"), "data/part-0": b""}

    assert found(objects, "m", "ManifestFile") == {"0": "data/part-0"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "no list of"),
        (manifest({"prefix": "data/"}, "a"), "no list of"),
        (manifest({"prefix": "s3://bucket/data/"}), "no list of"),
        (manifest({"prefix": "s3://bucket/data/"}, 3), "has '3', where a key"),
        (manifest({"prefix": "s3://bucket/data/"}, "none"), "names s3://bucket/data/none: NoSuchKey"),
        (manifest({"prefix": "s3://bucket/data/"}, "a", "a"), "would both be 'a'"),
        (manifest({"prefix": "s3://bucket/data/"}, "../data/a"), "NoSuchKey|no path below"),
    ],
)
def test_a_manifest_that_is_none_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        found({"m": content, "data/a": b""}, "m", "ManifestFile")
