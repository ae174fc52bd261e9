"""The documents of the prepared corpus, with their texts."""

from __future__ import annotations

import csv
from pathlib import Path

from training_scripts.corpus.documents import Document
from training_scripts.corpus.manifest import PARTS, Part, labels_path
from training_scripts.corpus.sources import ApiReference, iter_documents


def by_part(corpus: Path) -> dict[Part, list[Document]]:
    """Return the documents of each part of the default corpus, train first and test last, in record order."""
    documents = {document.id: document for document in iter_documents(ApiReference())}
    return {part: [documents[name] for name in _ids(corpus / labels_path(part))] for part in PARTS}


def _ids(file: Path) -> list[str]:
    with file.open(encoding="utf-8", newline="") as stream:
        return [row["id"] for row in csv.DictReader(stream)]
