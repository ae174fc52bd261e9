"""The corpora of the benchmark: prepared by the project's own command, then read back as matrices."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, vstack

from training_scripts import recordio
from training_scripts.corpus.documents import Source
from training_scripts.corpus.manifest import CorpusManifest
from training_scripts.corpus.sources import ApiReference, JsonLines, Newsgroups, iter_documents
from training_scripts.corpus.surface_forms import SurfaceForms

CorpusName = Literal["api-reference", "20newsgroups", "20newsgroups-known", "debian"]
FOLDER: Final = Path("build/bench/corpora")
_PARTS: Final = ("train", "validation", "test")
ARCHIVE: Final = Path("../shared/data/20news-bydate.tar.gz")
KNOWN_WORDS: Final = 10
"""Words of the vocabulary that a document of 20newsgroups-known has at least."""
_FIELD: Final = re.compile(r"^([A-Z][\w-]*):[ ]?((?:.*\n?)(?: .*\n?)*)", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """Documents of one part of a corpus."""

    counts: csr_matrix
    labels: npt.NDArray[np.str_]
    ids: list[str]


@dataclass(frozen=True)
class Corpus:
    """A prepared corpus in memory."""

    name: str
    folder: Path
    words: list[str]
    train: Part
    validation: Part
    test: Part


def prepare(name: str) -> Path:
    """Prepare the corpus unless it is there; returns its folder."""
    name = _whole(name)
    folder = FOLDER / name
    command = [sys.executable, "-m", "training_scripts.prepare"]
    if name == "api-reference":
        command += ["api-reference"]
    elif name == "20newsgroups":
        command += ["20newsgroups", *(["--archive", str(ARCHIVE)] if ARCHIVE.exists() else []), "--least-words", "10"]
    else:
        command += ["jsonl", str(_debian_descriptions()), "--text-field", "text", "--label-field", "section"]
        command += ["--id-field", "package", "--source-name", "Debian package descriptions"]
    subprocess.run([*command, "--output", str(folder)], check=True)
    return folder


def load(name: CorpusName) -> Corpus:
    """Return a prepared corpus; 20newsgroups-known is what 20newsgroups has in documents of KNOWN_WORDS or more."""
    corpus = read(name, FOLDER / _whole(name))
    if name != "20newsgroups-known":
        return corpus
    train, validation, test = map(_of_known_words, (corpus.train, corpus.validation, corpus.test))
    return replace(corpus, train=train, validation=validation, test=test)


def read(name: str, folder: Path) -> Corpus:
    """Return the prepared corpus of a folder."""
    manifest = CorpusManifest.load_whole(folder)
    words = (folder / "auxiliary" / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
    return Corpus(name, folder, words, **{part: _part(folder, part, manifest) for part in _PARTS})


def known_words(corpus: Corpus, part: Part) -> list[npt.NDArray[np.int64]]:
    """Return the known words of each document of a part, as ids in the text's order; documents without are left out."""
    table = SurfaceForms.load(corpus.folder)
    wanted = set(part.ids)
    texts = (document.text for document in iter_documents(_source(_whole(corpus.name))) if document.id in wanted)
    known = ([table.forms[form] for form in table.rule.tokens_of(text) if form in table.forms] for text in texts)
    return [np.array(ids, dtype=np.int64) for ids in known if ids]


def windows(texts: Sequence[npt.NDArray[np.int64]], width: int, words: int) -> csr_matrix:
    """Return which words each run of `width` words of a text holds, shape (windows, words); a shorter text is one."""
    views = [np.lib.stride_tricks.sliding_window_view(ids, min(width, ids.size)) for ids in texts]
    sizes = np.concatenate([np.full(len(view), view.shape[1]) for view in views])
    ends = np.concatenate([[0], np.cumsum(sizes)])
    held = np.concatenate([view.ravel() for view in views])
    counts = csr_matrix((np.ones(held.size, np.float32), held, ends), shape=(sizes.size, words))
    counts.sum_duplicates()
    return counts


def _whole(name: str) -> str:
    """Return the corpus that is prepared, of which `name` may be a part."""
    return "20newsgroups" if name == "20newsgroups-known" else name


def _of_known_words(part: Part) -> Part:
    kept = np.flatnonzero(np.asarray(part.counts.sum(axis=1)).ravel() >= KNOWN_WORDS)
    return Part(part.counts[kept], part.labels[kept], [part.ids[row] for row in kept])


def _source(name: str) -> Source:
    if name == "api-reference":
        return ApiReference()
    if name == "20newsgroups":
        return Newsgroups(archive=ARCHIVE if ARCHIVE.exists() else None)
    return JsonLines(_debian_descriptions(), text_field="text", label_field="section", id_field="package")


def _part(folder: Path, part: str, manifest: CorpusManifest) -> Part:
    shards = [(folder / path).read_bytes() for path in manifest.of_channel(part)]
    counts = vstack([recordio.read_records(shard, feature_dim=manifest.feature_dim) for shard in shards], format="csr")
    with (folder / "labels" / f"{part}.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return Part(counts, np.array([row["label"] for row in rows]), [row["id"] for row in rows])


def _debian_descriptions() -> Path:
    path = FOLDER / "debian.jsonl"
    if path.exists():
        return path
    FOLDER.mkdir(parents=True, exist_ok=True)
    listing = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, text=True, check=True).stdout
    seen: set[str] = set()
    with path.open("w", encoding="utf-8") as stream:
        for stanza in listing.split("\n\n"):
            fields: dict[str, str] = dict(_FIELD.findall(stanza + "\n"))
            text = fields.get("Description", fields.get("Description-en", "")).strip()
            if text and text not in seen and "Package" in fields:
                seen.add(text)
                section = fields.get("Section", "none").strip().rpartition("/")[2]
                row = {"package": fields["Package"].strip(), "section": section, "text": text}
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path
