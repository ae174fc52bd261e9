"""A document, and what every source of documents offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from training_scripts.corpus.manifest import Part


@dataclass(frozen=True, slots=True)
class Document:
    """One text. `id` is unique in its source; `split` is the source's own, or None where it has none."""

    id: str
    label: str
    text: str
    split: Part | None = None


class Source(Protocol):
    """Where documents come from. The order in which they come means nothing."""

    @property
    def name(self) -> str:
        """What the corpus is called in its manifest."""

    @property
    def licence(self) -> str:
        """The terms under which the documents may be used."""

    @property
    def recommended(self) -> Mapping[str, int | float]:
        """The preparation settings that suit this source, for those that a person leaves open."""

    @property
    def version(self) -> str | None:
        """The release of the source; None where only its documents' hash can tell."""

    @property
    def has_ids(self) -> bool:
        """Whether documents bring their own ids, or are known by their content."""

    def fingerprint(self) -> str:
        """Return a hash of all bytes that the documents are read from, without parsing them."""

    def documents(self) -> Iterator[Document]:
        """Yield the documents.

        Raises:
            CorpusError: the source cannot be read, or a document is not what it should be.
        """
