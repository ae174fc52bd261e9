"""The lines that a batch transform reads and writes: JSON Lines, each with its document's id. No third-party imports.

Batch transform joins an answer to its record only for CSV and JSON, and the built-in NTM answers no CSV. So a document
travels as `{"id": ..., "record": {"data": {"features": {...}}}}`: the input filter takes the record to the model, the
join lays the answer beside it, and the output filter keeps `{"id": ..., "SageMakerOutput": {"topic_weights": [...]}}`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

INPUT_FILTER: Final = "$.record"
OUTPUT_FILTER: Final = "$['id','SageMakerOutput']"


class RecordError(ValueError):
    """An output that is not that of a transform of such lines; one sentence."""


def encode(name: str, words: Sequence[int], counts: Sequence[float], *, feature_dim: int) -> bytes:
    """Return one document's line.

    Args:
        name: the document's id.
        words: ids of the words that occur.
        counts: how often each does.
        feature_dim: words of the vocabulary.
    """
    features = {"keys": list(words), "shape": [feature_dim], "values": list(counts)}
    line = {"id": name, "record": {"data": {"features": features}}}
    return json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def decode(output: bytes, *, where: str) -> Iterator[tuple[str, list[float]]]:
    """Yield each document's id and topic weights.

    Raises:
        RecordError: a line is something else; names `where` and the line.
    """
    for number, line in enumerate(output.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            yield record["id"], record["SageMakerOutput"]["topic_weights"]
        except (KeyError, TypeError, ValueError):
            raise RecordError(f"{where}, line {number} is no id with its topic weights: {line[:80]!r}") from None
