"""The training log: SageMaker's own line style, so that metric definitions made for the built-in find their numbers."""

from __future__ import annotations

import json
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
        self._last = time.time()
        self._records = 0

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
        """Write one epoch's lines."""
        began, self._last = self._last, time.time()
        # A clock that is put back must not end the job.
        seconds = max(self._last - began, 1e-6)
        self._epoch_losses(report, seconds)
        self.progress(100 * report.completed)
        self._records += report.records
        self._metrics(began, report)
        self.info(f"#throughput_metric: host={self._host}, train throughput={report.records / seconds} records/second")

    def progress(self, percent: float) -> None:
        """Write how much of the training is done."""
        self.info(f"#progress_metric: host={self._host}, completed {percent:.4g} % of epochs")

    def _metrics(self, began: float, report: EpochReport) -> None:
        """Write the line for programs: of the built-in's, what is known here."""
        numbers = {
            "Total Records Seen": self._records,
            "Number of Records Since Last Reset": report.records,
            "update.time": 1000 * (self._last - began),
        }
        document = {
            "StartTime": began,
            "EndTime": self._last,
            "Dimensions": {
                "Algorithm": "AWS/NTM",
                "Host": self._host,
                "Operation": "training",
                "epoch": report.epoch,
                "Meta": "training_data_iter",
            },
            "Metrics": {
                name: {"sum": float(number), "count": 1, "min": number, "max": number}
                for name, number in numbers.items()
            },
        }
        sys.stdout.write(f"#metrics {json.dumps(document)}\n")
        sys.stdout.flush()

    def _epoch_losses(self, report: EpochReport, seconds: float) -> None:
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
