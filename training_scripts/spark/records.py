"""Third stage: shards of records and their labels, dealt and written by tasks, each file by one."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import numpy as np
from scipy.sparse import csr_matrix

from training_scripts import recordio
from training_scripts.corpus.manifest import PARTS, FileDescription, labels_path, shard_path
from training_scripts.corpus.split import place_of
from training_scripts.text_records import csv_writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pyspark import RDD

    from training_scripts.corpus.manifest import Part
    from training_scripts.spark.counted import Counted

_ROWS_AT_ONCE: Final = 4096

Key = tuple[int, float, str]
"""(shard, counted over all parts, place, id): the order of records."""


class Row(NamedTuple):
    """One document as it is written."""

    id: str
    label: str
    ids: tuple[int, ...]
    counts: tuple[int, ...]


class Written(NamedTuple):
    """What became of one file."""

    path: str
    sha256: str
    bytes: int
    records: int | None


def vectorised(document: Counted, form_ids: Mapping[str, int]) -> Row:
    """Turn counts of forms into counts of words, by id."""
    counts: dict[int, int] = {}
    for form, number in zip(document.forms, document.counts, strict=True):
        if (word := form_ids.get(form)) is not None:
            counts[word] = counts.get(word, 0) + number
    ids = tuple(sorted(counts))
    return Row(document.id, document.label, ids, tuple(counts[word] for word in ids))


@dataclass(frozen=True)
class Deal:
    """How many documents each part has, and how many shards it is dealt to: all parts are dealt in one sort."""

    counts: Mapping[Part, int]
    shards: Mapping[Part, int]

    def first(self, part: Part) -> tuple[int, int]:
        """Return how many documents, and how many shards, come before those of a part."""
        before = PARTS[: PARTS.index(part)]
        return sum(self.counts[other] for other in before), sum(self.shards[other] for other in before)

    def slot(self, part: Part, index: int) -> int:
        """Return the shard, counted over all parts, of the document that is `index`-th in the order of all."""
        documents, shards = self.first(part)
        return shards + (index - documents) % self.shards[part]

    def part_of(self, slot: int) -> Part:
        """Return the part of a shard."""
        return next(part for part in reversed(PARTS) if slot >= self.first(part)[1])

    def path(self, slot: int) -> str:
        """Return the path of a shard."""
        part = self.part_of(slot)
        return shard_path(part, slot - self.first(part)[1])


def dealt(rows: RDD[tuple[Part, Row]], deal: Deal, seed: int) -> RDD[tuple[Key, Row]]:
    """Deal rows to shards of even size and even labels, as training_scripts.corpus.preparation does.

    The sort is over (part, label, place, id): however many documents share a label, no range of it is the larger.
    """

    def keyed(item: tuple[Part, Row]) -> tuple[tuple[int, str, float, str], Row]:
        part, row = item
        return (PARTS.index(part), row.label, place_of(seed, "order", row.id), row.id), row

    def numbered(item: tuple[tuple[tuple[int, str, float, str], Row], int]) -> tuple[Key, Row]:
        ((part, _, place, name), row), index = item
        return (deal.slot(PARTS[part], index), place, name), row

    return rows.map(keyed).sortByKey().zipWithIndex().map(numbered)


def write(rows: RDD[tuple[Key, Row]], deal: Deal, width: int, folder: str) -> list[Written]:
    """Write all shards and labels under `folder`, a path that every executor has; return the files."""
    by_shard = rows.repartitionAndSortWithinPartitions(sum(deal.shards.values()), lambda key: key[0])
    written: list[Written] = by_shard.mapPartitionsWithIndex(
        lambda slot, items: [_write_shard(Path(folder), deal.path(slot), (row for _, row in items), width)]
    ).collect()
    labels = rows.mapValues(lambda row: row.label).repartitionAndSortWithinPartitions(
        len(PARTS), lambda key: PARTS.index(deal.part_of(key[0]))
    )
    written += labels.mapPartitionsWithIndex(
        lambda number, items: [_write_labels(Path(folder), PARTS[number], items)]
    ).collect()
    return written


def described(files: Iterable[Written]) -> dict[str, FileDescription]:
    """Return the files as the manifest has them."""
    return {file.path: FileDescription(sha256=file.sha256, bytes=file.bytes, records=file.records) for file in files}


def _write_shard(folder: Path, name: str, rows: Iterable[Row], width: int) -> Written:
    with _File(folder, name) as file:
        records = 0
        for block in _blocks(rows):
            buffer = io.BytesIO()
            recordio.write_sparse(buffer, _matrix(block, width))
            file.write(buffer.getvalue())
            records += len(block)
        return file.written(records)


def _write_labels(folder: Path, part: Part, items: Iterable[tuple[Key, str]]) -> Written:
    with _File(folder, labels_path(part)) as file:
        table = io.StringIO(newline="")
        writer = csv_writer(table)
        writer.writerow(("id", "label"))
        for number, ((_, _, name), label) in enumerate(items, start=1):
            writer.writerow((name, label))
            if not number % _ROWS_AT_ONCE:
                file.write(table.getvalue().encode())
                table.seek(0)
                table.truncate()
        file.write(table.getvalue().encode())
        return file.written(None)


class _File:
    """A file that is there when it is whole: a task that is tried again, or twice at a time, leaves no half of one."""

    def __init__(self, folder: Path, name: str) -> None:
        self._name = name
        self._target = folder / name
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self._partial = self._target.with_name(f".{self._target.name}.{os.getpid()}.partial")
        self._stream = self._partial.open("wb")
        self._digest = hashlib.sha256()
        self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._stream.close()
        if kind is None:
            self._partial.replace(self._target)
        else:
            self._partial.unlink(missing_ok=True)

    def write(self, content: bytes) -> None:
        self._stream.write(content)
        self._digest.update(content)
        self._bytes += len(content)

    def written(self, records: int | None) -> Written:
        return Written(self._name, self._digest.hexdigest(), self._bytes, records)


def _blocks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    block: list[Row] = []
    for row in rows:
        block.append(row)
        if len(block) == _ROWS_AT_ONCE:
            yield block
            block = []
    if block:
        yield block


def _matrix(rows: list[Row], width: int) -> csr_matrix:
    indptr = np.cumsum([0, *(len(row.ids) for row in rows)])
    indices = np.concatenate([np.array(row.ids, dtype=np.int64) for row in rows])
    data = np.concatenate([np.array(row.counts, dtype=np.int64) for row in rows])
    return csr_matrix((data, indices, indptr), shape=(len(rows), width))
