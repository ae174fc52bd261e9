"""The operations of boto3's clients that these functions use, as types."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Literal, Protocol, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

Status = Literal["Approved", "PendingManualApproval", "Rejected"]


class Context(Protocol):
    """What Lambda tells of the call."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how much of the function's time is left."""


class Body(Protocol):
    """A streamed object."""

    def read(self, amt: int | None = None) -> bytes:
        """Read on."""


class StoredObject(TypedDict):
    """What GetObject returns, as far as it is used."""

    Body: Body


class Paginator(Protocol):
    """A list operation, page by page."""

    def paginate(self, **kwargs: object) -> Iterator[dict[str, list[dict[str, object]]]]:
        """Return the pages."""


class S3(Protocol):
    """boto3's S3 client."""

    def get_object(self, *, Bucket: str, Key: str) -> StoredObject:
        """Open an object."""

    def download_file(self, Bucket: str, Key: str, Filename: str) -> None:
        """Copy an object to a file."""

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> object:
        """Write an object."""

    def upload_fileobj(self, Fileobj: IO[bytes], Bucket: str, Key: str) -> None:
        """Copy a stream to an object."""

    def copy(self, CopySource: dict[str, str], Bucket: str, Key: str) -> None:
        """Copy an object inside S3, in parts where it is large."""

    def delete_objects(self, *, Bucket: str, Delete: dict[str, object]) -> dict[str, list[dict[str, str]]]:
        """Delete up to a thousand object versions."""

    def get_paginator(self, operation_name: str) -> Paginator:
        """Return a list operation's pages."""


class Execution(TypedDict):
    """One run of a state machine, as ListExecutions tells it."""

    executionArn: str
    name: str
    startDate: datetime


class StepFunctions(Protocol):
    """boto3's Step Functions client."""

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, object]:  # noqa: A002
        """Start a run; the same name with the same input is the same run."""

    def stop_execution(self, *, executionArn: str, error: str, cause: str) -> dict[str, object]:
        """Stop a run."""

    def get_paginator(self, operation_name: str) -> Paginator:
        """Return a list operation's pages."""


def running(client: StepFunctions, state_machine_arn: str) -> list[Execution]:
    """Return the runs of a state machine that are under way."""
    pages: Iterable[dict[str, list[dict[str, object]]]] = client.get_paginator("list_executions").paginate(
        stateMachineArn=state_machine_arn, statusFilter="RUNNING"
    )
    return [
        Execution(
            executionArn=str(item["executionArn"]),
            name=str(item["name"]),
            startDate=item["startDate"],  # type: ignore[typeddict-item]  # botocore parses timestamps
        )
        for page in pages
        for item in page["executions"]
    ]


class Ssm(Protocol):
    """The operations of boto3's SSM client that the ledger uses: those that act on one parameter, by its name."""

    def get_parameter(self, *, Name: str) -> dict[str, dict[str, str]]:
        """Read a parameter."""

    def put_parameter(self, *, Name: str, Value: str, Type: str, Overwrite: bool) -> object:
        """Write a parameter."""

    def delete_parameter(self, *, Name: str) -> object:
        """Delete a parameter."""


class DatedSsm(Protocol):
    """boto3's SSM client, as far as it tells when a parameter was written."""

    def get_parameter(self, *, Name: str) -> Mapping[str, Mapping[str, datetime]]:
        """Read a parameter."""


class Logs(Protocol):
    """The operations of boto3's CloudWatch Logs client that are used here: each is the same when done twice."""

    def create_log_group(self, *, logGroupName: str) -> object:
        """Make a group."""

    def put_retention_policy(self, *, logGroupName: str, retentionInDays: int) -> object:
        """Set how long a group keeps its events."""

    def associate_kms_key(self, *, logGroupName: str, kmsKeyId: str) -> object:
        """Set the key of what comes into a group from now on."""


class Stack(TypedDict, total=False):
    """What DescribeStacks tells, as far as it is used."""

    StackStatus: str
    StackStatusReason: str
    Parameters: list[dict[str, str]]


class CloudFormation(Protocol):
    """The operations of boto3's CloudFormation client used here."""

    def describe_stacks(self, *, StackName: str) -> Mapping[str, list[Stack]]:
        """Tell a stack."""

    def update_stack(
        self,
        *,
        StackName: str,
        UsePreviousTemplate: bool,
        Parameters: list[dict[str, object]],
        Capabilities: list[str],
        RoleARN: str,
    ) -> object:
        """Begin an update."""


class Package(TypedDict):
    """What DescribeModelPackage tells, as far as it is used."""

    ModelPackageArn: str
    ModelApprovalStatus: Status
    CustomerMetadataProperties: dict[str, str]


class Hosting(Protocol):
    """The operations of boto3's SageMaker client that tell of endpoints."""

    def describe_endpoint(self, *, EndpointName: str) -> Mapping[str, str]:
        """Tell an endpoint."""


class SageMaker(Protocol):
    """The operations of boto3's SageMaker client that the model registry takes."""

    def create_model_package(self, **request: object) -> Mapping[str, str]:
        """Register a version."""

    def describe_model_package(self, *, ModelPackageName: str) -> Package:
        """Tell a version."""

    def update_model_package(
        self, *, ModelPackageArn: str, ModelApprovalStatus: str, ApprovalDescription: str
    ) -> object:
        """Approve or reject a version."""

    def delete_model_package(self, *, ModelPackageName: str) -> object:
        """Forget a version."""

    def get_paginator(self, operation_name: str) -> Paginator:
        """Return a list operation's pages."""
