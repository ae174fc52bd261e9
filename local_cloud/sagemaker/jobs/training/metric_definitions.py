"""Metrics read out of a training job's log by the regular expressions that it, or its algorithm, names."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence

from local_cloud.sagemaker.shared import images
from local_cloud.shared.service_errors import validation_error
from local_cloud.shared.wire import JsonObject, Node

OF_NTM: Sequence[JsonObject] = (
    {
        "Name": "validation:total_loss",
        "Regex": r"#quality_metric: host=\S+, epoch=\S+, validation total_loss <loss>=(\S+)",
    },
)
"""The one metric that AWS documents of NTM, by the line that it logs.

https://docs.aws.amazon.com/sagemaker/latest/dg/ntm-tuning.html names it; the line is recorded in
https://github.com/aws/amazon-sagemaker-examples/blob/b605faa28/introduction_to_applying_machine_learning/ntm_20newsgroups_topic_modeling/ntm_20newsgroups_topic_model.ipynb
"""


def described(specification: Node) -> JsonObject:
    """Return an AlgorithmSpecification as the service tells it: a built-in's with its own metrics."""
    if images.repository(specification.text("TrainingImage")) != images.NTM:
        return specification.values
    return {**specification.values, "MetricDefinitions": list(OF_NTM)}


class MetricScan:
    """The last value of each metric in what a job's containers print."""

    def __init__(self, patterns: Mapping[str, re.Pattern[str]]) -> None:
        self._patterns = patterns
        self._last: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    @classmethod
    def of(cls, specification: Node) -> MetricScan:
        """Read the MetricDefinitions of an AlgorithmSpecification.

        Raises:
            ServiceError: one is no regular expression, or has no group for the value.
        """
        patterns: dict[str, re.Pattern[str]] = {}
        for item in Node(described(specification)).nodes("MetricDefinitions"):
            name, text = item.text("Name"), item.text("Regex")
            try:
                pattern = re.compile(text)
            except (re.error, RecursionError, OverflowError) as error:
                raise validation_error(
                    f"The regular expression of metric {name}, {text!r}, is invalid: {error}."
                ) from None
            if pattern.groups < 1:
                raise validation_error(
                    f"The regular expression of metric {name}, {text!r}, has no group for its value."
                )
            patterns[name] = pattern
        return cls(patterns)

    def read(self, lines: Sequence[tuple[int, str]]) -> list[tuple[str, float, float]]:
        """Return each value in some lines: its metric, itself, its time in epoch seconds.

        Args:
            lines: each with its time in epoch milliseconds.
        """
        points: list[tuple[str, float, float]] = []
        for stamp, line in lines if self._patterns else ():
            for name, pattern in self._patterns.items():
                match = pattern.search(line)
                value = _number(match[1]) if match else None
                if value is not None:
                    points.append((name, value, stamp / 1000))
        with self._lock:
            self._last |= {name: (value, at) for name, value, at in points}
        return points

    def last(self) -> dict[str, tuple[float, float]]:
        """Return the last value of each metric that was seen, with its time in epoch seconds."""
        with self._lock:
            return dict(self._last)


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
