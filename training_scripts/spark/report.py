"""What a preparation on Spark says beside the corpus: how even its work was, and what it set aside."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING

from training_scripts.corpus.sources.rejected import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyspark import RDD

    from training_scripts.corpus.sources.rejected import Rejected
    from training_scripts.spark.counted import Counted
    from training_scripts.spark.records import Written


@dataclass(frozen=True)
class Spread:
    """Sizes of pieces of work; a largest far above the median is skew."""

    pieces: int
    least: int
    median: float
    most: int

    @classmethod
    def of(cls, sizes: Sequence[int]) -> Spread:
        """Return the spread of sizes, of which there is one or more."""
        return cls(len(sizes), min(sizes), median(sizes), max(sizes))


@dataclass(frozen=True)
class Report:
    """`report.json`: documents and bytes by partition, records by shard, rejected lines by reason, and notes."""

    documents_by_partition: Spread
    bytes_by_partition: Spread
    largest_document_bytes: int
    records_by_shard: Spread
    rejected: dict[str, int]
    notes: list[str]

    def encoded(self) -> bytes:
        """Return the bytes of the file."""
        return (json.dumps(asdict(self), indent=1, sort_keys=True) + "\n").encode()


def by_partition(documents: RDD[Counted]) -> list[tuple[int, int, int]]:
    """Return (documents, bytes, bytes of the largest) of each partition."""

    def sizes(part: Iterable[Counted]) -> list[tuple[int, int, int]]:
        number = total = largest = 0
        for document in part:
            number, total, largest = number + 1, total + document.bytes, max(largest, document.bytes)
        return [(number, total, largest)]

    found: list[tuple[int, int, int]] = documents.mapPartitions(sizes).collect()
    return found


def rejections(rejected: RDD[Rejected]) -> dict[str, int]:
    """Return how many lines were set aside, by reason."""
    return dict(sorted(rejected.map(lambda line: (kind_of(line.reason), 1)).reduceByKey(int.__add__).collect()))


def report(
    sizes: list[tuple[int, int, int]], shards: Sequence[Written], rejected: dict[str, int], notes: list[str]
) -> Report:
    """Put a report together."""
    return Report(
        documents_by_partition=Spread.of([number for number, _, _ in sizes]),
        bytes_by_partition=Spread.of([total for _, total, _ in sizes]),
        largest_document_bytes=max(largest for _, _, largest in sizes),
        records_by_shard=Spread.of([shard.records for shard in shards if shard.records is not None]),
        rejected=rejected,
        notes=notes,
    )
