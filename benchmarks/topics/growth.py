"""Time and memory of an epoch against vocabulary and corpus: `python -m benchmarks.topics.growth`.

Documents are resampled: each is a real one of the API reference, its words moved at random to a vocabulary of the size
wanted, so that the words a document holds stay as many as in real text. Each point is a whole job in its own process.
"""

# ruff: noqa: PLC0415 (matplotlib is imported after its settings)

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.sparse import csr_matrix

from benchmarks import training_jobs
from benchmarks.topics import corpora
from training_scripts import recordio

VOCABULARIES: Final = (2_000, 10_000, 50_000)
DOCUMENTS: Final = (10_000, 100_000, 1_000_000)
EPOCHS: Final = 3
MOST_WORDS_TIMES_DOCUMENTS: Final = 10**10
"""What is measured unless asked for: beyond it a job takes a quarter of an hour or more."""
_SHARD_DOCUMENTS: Final = 10_000
_OUTPUT: Final = Path("docs/benchmarks/growth.json")


def resampled(source: csr_matrix, words: int, documents: int, rng: np.random.Generator) -> csr_matrix:
    """Return `documents` rows drawn from `source`, each word moved to one of the ids that share its remainder."""
    rows = source[rng.integers(source.shape[0], size=documents)]
    spread = words // source.shape[1]
    columns = rows.indices.astype(np.int64) + source.shape[1] * rng.integers(spread, size=rows.nnz)
    return csr_matrix((rows.data, columns, rows.indptr), shape=(documents, words))


def measure(source: csr_matrix, words: int, documents: int, max_memory_mb: int) -> dict[str, Any]:
    """Train one job of EPOCHS epochs; returns seconds an epoch (the last one's) and the process's peak memory."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(dir="build") as folder:
        root = Path(folder)
        train = root / "input" / "data" / "train"
        train.mkdir(parents=True)
        nonzeros = 0
        for first in range(0, documents, _SHARD_DOCUMENTS):
            shard = resampled(source, words, min(_SHARD_DOCUMENTS, documents - first), rng)
            nonzeros += shard.nnz
            with (train / f"part-{first:08d}.pbr").open("wb") as stream:
                recordio.write_sparse(stream, shard)
        settings = {
            "feature_dim": words,
            "num_topics": 30,
            "mini_batch_size": 128,
            "epochs": EPOCHS,
            "num_patience_epochs": 99,
            "max_memory_mb": max_memory_mb,
        }
        command = training_jobs.configure(root, settings, ["train"])
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        log = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise RuntimeError(f"the job of {documents} documents failed:\n{log[-2000:]}")
        shutil.rmtree(train)
    seconds = [float(text) for text in re.findall(r"seconds=([\d.]+)", log)]
    return {
        "words": words,
        "documents": documents,
        "nonzeros": nonzeros,
        "max_memory_mb": max_memory_mb,
        "streamed": "streamed" in log,
        "seconds_an_epoch": seconds[-1],
        "peak_mb": usage.ru_maxrss / 1024,
        "cpu_s": usage.ru_utime + usage.ru_stime,
    }


def main() -> int:
    """Measure all points, or those asked for; other points of docs/benchmarks/growth.json stay as they were."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.topics.growth", description=__doc__)
    parser.add_argument("--words", type=int, nargs="+", default=VOCABULARIES, help="vocabularies (all three)")
    parser.add_argument("--documents", type=int, nargs="+", default=DOCUMENTS, help="corpora (all three)")
    parser.add_argument(
        "--all", action="store_true", help="the largest vocabulary with the largest corpus too: half an hour"
    )
    parser.add_argument("--max-memory-mb", type=int, default=256)
    options = parser.parse_args()
    corpora.prepare("api-reference")
    source = corpora.load("api-reference").train.counts
    _OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(_OUTPUT.read_text(encoding="utf-8")) if _OUTPUT.exists() else []
    points = {(point["words"], point["documents"]): point for point in known}
    asked_for = options.all or (options.words, options.documents) != (VOCABULARIES, DOCUMENTS)
    for place in itertools.product(options.words, options.documents):
        words, documents = place
        if words * documents > MOST_WORDS_TIMES_DOCUMENTS and not asked_for:
            print(f"left as it was: {documents} documents of {words} words (--all)", file=sys.stderr)
            continue
        points[place] = measure(source, words, documents, options.max_memory_mb)
        print(json.dumps(points[place]), file=sys.stderr)
        # After each: the largest take long, and an interrupted run has said something.
        records = [points[key] for key in sorted(points)]
        _OUTPUT.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
        _plot(records)
    return 0


def _plot(points: list[dict[str, Any]]) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "open-ntm"
    from matplotlib import pyplot as plt

    figure, (seconds, memory) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for words in sorted({point["words"] for point in points}):
        chosen = [point for point in points if point["words"] == words]
        documents = [point["documents"] for point in chosen]
        seconds.plot(documents, [point["seconds_an_epoch"] for point in chosen], marker="o", label=f"{words:,} words")
        memory.plot(documents, [point["peak_mb"] for point in chosen], marker="o", label=f"{words:,} words")
    seconds.set(xscale="log", yscale="log", xlabel="documents", title="seconds an epoch")
    memory.set(xscale="log", ylim=(0, None), xlabel="documents", title="peak memory of the process, MB")
    seconds.legend()
    figure.savefig(_OUTPUT.with_suffix(".svg"), metadata={"Date": None})


if __name__ == "__main__":
    sys.exit(main())
