"""What is watched: one line of CloudWatch's embedded metric format a request, which is its log line as well.

Numbers about documents, never their text: how many, how long, how much of them the vocabulary knows, how sure the
model is of their topics, and how far the topics asked for have moved from those trained on.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from url_functions.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from topics_function.model.answers import Weights
    from topics_function.model.inference import Result

SHIFT_WINDOW_DOCUMENTS: Final = 2000
"""Documents after which an earlier one weighs 1/e in the recent topics."""

SHIFT_LEAST_DOCUMENTS: Final = 200
"""Fewest documents for which the recent topics are reported."""

ENTROPY_DOCUMENTS: Final = 200
"""Documents of one request of which the entropy is taken, evenly over it: a logarithm a weight adds up."""

RETRY_TRAINED_MEAN_S: Final = 300.0
"""Time before the training mean, once it could not be had, is asked for again."""

UNITS: Final = {
    "Documents": "Count",
    "RefusedDocuments": "Count",
    "Refusals": "Count",
    "Latency": "Milliseconds",
    "RequestBytes": "Bytes",
    "EndpointCalls": "Count",
    "UnknownWordShare": "None",
    "TopicEntropy": "None",
    "TopicShift": "None",
    "TopicDocuments": "Count",
}


def entropy(weights: Weights) -> float:
    """Return the Shannon entropy of topic weights in nats: 0 for one topic alone, log(topics) for all alike."""
    total = sum(weights)
    if total <= 0:
        return 0.0
    return math.log(total) - sum(weight * math.log(weight) for weight in weights if weight > 0) / total


def shift(recent: Sequence[float], trained: Sequence[float]) -> float:
    """Return the Jensen-Shannon divergence of two topic distributions in bits: 0 for the same, 1 for none in common.

    Source: J. Lin, Divergence measures based on the Shannon entropy, IEEE Trans. Inf. Theory 37 (1991), 145-151.
    """
    first, second = _normalised(recent), _normalised(trained)
    middle = [(one + other) / 2 for one, other in zip(first, second, strict=True)]
    between = entropy(middle) - (entropy(first) + entropy(second)) / 2
    return max(0.0, between / math.log(2))


def _normalised(weights: Sequence[float]) -> list[float]:
    total = sum(weights)
    return [weight / total for weight in weights] if total > 0 else [1 / len(weights) for _ in weights]


class RecentTopics:
    """Decaying mean of topic weights over recent documents; reset when the model changes."""

    def __init__(self) -> None:
        self._model: str | None = None
        self._sums: list[float] = []
        self._documents = 0.0

    def add(self, model: str | None, rows: Sequence[Weights]) -> None:
        """Take in the weights of some documents."""
        if model != self._model or len(self._sums) != len(rows[0]):
            self._model, self._sums, self._documents = model, [0.0] * len(rows[0]), 0.0
        faded = math.exp(-len(rows) / SHIFT_WINDOW_DOCUMENTS)
        self._sums = [
            kept * faded + sum(column) for kept, column in zip(self._sums, zip(*rows, strict=True), strict=True)
        ]
        self._documents = self._documents * faded + len(rows)

    def mean(self) -> list[float] | None:
        """Return the mean, once enough documents have been seen."""
        if self._documents < SHIFT_LEAST_DOCUMENTS:
            return None
        return [value / self._documents for value in self._sums]


@dataclass(slots=True)
class Observation:
    """What is known of one request when it has been answered."""

    method: str = ""
    path: str = ""
    status: int = 0
    code: str | None = None
    content_type: str | None = None
    request_bytes: int = 0
    answer_bytes: int = 0
    result: Result | None = None


class Metrics:
    """Writes the line of each request.

    Args:
        trained_mean: gives the mean topic weights of the training corpus, None where they are not known.
        write: takes one line.
    """

    def __init__(
        self,
        *,
        namespace: str,
        endpoint: str,
        topic_metrics: bool,
        trained_mean: Callable[[], Sequence[float] | None],
        write: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._namespace = namespace
        self._endpoint = endpoint
        self._topic_metrics = topic_metrics
        self._trained_mean = trained_mean
        self._write = write
        self._clock = clock
        self._recent = RecentTopics()
        self._trained: Sequence[float] | None = None
        self._trained_of: str | None = None
        self._asked_at = 0.0

    def emit(self, seen: Observation, *, request_id: str | None, trace: str | None, latency_ms: float) -> None:
        """Write what is watched of one request."""
        values: dict[str, float] = {"Latency": round(latency_ms, 3), "RequestBytes": seen.request_bytes}
        dimensions = [["Endpoint"]]
        if seen.code is not None:
            values["Refusals"] = 1
            dimensions.append(["Endpoint", "Code"])
        result = seen.result
        if result is not None:
            values |= self._of_documents(result)
        fields: dict[str, object] = {
            "Endpoint": self._endpoint,
            "message": "request",
            "request_id": request_id,
            "trace": trace,
            "method": seen.method,
            "path": seen.path,
            "status": seen.status,
            "content_type": seen.content_type,
            "answer_bytes": seen.answer_bytes,
        }
        if seen.code is not None:
            fields["Code"] = seen.code
        if result is not None:
            fields |= {"model": result.versions.model, "corpus": result.versions.corpus}
        self._line(fields, values, dimensions)
        if result is not None and self._topic_metrics:
            self._topic_lines(result)

    def _of_documents(self, result: Result) -> dict[str, float]:
        rows = [
            row
            for index, row in enumerate(result.rows)
            if not isinstance(row, Problem) and index not in result.estimated
        ]
        values: dict[str, float] = {
            "Documents": len(rows),
            "RefusedDocuments": sum(isinstance(row, Problem) for row in result.rows),
            "EndpointCalls": result.calls,
        }
        share = result.unknown_word_share
        if share is not None:
            values["UnknownWordShare"] = round(share, 4)
        if rows:
            sample = rows[:: -(-len(rows) // ENTROPY_DOCUMENTS)]
            values["TopicEntropy"] = round(sum(map(entropy, sample)) / len(sample), 4)
            self._recent.add(result.versions.model, rows)
            recent = self._recent.mean()
            trained = self._trained_for(result.versions.model) if recent is not None else None
            if recent is not None and trained is not None and len(recent) == len(trained):
                values["TopicShift"] = round(shift(recent, trained), 4)
        return values

    def _trained_for(self, model: str | None) -> Sequence[float] | None:
        # Asked for seldom: it may be a call of S3, and the caller is waiting.
        unknown = self._trained is None and self._clock() - self._asked_at > RETRY_TRAINED_MEAN_S
        if model != self._trained_of or unknown:
            self._trained, self._trained_of, self._asked_at = self._trained_mean(), model, self._clock()
        return self._trained

    def _topic_lines(self, result: Result) -> None:
        counts: dict[int, int] = {}
        for index, row in enumerate(result.rows):
            if not isinstance(row, Problem) and index not in result.estimated:
                strongest = row.index(max(row))
                counts[strongest] = counts.get(strongest, 0) + 1
        for topic, documents in sorted(counts.items()):
            fields: dict[str, object] = {"Endpoint": self._endpoint, "Topic": str(topic)}
            self._line(fields, {"TopicDocuments": documents}, [["Endpoint", "Topic"]])

    def _line(self, fields: dict[str, object], values: dict[str, float], dimensions: list[list[str]]) -> None:
        directive = {
            "Namespace": self._namespace,
            "Dimensions": dimensions,
            "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in values],
        }
        timestamp = time.time_ns() // 1_000_000
        self._write(
            json.dumps({"_aws": {"Timestamp": timestamp, "CloudWatchMetrics": [directive]}, **fields, **values})
        )
