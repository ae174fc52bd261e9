"""Which part a document is in, told by its id alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training_scripts.corpus.manifest import Part


def place_of(seed: int, purpose: str, name: str) -> float:
    """Return a number in [0, 1) that `seed`, `purpose` and `name` decide, even over many names."""
    digest = hashlib.sha256(f"{seed}\0{purpose}\0{name}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


@dataclass(frozen=True)
class Splitter:
    """Deals documents to train, validation and test by a hash of their ids.

    Neither the order of documents nor what else is in the corpus moves one. A part that the source has chosen stays,
    but a source that has no validation part of its own gets one out of its train.
    """

    validation: float
    test: float
    seed: int

    def parts_of(self, ids: Sequence[str], splits: Sequence[Part | None]) -> list[Part]:
        """Return the part of each document, given its id and the source's own part, if any."""
        carve = "validation" not in splits
        return [self.part_of(name, split, carve=carve) for name, split in zip(ids, splits, strict=True)]

    def part_of(self, name: str, split: Part | None, *, carve: bool) -> Part:
        """Return the part of one document; `carve` where none of the source's documents is for validation."""
        place = place_of(self.seed, "split", name)
        if split is None:
            if place < self.test:
                return "test"
            return "validation" if place < self.test + self.validation else "train"
        if split == "train" and carve and place < self.validation:
            return "validation"
        return split
