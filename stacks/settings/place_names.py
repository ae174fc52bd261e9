"""How settings name a bucket and a customer-managed key that are somebody else's."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field

PARTITIONS: Final = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-isob-": "aws-iso-b",
    "us-isof-": "aws-iso-f",
    "us-iso-": "aws-iso",
}
"""Partition by the beginning of a region's name; any other is of `aws`."""


DNS_SUFFIXES: Final = {
    "aws-cn": "amazonaws.com.cn",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-f": "csp.hci.ic.gov",
}
"""What hosts of a partition end with, where it is not `amazonaws.com`."""


def partition(region: str) -> str:
    """Return the partition of a region."""
    return next((name for beginning, name in PARTITIONS.items() if region.startswith(beginning)), "aws")


def region_of(arn: str) -> str:
    """Return the region that an ARN names, '' where it names none."""
    return arn.split(":")[3]


def _in_its_partition(arn: str) -> str:
    named, expected = arn.split(":")[1], partition(region_of(arn))
    if named != expected:
        raise ValueError(f"partition {named} has no region {region_of(arn)}: write arn:{expected}:…")
    return arn


BucketName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
KeyArn = Annotated[
    str,
    Field(pattern=r"^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$"),
    AfterValidator(_in_its_partition),
]
