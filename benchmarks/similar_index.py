"""The index of similar documents over topic vectors: `python benchmarks/similar_index.py VECTORS.parquet`.

Prints its size, processor time to make, read and search it, and its recall at 10 against exact search; of documents as
far as the tenth, any is right.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import TypeVar

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from collections.abc import Callable

from explore.similar import index_of
from explore.vectors import load_topic_vectors

from similar_function.index import DocumentIndex

READS = 5
SEARCHES = 500
NEIGHBOURS = 10

Made = TypeVar("Made")


def timed(work: Callable[[], Made]) -> tuple[float, Made]:
    """Return the seconds of processor time, and what was made."""
    started = time.process_time()
    made = work()
    return time.process_time() - started, made


def main(file: Path) -> None:
    """Measure and print."""
    vectors = load_topic_vectors(file)
    making_s, made = timed(lambda: index_of(vectors))
    data = made.to_bytes()
    reading_ms = sorted(timed(lambda: DocumentIndex.from_bytes(data))[0] * 1000 for _ in range(READS))
    index = DocumentIndex.from_bytes(data)
    rows = np.random.default_rng(0).choice(len(vectors.ids), min(SEARCHES, len(vectors.ids)), replace=False).tolist()
    roots, place = np.sqrt(vectors.weights), {name: row for row, name in enumerate(vectors.ids)}
    searching_ms, hits = [], 0
    for row in rows:
        seconds, neighbours = timed(lambda name=vectors.ids[row]: index.of_document(name, NEIGHBOURS))  # type: ignore[misc]
        searching_ms.append(seconds * 1000)
        distances = ((roots - roots[row]) ** 2).sum(axis=1)
        tenth = np.sort(np.delete(distances, row))[NEIGHBOURS - 1]
        hits += sum(bool(distances[place[one.id]] <= tenth + 1e-6) for one in neighbours)
    what = f"{len(vectors.ids):,} documents, {vectors.num_topics} topics"
    print(f"{what}: {len(data) / 1e6:.1f} MB, made in {making_s:.1f} s")
    print(f"read in {statistics.median(reading_ms):.0f} ms ({reading_ms[0]:.0f} to {reading_ms[-1]:.0f})")
    searching_ms.sort()
    print(
        f"searched in {statistics.median(searching_ms):.2f} ms, 99th percentile "
        f"{searching_ms[len(searching_ms) * 99 // 100]:.2f} ms"
    )
    print(f"recall at {NEIGHBOURS}: {hits / (NEIGHBOURS * len(rows)):.4f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
