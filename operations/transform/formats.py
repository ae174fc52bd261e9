"""How documents travel to a batch transform and back: with their ids, or by order beside a manifest of them.

For sparse documents the page of the built-in NTM names RecordIO and JSON, and not JSON Lines: RecordIO is the default.
With it and with CSV, the n-th line of an output is the answer to the n-th record of its input. SageMaker joins an
answer to its record for JSON only (CSV too, but NTM answers no CSV), so JSON Lines carry ids.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from stacks.serving.transform.transform_records import RecordError, decode, encode
from training_scripts import recordio
from training_scripts.content_types import APPLICATION_JSONLINES, RECORDIO_PROTOBUF, TEXT_CSV

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_BYTES_A_WORD: Final = 12
_BYTES_A_CELL: Final = 2
_ROWS_AT_A_TIME: Final = 256


@dataclass(frozen=True)
class Format:
    """One way to send documents.

    Attributes:
        name: as the command's option has it.
        content_type: of the input.
        split_type: how SageMaker takes an object apart.
        extension: of the input's files.
        keyed: whether an answer carries its document's id; otherwise it is told by its place.
        body: a file of documents, from their ids and counts.
        size: about how large the file of such counts is.
    """

    name: str
    content_type: str
    split_type: str
    extension: str
    keyed: bool
    body: Callable[[Sequence[str], csr_matrix], bytes]
    size: Callable[[csr_matrix], int]

    def answers(self, output: bytes, names: Sequence[str], *, where: str) -> Iterator[tuple[str, list[float]]]:
        """Yield the id and the topic weights of each document in an output.

        Args:
            output: a file that the transform wrote.
            names: of the documents in its input, in their order.
            where: the output's address, for what is said of faults.

        Raises:
            RecordError: a line is no answer, or there are not as many as documents.
        """
        if self.keyed:
            yield from decode(output, where=where)
            return
        yield from zip(names, ordered_weights(output, len(names), where=where), strict=True)


def ordered_weights(output: bytes, documents: int, *, where: str) -> list[list[float]]:
    """Return the topic weights of an output that goes by order.

    Raises:
        RecordError: a line is no answer, or there are not as many as `documents`.
    """
    lines = [line for line in output.split(b"\n") if line.strip()]
    if len(lines) != documents:
        raise RecordError(f"{where} has {len(lines)} answers for {documents} documents")
    weights = []
    for number, line in enumerate(lines, start=1):
        try:
            weights.append(json.loads(line)["topic_weights"])
        except (KeyError, TypeError, ValueError):
            raise RecordError(f"{where}, line {number} is no answer with topic weights: {line[:80]!r}") from None
    return weights


def _json_lines(names: Sequence[str], counts: csr_matrix) -> bytes:
    rows = []
    for row, name in enumerate(names):
        begin, end = counts.indptr[row], counts.indptr[row + 1]
        values = counts.data[begin:end]
        whole = values.astype(np.int64)
        # Counts are whole numbers nearly always, and those are written shorter.
        weights = whole.tolist() if np.array_equal(whole, values) else values.tolist()
        rows.append(encode(name, counts.indices[begin:end].tolist(), weights, feature_dim=counts.shape[1]))
    return b"".join(rows)


def _records(_names: Sequence[str], counts: csr_matrix) -> bytes:
    stream = io.BytesIO()
    recordio.write_sparse(stream, counts)
    return stream.getvalue()


def _rows(_names: Sequence[str], counts: csr_matrix) -> bytes:
    stream = io.BytesIO()
    for first in range(0, counts.shape[0], _ROWS_AT_A_TIME):
        np.savetxt(stream, counts[first : first + _ROWS_AT_A_TIME].toarray(), delimiter=",", fmt="%.9g")
    return stream.getvalue()


JSON_LINES: Final = Format(
    "jsonlines", APPLICATION_JSONLINES, "Line", "jsonl", keyed=True, body=_json_lines,
    size=lambda counts: int(counts.nnz) * _BYTES_A_WORD,
)  # fmt: skip
DEFAULT: Final = Format(
    "recordio", RECORDIO_PROTOBUF, "RecordIO", "pbr", keyed=False, body=_records,
    size=lambda counts: int(counts.nnz) * _BYTES_A_WORD,
)  # fmt: skip
FORMATS: Final = {
    form.name: form
    for form in (
        DEFAULT,
        JSON_LINES,
        Format(
            "csv", TEXT_CSV, "Line", "csv", keyed=False, body=_rows,
            size=lambda counts: int(counts.shape[0]) * int(counts.shape[1]) * _BYTES_A_CELL,
        ),
    )
}  # fmt: skip
