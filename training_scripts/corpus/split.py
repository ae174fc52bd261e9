"""Which part a document is in, told by its id alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training_scripts.corpus.documents import Document
    from training_scripts.corpus.manifest import Part


def place_of(seed: int, purpose: str, name: str) -> float:
    """Return a number in [0, 1) that `seed`, `purpose` and `name` decide, even over many names."""
    digest = hashlib.sha256(f"{seed}\0{purpose}\0{name}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


@dataclass(frozen=True)
class Splitter:
    """Deals documents to train, validation and test by a hash of their ids.

    Neither the order of documents nor what else is in the corpus moves one. A part that the source has chosen stays,
    but a source that has train and test only gets its validation part out of train.
    """

    validation: float
    test: float
    seed: int
    source_has_validation: bool = False

    def part_of(self, document: Document) -> Part:
        """Return the part of `document`."""
        place = place_of(self.seed, "split", document.id)
        if document.split is None:
            if place < self.test:
                return "test"
            return "validation" if place < self.test + self.validation else "train"
        if document.split == "train" and not self.source_has_validation and place < self.validation:
            return "validation"
        return document.split
