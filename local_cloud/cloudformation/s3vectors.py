"""AWS::S3Vectors::VectorBucket and ::Index: made and deleted, never changed in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from local_cloud.cloudformation.handlers import Created, ResourceType, generated_name
from local_cloud.cloudformation.sagemaker import call, request_of
from local_cloud.s3vectors.service import S3Vectors
from local_cloud.shared.wire import JsonObject, JsonValue, MutableJson, Node


def resource_types(vectors: S3Vectors) -> list[ResourceType]:
    """Return the two types."""
    return [
        ResourceType("AWS::S3Vectors::VectorBucket", _Bucket(vectors), has_tags=True),
        ResourceType("AWS::S3Vectors::Index", _Index(vectors), has_tags=True),
    ]


class _Bucket:
    def __init__(self, vectors: S3Vectors) -> None:
        self._api = vectors.api

    def create(self, logical_id: str, properties: JsonObject) -> Created:
        given = _members(properties)
        given.setdefault("vectorBucketName", generated_name(logical_id).lower())
        made = call(self._api, "CreateVectorBucket", request_of(self._api, "CreateVectorBucket", given))
        arn = str(made["vectorBucketArn"])
        return arn, {"VectorBucketArn": arn}

    def update(self, physical_id: str, old: JsonObject, new: JsonObject) -> Created:
        del old, new
        return physical_id, {"VectorBucketArn": physical_id}

    def delete(self, physical_id: str, properties: JsonObject) -> None:
        del properties
        _unless_gone(lambda: call(self._api, "DeleteVectorBucket", {"vectorBucketArn": physical_id}))


class _Index:
    def __init__(self, vectors: S3Vectors) -> None:
        self._api = vectors.api

    def create(self, logical_id: str, properties: JsonObject) -> Created:
        given = _members(properties)
        given.setdefault("indexName", generated_name(logical_id).lower())
        made = call(self._api, "CreateIndex", request_of(self._api, "CreateIndex", given))
        arn = str(made["indexArn"])
        return arn, {"IndexArn": arn}

    def update(self, physical_id: str, old: JsonObject, new: JsonObject) -> Created:
        del old, new
        return physical_id, {"IndexArn": physical_id}

    def delete(self, physical_id: str, properties: JsonObject) -> None:
        del properties
        _unless_gone(lambda: call(self._api, "DeleteIndex", {"indexArn": physical_id}))


def _unless_gone(delete: Callable[[], object]) -> None:
    try:
        delete()
    except ValueError as error:
        if "could not be found" not in str(error):
            raise


def _members(properties: JsonObject) -> MutableJson:
    """Return a template's properties by the names of the API, whose tags are a map and names begin in lower case."""
    tags: dict[str, JsonValue] = {tag.text("Key"): tag.text("Value") for tag in Node(properties).nodes("Tags")}
    renamed = _renamed({name: value for name, value in properties.items() if name != "Tags"})
    return {**renamed, **({"tags": tags} if tags else {})}


def _renamed(values: Mapping[str, JsonValue]) -> MutableJson:
    return {
        name[:1].lower() + name[1:]: _renamed(value) if isinstance(value, dict) else value
        for name, value in values.items()
    }
