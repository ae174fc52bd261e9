"""The training log: SageMaker's own line style, so that metric definitions made for the built-in find their numbers."""

from __future__ import annotations

import io
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training_scripts.ntm.learning.training import EpochReport


class JobLog:
    """Writes to standard output, which the service collects."""

    def __init__(self, host: str) -> None:
        """Log for the instance called `host`."""
        self._host = host
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A topic's words may be none that the container's locale has.
            sys.stdout.reconfigure(errors="backslashreplace")
        self._last = time.monotonic()

    def info(self, message: str) -> None:
        """Write one line."""
        stamp = datetime.now(UTC).strftime("%m/%d/%Y %H:%M:%S")
        sys.stdout.write(f"[{stamp} INFO] {message}\n")
        sys.stdout.flush()

    def metric(self, epoch: str, channel: str, name: str, value: float, remark: str = "") -> None:
        """Write one quality metric; a metric definition's expression ends at the blank after the number."""
        rest = f" {remark}" if remark else ""
        self.info(
            f"#quality_metric: host={self._host}, epoch={epoch}, {channel} {name} <{_unit(name)}>={value:.6g}{rest}"
        )

    def epoch(self, report: EpochReport) -> None:
        """Write one epoch's line."""
        now = time.monotonic()
        seconds, self._last = now - self._last, now
        train = report.train
        remark = f"reconstruction={train.reconstruction:.3f} kl={train.kl:.3f} seconds={seconds:.2f}"
        if report.validation is None:
            self.metric(str(report.epoch + 1), "train", "total_loss", train.total, remark)
            return
        remark = f"train_loss={train.total:.3f} {remark}" + (" best" if report.best else "")
        self.metric(str(report.epoch + 1), "validation", "total_loss", report.validation.total, remark)

    def topics(self, words: Sequence[Sequence[str]], scores: Sequence[Sequence[float]], heading: str) -> None:
        """Write the topics, one a line: its scores, then its words, as the built-in does."""
        self.info(f"Topics from epoch:final (num_topics:{len(words)}) [{heading}]:")
        for topic, row in enumerate(words):
            self.info(f"[{', '.join(f'{score:.2f}' for score in scores[topic])}] {' '.join(row)}")


def _unit(name: str) -> str:
    return "loss" if name.endswith("loss") else "score"
