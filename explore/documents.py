"""The documents whose topics are asked for: their ids, labels and word counts."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, vstack

from explore.errors import ExploreError
from training_scripts import recordio
from training_scripts.corpus.documents import Source
from training_scripts.corpus.manifest import PARTS, CorpusManifest, Part, labels_path, shard_path
from training_scripts.corpus.progress import Progress
from training_scripts.corpus.surface_forms import SurfaceForms

NO_KNOWN_WORD = "no known word"
"""Why a document has no topics: it holds no word of the vocabulary."""
NO_LABEL = "(no label)"
"""What a document without a label is called among documents that have some."""


@dataclass(frozen=True)
class CountedDocuments:
    """Documents as the model sees them.

    Attributes:
        ids: unique, in a fixed order.
        labels: `NO_LABEL` where a document has none; empty where none has one.
        counts: shape (documents, feature_dim), float32; a row may be empty.
        corpus: the corpus_hash of the vocabulary that they were counted by.
        vocabulary: that vocabulary's hash.
        texts: of each, or nothing where only counts were asked for or are at hand.
    """

    ids: list[str]
    labels: list[str]
    counts: csr_matrix
    corpus: str
    vocabulary: str
    texts: list[str] | None = None

    def __post_init__(self) -> None:
        if len(set(self.ids)) != len(self.ids):
            raise ExploreError("two documents have one id: ids must differ")

    @property
    def known(self) -> csr_matrix:
        """The counts of the documents that have a known word, in order."""
        return self.counts[np.flatnonzero(self.is_known)]

    @property
    def is_known(self) -> np.typing.NDArray[np.bool_]:
        """Whether each document has a known word."""
        return np.asarray(self.counts.sum(axis=1)).ravel() > 0


def of_corpus(folder: Path) -> CountedDocuments:
    """Return the documents of a prepared corpus, part after part, in record order.

    Raises:
        CorpusError: the folder holds no corpus, or a file of it is missing or changed.
        ExploreError: its labels and its records do not agree.
    """
    manifest = CorpusManifest.load_whole(folder)
    ids: list[str] = []
    labels: list[str] = []
    blocks: list[csr_matrix] = []
    for part in PARTS:
        rows = _labels(folder / labels_path(part))
        block = records_of(folder, manifest, part)
        if len(rows) != block.shape[0]:
            raise ExploreError(f"{folder / labels_path(part)} names {len(rows)} documents of {block.shape[0]} records")
        ids += [row["id"] for row in rows]
        labels += [row["label"] for row in rows]
        blocks.append(block)
    counts = vstack(blocks, format="csr")
    return CountedDocuments(ids, named_labels(labels), counts, manifest.corpus_hash, manifest.vocabulary_hash)


def of_source(source: Source, folder: Path, progress: Progress, *, texts: bool = True) -> CountedDocuments:
    """Return every document of a source, also those that preparation left out, counted by a corpus's vocabulary.

    Without `texts` they are counted and let go of, so that millions take little memory.

    Raises:
        CorpusError: the folder holds no corpus, or the source cannot be read.
    """
    manifest, forms = CorpusManifest.load_whole(folder), SurfaceForms.load(folder)
    found: dict[str, tuple[str, dict[int, int], str]] = {}
    for number, document in enumerate(source.documents(), start=1):
        progress.tell(f"{number:,} documents counted")
        found[document.id] = (document.label, forms.counts(document.text), document.text if texts else "")
    ids = sorted(found)
    rows = [sorted(found[name][1].items()) for name in ids]
    counts = csr_matrix(
        (
            np.array([count for row in rows for _, count in row], dtype=np.float32),
            np.array([word for row in rows for word, _ in row], dtype=np.int32),
            np.cumsum([0, *(len(row) for row in rows)]),
        ),
        shape=(len(ids), manifest.feature_dim),
    )
    return CountedDocuments(
        ids,
        named_labels([found[name][0] for name in ids]),
        counts,
        manifest.corpus_hash,
        manifest.vocabulary_hash,
        [found[name][2] for name in ids] if texts else None,
    )


def named_labels(labels: list[str]) -> list[str]:
    """Return the labels with a name for the empty ones, where others are not."""
    return [label or NO_LABEL for label in labels] if any(labels) else labels


def _labels(file: Path) -> list[dict[str, str]]:
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))
    except OSError as error:
        raise ExploreError(f"{file} cannot be read: {error.strerror}") from None


def records_of(folder: Path, manifest: CorpusManifest, part: Part) -> csr_matrix:
    """Return the counts of one part of a prepared corpus, in record order, shape (documents, feature_dim).

    Raises:
        ExploreError: a shard cannot be read.
    """
    try:
        shards = [
            recordio.read_records((folder / shard_path(part, number)).read_bytes(), feature_dim=manifest.feature_dim)
            for number in range(getattr(manifest.shards, part))
        ]
    except OSError as error:
        raise ExploreError(f"{error.filename} cannot be read: {error.strerror}") from None
    return vstack(shards, format="csr")
