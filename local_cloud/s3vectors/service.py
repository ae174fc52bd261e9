"""Operations of Amazon S3 Vectors, by their paths."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Final

from local_cloud.s3vectors.index import VectorIndex
from local_cloud.s3vectors.members import MEMBERS
from local_cloud.shared import emulator
from local_cloud.shared.emulator import Headers, Query, Response, Scope
from local_cloud.shared.json_service import OK, Call, JsonService, Operation
from local_cloud.shared.service_errors import ServiceError, validation_error
from local_cloud.shared.wire import JsonObject, Node

NAME: Final = "s3vectors"
TARGET_PREFIX: Final = "S3Vectors"
"""Never sent: requests come by their paths and are known by what they are signed for."""
DEFAULT_PAGE: Final = 500
MOST_NEIGHBOURS: Final = 100
NOT_FOUND, CONFLICT = 404, 409


@dataclass
class _Bucket:
    arn: str
    name: str
    created: float
    encryption: JsonObject
    indexes: dict[str, VectorIndex] = field(default_factory=dict)


class S3Vectors:
    """Vector buckets, indexes and vectors."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[Scope, str], _Bucket] = {}
        operations: dict[str, Operation] = {
            "CreateVectorBucket": self._create_bucket,
            "GetVectorBucket": self._get_bucket,
            "DeleteVectorBucket": self._delete_bucket,
            "CreateIndex": self._create_index,
            "GetIndex": self._get_index,
            "DeleteIndex": self._delete_index,
            "PutVectors": self._put,
            "GetVectors": self._get,
            "ListVectors": self._list,
            "QueryVectors": self._query,
            "DeleteVectors": self._delete,
        }
        self.api = JsonService(NAME, TARGET_PREFIX, operations, MEMBERS)

    async def handle(self, method: str, path: str, headers: Headers, body: bytes, query: Query) -> Response:
        """Answer an HTTP request."""
        del method, query
        return await emulator.off_loop(self._answer, path.strip("/"), emulator.current_scope(), headers, body)

    def _answer(self, operation: str, scope: Scope, headers: Headers, body: bytes) -> Response:
        try:
            request = json.loads(body or b"{}")
            if not isinstance(request, dict):
                raise validation_error("the request body is not a JSON object")
            answer = self.api.call(operation, scope, request, headers)
        except ServiceError as error:
            return error.response()
        except (json.JSONDecodeError, UnicodeDecodeError):
            return validation_error("the request body is not JSON").response()
        return OK, {"Content-Type": "application/json"}, json.dumps(answer).encode()

    def _create_bucket(self, call: Call) -> JsonObject:
        name = call.request.text("vectorBucketName")
        if (call.scope, name) in self._buckets:
            raise ServiceError("ConflictException", f"A vector bucket {name} exists already", CONFLICT)
        arn = call.scope.arn(NAME, f"bucket/{name}")
        encryption = call.request.node("encryptionConfiguration").values or {"sseType": "AES256"}
        self._buckets[call.scope, name] = _Bucket(arn, name, time.time(), encryption)
        return {"vectorBucketArn": arn}

    def _get_bucket(self, call: Call) -> JsonObject:
        bucket = self._bucket(call)
        description: JsonObject = {
            "vectorBucketName": bucket.name,
            "vectorBucketArn": bucket.arn,
            "creationTime": bucket.created,
            "encryptionConfiguration": bucket.encryption,
        }
        return {"vectorBucket": description}

    def _delete_bucket(self, call: Call) -> JsonObject:
        bucket = self._bucket(call)
        if bucket.indexes:
            raise ServiceError("ConflictException", f"Vector bucket {bucket.name} is not empty", CONFLICT)
        del self._buckets[call.scope, bucket.name]
        return {}

    def _create_index(self, call: Call) -> JsonObject:
        bucket, name = self._bucket(call), call.request.text("indexName")
        if name in bucket.indexes:
            raise ServiceError("ConflictException", f"An index {name} exists already", CONFLICT)
        bucket.indexes[name] = VectorIndex(
            arn=f"{bucket.arn}/index/{name}",
            name=name,
            dimension=call.request.integer("dimension"),
            metric=call.request.text("distanceMetric"),
            created=time.time(),
            metadata_configuration=call.request.node("metadataConfiguration").values,
        )
        return {"indexArn": bucket.indexes[name].arn}

    def _get_index(self, call: Call) -> JsonObject:
        bucket, index = self._index(call)
        description: JsonObject = {
            "vectorBucketName": bucket.name,
            "indexName": index.name,
            "indexArn": index.arn,
            "creationTime": index.created,
            "dataType": "float32",
            "dimension": index.dimension,
            "distanceMetric": index.metric,
            "metadataConfiguration": index.metadata_configuration,
        }
        return {"index": description}

    def _delete_index(self, call: Call) -> JsonObject:
        bucket, index = self._index(call)
        del bucket.indexes[index.name]
        return {}

    def _put(self, call: Call) -> JsonObject:
        self._index(call)[1].put(call.request.nodes("vectors"))
        return {}

    def _get(self, call: Call) -> JsonObject:
        request, index = call.request, self._index(call)[1]
        data, metadata = request.flag("returnData"), request.flag("returnMetadata")
        return {"vectors": index.get(request.texts("keys"), data=data, metadata=metadata)}

    def _list(self, call: Call) -> JsonObject:
        request, index = call.request, self._index(call)[1]
        token = request.text("nextToken", "0")
        start, size = int(token) if token.isdecimal() else 0, request.integer("maxResults", DEFAULT_PAGE)
        data, metadata = request.flag("returnData"), request.flag("returnMetadata")
        vectors, more = index.page(start, size, data=data, metadata=metadata)
        return {"vectors": vectors, **({"nextToken": str(start + size)} if more else {})}

    def _query(self, call: Call) -> JsonObject:
        request, index = call.request, self._index(call)[1]
        number = request.integer("topK")
        if number > MOST_NEIGHBOURS:
            raise validation_error(f"topK is {number}: at most {MOST_NEIGHBOURS}")
        distance, metadata = request.flag("returnDistance"), request.flag("returnMetadata")
        neighbours = index.nearest(request.node("queryVector"), number, distance=distance, metadata=metadata)
        return {"vectors": neighbours, "distanceMetric": index.metric}

    def _delete(self, call: Call) -> JsonObject:
        self._index(call)[1].delete(call.request.texts("keys"))
        return {}

    def _bucket(self, call: Call) -> _Bucket:
        name = call.request.text("vectorBucketName") or bucket_of_arn(call.request)
        bucket = self._buckets.get((call.scope, name))
        if bucket is None:
            raise ServiceError("NotFoundException", f"The specified vector bucket {name} could not be found", NOT_FOUND)
        return bucket

    def _index(self, call: Call) -> tuple[_Bucket, VectorIndex]:
        bucket = self._bucket(call)
        name = call.request.text("indexName") or call.request.text("indexArn").rpartition("/")[2]
        index = bucket.indexes.get(name)
        if index is None:
            raise ServiceError("NotFoundException", f"The specified index {name} could not be found", NOT_FOUND)
        return bucket, index


def bucket_of_arn(request: Node) -> str:
    """Return the name of the bucket in a request's ARN of a bucket or of an index; '' where it has none."""
    arn = request.text("indexArn") or request.text("vectorBucketArn")
    return arn.partition(":bucket/")[2].partition("/")[0]


def resource_arn(body: bytes, region: str, account: str) -> str:
    """Return the ARN that a request acts on, or * where it names none."""
    try:
        content = json.loads(body or b"{}")
    except (json.JSONDecodeError, UnicodeDecodeError):
        return "*"
    request = Node(content if isinstance(content, dict) else {})
    bucket = request.text("vectorBucketName") or bucket_of_arn(request)
    if not bucket:
        return "*"
    arn = f"arn:aws:{NAME}:{region}:{account}:bucket/{bucket}"
    index = request.text("indexName") or request.text("indexArn").partition("/index/")[2]
    return f"{arn}/index/{index}" if index else arn
