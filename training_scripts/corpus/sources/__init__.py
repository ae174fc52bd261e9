"""The sources of documents: the API reference in botocore, 20 Newsgroups, and a user's own files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training_scripts.corpus.sources.api_reference import ApiReference
from training_scripts.corpus.sources.files import CsvTable, JsonLines, ParquetTable, TextFolder
from training_scripts.corpus.sources.newsgroups import Newsgroups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training_scripts.corpus.documents import Document, Source

__all__ = ["ApiReference", "CsvTable", "JsonLines", "Newsgroups", "ParquetTable", "TextFolder", "iter_documents"]


def iter_documents(source: Source) -> Iterator[Document]:
    """Yield the documents of a source, also those that a prepared corpus leaves out.

    The ids are those of a prepared corpus's `labels/*.csv`, so the text behind each record can be found again.
    """
    return source.documents()
