"""The operations of boto3's clients that these commands use, as types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol


class Client(Protocol):
    """A boto3 client, of which the checks call operations by name."""

    def __getattr__(self, operation: str) -> Callable[..., Mapping[str, object]]:
        """Return an operation."""


class S3(Protocol):
    """boto3's S3 client, as far as a corpus is uploaded by it."""

    def upload_file(self, Filename: str, Bucket: str, Key: str) -> None:
        """Copy a file to an object."""


class StepFunctions(Protocol):
    """boto3's Step Functions client, as far as runs are followed by it."""

    def start_execution(self, *, stateMachineArn: str, input: str) -> dict[str, str]:  # noqa: A002 (boto3's)
        """Start a run."""

    def describe_execution(self, *, executionArn: str) -> dict[str, str]:
        """Tell how a run is doing."""
