"""Which instance families a region lacks, of those that NTM can run on. Pure: rules and `make doctor` read it too.

SageMaker publishes no such table. Its instances are EC2's, so a family that EC2 does not offer in a region is not
there for SageMaker either. Whether SageMaker has all of what EC2 offers only the account's quotas tell, which
`make doctor` asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE: Final = "EC2's DescribeInstanceTypeOfferings by region, as moto 5.2.5 records it, which a test compares"

FAMILIES: Final = frozenset({
    "c4", "c5", "c5d", "c5n", "c6i", "c6in", "c7i", "c7i-flex", "c8i", "c8i-flex", "g4dn", "g5", "m4", "m5",
    "m5d", "m6i", "m7i", "m7i-flex", "m8i", "m8i-flex", "r5", "r5d", "r6i", "r7i", "r8i", "r8i-flex", "t2", "t3",
})  # fmt: skip
"""The table's: what SageMaker takes for training, hosting or transform, and NTM can run on. Not p2 and p3: EC2 has
retired them and lists them nowhere, and where SageMaker still has some, no source tells."""

WITH_ALL: Final = frozenset(
    {
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-south-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-west-1",
        "eu-west-2",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-2",
    }
)
"""Regions with every family of the table."""

LACKING: Final[Mapping[str, frozenset[str]]] = {
    region: frozenset(families.split())
    for region, families in {
        "af-south-1": "c4 g5 m4 m7i-flex r7i t2",
        "ap-east-1": "c4 c8i c8i-flex m4 m8i m8i-flex r7i r8i r8i-flex t2",
        "ap-northeast-3": "c7i-flex c8i c8i-flex g5 m8i m8i-flex r8i r8i-flex",
        "ap-south-2": "c4 c5n g4dn g5 m4 t2",
        "ap-southeast-1": "g5",
        "ap-southeast-3": "c4 c6i c8i c8i-flex g4dn m4 m8i m8i-flex r6i r8i r8i-flex t2",
        "ap-southeast-4": "c4 c5n c6i c7i-flex c8i c8i-flex g4dn g5 m4 m6i m8i m8i-flex r6i r8i r8i-flex t2",
        "ca-west-1": "c4 c5d c5n c7i-flex c8i c8i-flex g4dn g5 m4 m7i m7i-flex r5d r7i t2",
        "eu-central-2": "c4 c5n c6i c8i c8i-flex g4dn g5 m4 m7i-flex m8i m8i-flex r7i t2",
        "eu-north-1": "c4 c8i-flex m4 m8i m8i-flex t2",
        "eu-south-1": "c4 c8i c8i-flex g5 m4 m7i-flex m8i m8i-flex t2",
        "eu-south-2": "c4 c5n c6i g4dn m4 m6i r6i t2",
        "eu-west-3": "c4 m4",
        "il-central-1": "c4 c5n c7i-flex c8i c8i-flex g4dn m4 m7i-flex m8i m8i-flex r7i r8i-flex t2",
        "me-central-1": "c4 c5n c6i c7i-flex c8i c8i-flex g4dn m4 m7i-flex m8i m8i-flex r7i r8i-flex t2 t3",
        "me-south-1": "c4 c7i c7i-flex c8i c8i-flex g5 m4 m7i m7i-flex m8i m8i-flex r7i r8i r8i-flex t2",
        "us-west-1": "g5",
    }.items()
}
"""What the others lack. A region in neither (China, GovCloud, the isolated ones) has no source."""


def offers(region: str, family: str) -> bool | None:
    """Tell whether a region has a family; None where no source tells."""
    if family not in FAMILIES or not (region in WITH_ALL or region in LACKING):
        return None
    return family not in LACKING.get(region, ())


def regions_without(family: str) -> list[str]:
    """Return the regions that lack a family."""
    return sorted(region for region, lacking in LACKING.items() if family in lacking)
