"""Any iterable of documents, or a DataFrame, as requests of a size that the URL carries."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeAlias, runtime_checkable

from topics_client.errors import NOT_A_DOCUMENT, TopicsError

DOCUMENTS: Final = "documents"
INSTANCES: Final = "instances"
Kind: TypeAlias = Literal["documents", "instances"]

_NOTHING: Final = "null"

MAX_DOCUMENTS: Final = 500
URL_MAX_BYTES: Final = 6 * 1024 * 1024
"""Most bytes that a Function URL takes, or answers."""
MAX_BYTES: Final = 4 * 1024 * 1024
"""Of a batch: well under the URL's limit, which also has to carry the answer."""


@runtime_checkable
class ArrayLike(Protocol):
    """A row of NumPy, pandas or anything else that can become a list."""

    def tolist(self) -> list[object]:
        """Return the numbers."""
        ...


class SparseRow(Protocol):
    """A row of a SciPy CSR matrix or array."""

    indices: ArrayLike
    data: ArrayLike


@runtime_checkable
class DataFrameLike(Protocol):
    """What is used of a pandas or Polars DataFrame."""

    @property
    def columns(self) -> Iterable[str]:
        """Names of the columns."""
        ...

    def __getitem__(self, name: str) -> Iterable[object]:
        """Return one column."""
        ...


Document: TypeAlias = str | Mapping[int, float] | Sequence[float] | ArrayLike | SparseRow
"""Raw text, or counts: by word id, dense in the order of the vocabulary, or a sparse row."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents of one request, each already written as JSON.

    Attributes:
        kind: what the documents are.
        items: the documents.
        first_row: number of the first among all that are sent, from 1.
        refused: what is no document at all, by its row; null stands in its place among the items.
    """

    kind: Kind
    items: tuple[str, ...]
    first_row: int
    refused: Mapping[int, TopicsError] = field(default_factory=dict)

    def body(self, corpus_version: str | None) -> bytes:
        """Return the request's body."""
        version = "" if corpus_version is None else f',"corpus_version":{json.dumps(corpus_version)}'
        return f'{{"{self.kind}":[{",".join(self.items)}]{version}}}'.encode()

    def halves(self) -> tuple[Batch, Batch]:
        """Return the batch as two, for a request that turned out too large."""
        middle = len(self.items) // 2
        return (
            Batch(self.kind, self.items[:middle], self.first_row, self.refused),
            Batch(self.kind, self.items[middle:], self.first_row + middle, self.refused),
        )


def documents_of(documents: Iterable[Document] | DataFrameLike, column: str | None) -> Iterable[object]:
    """Return the documents of an iterable, the values of a mapping from id to document, or one column of a DataFrame.

    Raises:
        ValueError: a DataFrame without the column, or a column named where there is no DataFrame.
    """
    if isinstance(documents, DataFrameLike) and not isinstance(documents, Mapping):
        names = list(documents.columns)
        if column is None and len(names) == 1:
            column = names[0]
        if column not in names:
            named = f"{column!r} is none of them" if column is not None else "name one as column="
            raise ValueError(f"the DataFrame has the columns {', '.join(map(str, names))}: {named}")
        return documents[column]
    if column is not None:
        raise ValueError(f"column is {column!r}, but the documents are no DataFrame")
    if isinstance(documents, str | bytes):
        raise ValueError("documents is one string: give a list of documents")  # noqa: TRY004 - an iterable, after all
    return documents.values() if isinstance(documents, Mapping) else documents


def batches_of(
    documents: Iterable[object],
    *,
    max_documents: int = MAX_DOCUMENTS,
    max_bytes: int = MAX_BYTES,
    keep_refused: bool = False,
) -> Iterator[Batch]:
    """Yield the documents in batches, in order; nothing is read further ahead than one batch.

    Raises:
        ValueError: a document that is neither text nor counts, with its number; not with `keep_refused`, where its
            error stands in its place.
    """
    kind: Kind = DOCUMENTS
    items: list[str] = []
    refused: dict[int, TopicsError] = {}
    size, first_row = 0, 1
    for row, document in enumerate(documents, start=1):
        try:
            document_kind, item = _written(document, row)
        except ValueError as error:
            if not keep_refused:
                raise
            document_kind, item = kind, _NOTHING
            refused[row] = TopicsError(NOT_A_DOCUMENT, str(error), row=row)
        length = len(item) if item.isascii() else len(item.encode())
        if items and (document_kind != kind or len(items) >= max_documents or size + length > max_bytes):
            fault = refused.pop(row, None)
            yield Batch(kind, tuple(items), first_row, refused)
            items, size, first_row = [], 0, row
            refused = {} if fault is None else {row: fault}
        kind = document_kind
        items.append(item)
        size += length + 1
    if items:
        yield Batch(kind, tuple(items), first_row, refused)


def _written(document: object, row: int) -> tuple[Kind, str]:
    if isinstance(document, str):
        # Lone surrogates have no UTF-8, and JSON's escapes would only move the fault to the function.
        return DOCUMENTS, json.dumps(document, ensure_ascii=not _is_encodable(document))
    if isinstance(document, Mapping):
        return INSTANCES, _sparse(list(document.keys()), list(document.values()), row)
    indices, data = getattr(document, "indices", None), getattr(document, "data", None)
    if isinstance(indices, ArrayLike) and isinstance(data, ArrayLike):
        return INSTANCES, _sparse(indices.tolist(), data.tolist(), row)
    if isinstance(document, ArrayLike):
        document = document.tolist()
    if isinstance(document, Sequence) and not isinstance(document, bytes):
        return INSTANCES, json.dumps({"features": _numbers(list(document), row)})
    raise ValueError(f"document {row} is of type {type(document).__name__}: text or counts of words are needed")


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _sparse(keys: list[object], values: list[object], row: int) -> str:
    features = {"keys": _numbers(keys, row), "values": _numbers(values, row)}
    return json.dumps({"data": {"features": features}})


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def _numbers(values: list[object], row: int) -> list[int | float]:
    numbers: list[int | float] = []
    for value in values:
        number = value.item() if hasattr(value, "item") else value
        if isinstance(number, bool) or not isinstance(number, int | float) or not _is_finite(number):
            raise ValueError(f"document {row} has the count {value!r}, which is no finite number")
        numbers.append(number)
    return numbers
