"""What the functions behind URLs use of AWS's clients and of Lambda's context, as types: nothing imports it to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable


class LambdaContext(Protocol):
    """What a function uses of Lambda's context."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the invocation."""
        ...


class Hooks(Protocol):
    """The hooks of Lambda's Python runtime."""

    def register_before_snapshot(self, function: Callable[[], None]) -> None:
        """Call a function before the snapshot is taken."""
        ...

    def register_after_restore(self, function: Callable[[], None]) -> None:
        """Call a function in every copy, before its first request."""
        ...


class Closing(Protocol):
    """A client that can drop its connections, and open new ones when it is used again."""

    def close(self) -> None:
        """Drop the connections."""
        ...


class Body(Protocol):
    """A streamed answer."""

    def read(self) -> bytes:
        """Read all of it."""
        ...


class Parameter(TypedDict):
    """A parameter, as far as it is used."""

    Value: str


class GotParameter(TypedDict):
    """What is looked at of GetParameter's answer."""

    Parameter: Parameter


class SsmClient(Protocol):
    """boto3's SSM client."""

    def get_parameter(self, *, Name: str) -> GotParameter:
        """Read one parameter."""
        ...


class GotObject(TypedDict):
    """What is looked at of GetObject's answer."""

    Body: Body


class S3Client(Protocol):
    """boto3's S3 client."""

    def get_object(self, *, Bucket: str, Key: str) -> GotObject:
        """Open one object."""
        ...


class GotVersion(GotObject):
    """What is looked at of GetObject's answer where the object is asked for changes."""

    ETag: str
    ContentLength: int


class VersionedS3Client(Protocol):
    """boto3's S3 client, of which an object is asked for changes."""

    def get_object(self, *, Bucket: str, Key: str, IfNoneMatch: str = ...) -> GotVersion:
        """Open one object, unless it is still the one of this ETag."""
        ...


class PendingDeployment(TypedDict, total=False):
    """An update of an endpoint that is under way."""

    EndpointConfigName: str


class DescribedEndpoint(TypedDict, total=False):
    """What is looked at of DescribeEndpoint's answer."""

    EndpointStatus: str
    EndpointConfigName: str
    PendingDeploymentSummary: PendingDeployment


class SageMakerClient(Protocol):
    """boto3's SageMaker client."""

    def describe_endpoint(self, *, EndpointName: str) -> DescribedEndpoint:
        """Describe one endpoint."""
        ...


class InvokedEndpoint(TypedDict, total=False):
    """What is looked at of InvokeEndpoint's answer."""

    Body: Body
    ContentType: str
    CustomAttributes: str


class RuntimeClient(Protocol):
    """boto3's client of the SageMaker runtime."""

    def invoke_endpoint(self, *, EndpointName: str, Body: bytes, ContentType: str, Accept: str) -> InvokedEndpoint:
        """Send one body to the endpoint's container."""
        ...


class InvokedFunction(TypedDict, total=False):
    """What is looked at of Invoke's answer."""

    Payload: Body
    FunctionError: str


class LambdaClient(Protocol):
    """boto3's Lambda client."""

    def invoke(self, *, FunctionName: str, Payload: bytes) -> InvokedFunction:
        """Invoke a function and wait for its answer."""
        ...


class VectorData(TypedDict):
    """A vector."""

    float32: list[float]


class StoredVector(TypedDict, total=False):
    """A vector as GetVectors and QueryVectors give it."""

    key: str
    data: VectorData
    metadata: dict[str, str]


class GotVectors(TypedDict):
    """What is looked at of the answers of S3 Vectors."""

    vectors: list[StoredVector]


class VectorsClient(Protocol):
    """boto3's client of S3 Vectors."""

    def get_vectors(
        self, *, vectorBucketName: str, indexName: str, keys: list[str], returnData: bool, returnMetadata: bool
    ) -> GotVectors:
        """Return vectors by key; those that are not there are left out."""
        ...

    def query_vectors(self, *, vectorBucketName: str, indexName: str, topK: int, queryVector: VectorData) -> GotVectors:
        """Return the keys of the nearest vectors."""
        ...
