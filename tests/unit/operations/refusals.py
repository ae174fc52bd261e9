"""What CloudFormation answers for a stack that is not there."""

from __future__ import annotations

from botocore.exceptions import ClientError


def no_stack(name: str) -> ClientError:
    """The error of DescribeStacks."""
    error = {"Code": "ValidationError", "Message": f"Stack with id {name} does not exist"}
    return ClientError({"Error": error}, "DescribeStacks")
