"""The operations of boto3's clients that these functions use, as types."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Protocol, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime


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
