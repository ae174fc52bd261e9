"""The client itself: batches side by side, answers in order, retries where they can help."""

from __future__ import annotations

import random
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from topics_client import results, segmented, workers
from topics_client.batching import (
    MAX_BYTES,
    MAX_DOCUMENTS,
    URL_MAX_BYTES,
    Batch,
    DataFrameLike,
    Document,
    batches_of,
    documents_of,
)
from topics_client.calls import Calls
from topics_client.errors import TopicsError, of_answer
from topics_client.results import Prediction, Versions
from topics_client.transport import SignedTransport, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from concurrent.futures import Future

    import botocore.session

    from topics_client.results import Health, TopicList

TOO_LARGE: Final = 413
ERRORS: Final = "errors"

OnError = Literal["raise", "return"]
Empty = Literal["refuse", "mean"]


class TopicsClient:
    """Calls the topic model's URL. Safe to use from several threads.

    Args:
        url: of the function.
        region: of the function; None takes it from the URL or the AWS configuration.
        session: botocore's, for the credentials.
        signed: False for a URL of auth type NONE.
        via: connect to this address while signing for the URL's host; for the local cloud.
        parallel: most requests under way at once.
        max_attempts: most times one request is sent.
        max_documents: most documents in one request.
        transport: sends the requests, in place of the signed one.
        sleep, uniform: replaced in tests.
    """

    def __init__(
        self,
        url: str,
        *,
        region: str | None = None,
        session: botocore.session.Session | None = None,
        signed: bool = True,
        via: str | None = None,
        parallel: int = 4,
        max_attempts: int = 5,
        max_documents: int = MAX_DOCUMENTS,
        transport: Transport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        for name, value in (("parallel", parallel), ("max_attempts", max_attempts), ("max_documents", max_documents)):
            if value < 1:
                raise ValueError(f"{name} is {value}, where at least 1 is needed")
        self._calls = Calls(
            transport
            or SignedTransport(url, region=region, session=session, signed=signed, via=via, connections=parallel),
            max_attempts=max_attempts,
            sleep=sleep,
            uniform=uniform,
        )
        self._parallel = parallel
        self._max_documents = max_documents

    def score(
        self,
        documents: Iterable[Document] | DataFrameLike,
        *,
        column: str | None = None,
        top: int | None = None,
        on_error: OnError = "raise",
        empty: Empty = "refuse",
        corpus_version: str | None = None,
    ) -> list[Prediction]:
        """Return a prediction for each document, in order.

        Args:
            documents: texts or counts, any number of them; or a mapping from ids to them; or a DataFrame.
            column: the DataFrame's column that holds them.
            top: ask for so many of the strongest topics instead of all weights.
            on_error: `return` gives a faulty document a prediction with its `error`, and scores the others; one that is
                too large, None or NaN too.
            empty: `mean` gives a document without known words the mean of the training corpus.
            corpus_version: refuse to be answered by a model of another corpus.

        Raises:
            TopicsError: a request was refused; its `row` counts among all documents.
            ValueError: a document is neither text nor counts.
        """
        return list(
            self.stream(
                documents, column=column, top=top, on_error=on_error, empty=empty, corpus_version=corpus_version
            )
        )

    def stream(
        self,
        documents: Iterable[Document] | DataFrameLike,
        *,
        column: str | None = None,
        top: int | None = None,
        on_error: OnError = "raise",
        empty: Empty = "refuse",
        corpus_version: str | None = None,
    ) -> Generator[Prediction, None, None]:
        """Yield what `score` returns as it comes in, reading only a few batches ahead: for documents without end."""
        query = query_of(top=top, on_error=on_error, empty=empty)
        batches = batches_of(
            documents_of(documents, column),
            max_documents=self._max_documents,
            max_bytes=MAX_BYTES,
            keep_refused=on_error == "return",
        )
        under_way: deque[Future[list[Prediction]]] = deque()
        for batch in batches:
            under_way.append(workers.start(self.score_batch, batch, query, corpus_version))
            if len(under_way) >= self._parallel:
                yield from under_way.popleft().result()
        while under_way:
            yield from under_way.popleft().result()

    def score_batch(self, batch: Batch, query: Mapping[str, str], corpus_version: str | None) -> list[Prediction]:
        """Return the predictions of one batch.

        One that turns out too large for the URL is sent in halves; texts that are refused as unsegmented are sent again
        with their words parted.
        """
        try:
            predictions = self._predictions(batch, query, corpus_version)
        except TopicsError as error:
            if error.code != segmented.UNSEGMENTED_TEXT:
                raise
            # One text was named; all are asked for, so that the others stay as they are.
            answers = self._predictions(batch, {**query, **query_of(on_error="return")}, corpus_version)
            again, failures = segmented.parted_batch(batch, segmented.refusals_in(answers))
            if failures:
                raise failures[min(failures)] from None
            return self._predictions(again, query, corpus_version)
        refusals = segmented.refusals_in(predictions)
        if not refusals:
            return predictions
        again, failures = segmented.parted_batch(batch, refusals)
        if len(failures) < len(refusals):
            predictions = self._predictions(again, query, corpus_version)
        for place, failure in failures.items():
            predictions[place] = replace(predictions[place], error=failure)
        return predictions

    def _predictions(self, batch: Batch, query: Mapping[str, str], corpus_version: str | None) -> list[Prediction]:
        try:
            body = batch.body(corpus_version)
            if len(body) > URL_MAX_BYTES:
                raise of_answer(TOO_LARGE, {}, b"", batch.first_row)
            answer = self._calls.request("POST", "/", query, body, first_row=batch.first_row)
        except TopicsError as error:
            if error.status != TOO_LARGE:
                raise
            if len(batch.items) == 1:
                error.row = batch.first_row
                if ERRORS not in query:
                    raise
                return [Prediction(Versions(None, None), error=error)]
            first, second = batch.halves()
            return [
                *self._predictions(first, query, corpus_version),
                *self._predictions(second, query, corpus_version),
            ]
        predictions = results.predictions_of(
            answer.headers, answer.body, documents=len(batch.items), first_row=batch.first_row
        )
        return [
            Prediction(prediction.versions, error=batch.refused[row]) if row in batch.refused else prediction
            for row, prediction in enumerate(predictions, start=batch.first_row)
        ]

    def topics(self) -> TopicList:
        """Return the topics of the model in service."""
        answer = self._calls.request("GET", "/topics", {}, None)
        return results.topics_of(answer.headers, answer.body)

    def health(self, *, endpoint: bool = False) -> Health:
        """Return which model is in service; with `endpoint`, only after it has scored a document."""
        answer = self._calls.request("GET", "/health", {"endpoint": "true"} if endpoint else {}, None)
        return results.health_of(answer.headers, answer.body)


def query_of(*, top: int | None = None, on_error: OnError = "raise", empty: Empty = "refuse") -> dict[str, str]:
    """Return the query of a request for scoring."""
    query: dict[str, str] = {}
    if top is not None:
        query["top"] = str(top)
    if on_error == "return":
        query[ERRORS] = "per_row"
    if empty == "mean":
        query["empty"] = "mean"
    return query
