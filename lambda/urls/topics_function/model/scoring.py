"""Records to topic weights: one call where they fit in one, else several side by side, answered in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from topics_function.model import answers
from topics_function.model.endpoint import Answered, Endpoint, ModelRefusalError
from topics_function.reading.batch import calls_of
from url_functions.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future, ThreadPoolExecutor

    from topics_function.model.answers import Predictions
    from url_functions.deadline import Deadline
    from url_functions.versions import Versions


@dataclass(frozen=True, slots=True)
class Scored:
    """Predictions of all rows, in order, all of one model."""

    predictions: Predictions
    versions: Versions
    calls: int


class MixedVersionsError(Exception):
    """Parts of one request were answered by different models: their topics do not mean the same."""


class Scorer:
    """Has records scored by the endpoint.

    Args:
        max_payload_bytes: largest body of one call.
        max_parallel_calls: most calls under way for one request.
    """

    def __init__(self, endpoint: Endpoint, *, max_payload_bytes: int, max_parallel_calls: int) -> None:
        self._endpoint = endpoint
        self._max_payload_bytes = max_payload_bytes
        self._max_parallel_calls = max_parallel_calls
        self._workers: ThreadPoolExecutor | None = None

    def score(self, rows: Sequence[bytes], deadline: Deadline, *, raw: bool = False) -> Scored:
        """Return the topic weights of `rows`; `raw`: as the model has them.

        Raises:
            Problem: of the first call that failed; its row counts in the whole request.
            MixedVersionsError: the calls met different models.
        """
        runs = list(calls_of(rows, max_bytes=self._max_payload_bytes))
        for start, _ in runs:
            if len(rows[start]) > self._max_payload_bytes:
                raise Problem(
                    Code.ROW_TOO_LARGE,
                    f"document {start + 1} takes {len(rows[start])} bytes on its way to the endpoint",
                    row=start + 1,
                    allowed=f"{self._max_payload_bytes} bytes a document",
                )
        if len(runs) == 1:
            parts = [self._call(rows, 0, len(rows), deadline, raw=raw)]
        else:
            parts = self._call_side_by_side(rows, runs, deadline, raw=raw)
        if any(part.versions != parts[0].versions for part in parts):
            raise MixedVersionsError
        return Scored(answers.joined([part.predictions for part in parts]), parts[0].versions, len(parts))

    def _call_side_by_side(
        self, rows: Sequence[bytes], runs: list[tuple[int, int]], deadline: Deadline, *, raw: bool
    ) -> list[Answered]:
        if self._workers is None:
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - most requests fit in one call

            self._workers = ThreadPoolExecutor(self._max_parallel_calls, thread_name_prefix="endpoint")
        calls: list[Future[Answered]] = [
            self._workers.submit(self._call, rows, start, end, deadline, raw=raw) for start, end in runs
        ]
        try:
            # Each call ends before the deadline by itself, so waiting needs no limit of its own.
            return [call.result() for call in calls]
        finally:
            for call in calls:
                call.cancel()

    def _call(self, rows: Sequence[bytes], start: int, end: int, deadline: Deadline, *, raw: bool) -> Answered:
        try:
            return self._endpoint.invoke(b"".join(rows[start:end]), rows=end - start, deadline=deadline, raw=raw)
        except ModelRefusalError as refusal:
            if refusal.row is not None:
                refusal.row += start
            raise
