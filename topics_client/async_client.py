"""The client for `asyncio`: the same calls, each awaited.

Requests run in threads: neither botocore's signer nor its credentials know of event loops. The threads are none of the
loop's executor, which `asyncio.run` waits for: Ctrl-C ends the program while requests are under way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from topics_client import workers
from topics_client.batching import MAX_BYTES, MAX_DOCUMENTS, DataFrameLike, Document, batches_of, documents_of
from topics_client.client import Empty, OnError, TopicsClient, query_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from topics_client.results import Health, Prediction, TopicList


class AsyncTopicsClient:
    """Calls the topic model's URL from a running event loop.

    Args:
        client: what sends the requests; see `TopicsClient` for its settings.
        parallel: most requests under way at once.
        max_documents: most documents in one request.
    """

    def __init__(self, client: TopicsClient, *, parallel: int = 4, max_documents: int = MAX_DOCUMENTS) -> None:
        for name, value in (("parallel", parallel), ("max_documents", max_documents)):
            if value < 1:
                raise ValueError(f"{name} is {value}, where at least 1 is needed")
        self._client = client
        self._parallel = parallel
        self._max_documents = max_documents

    async def score(
        self,
        documents: Iterable[Document] | DataFrameLike,
        *,
        column: str | None = None,
        top: int | None = None,
        on_error: OnError = "raise",
        empty: Empty = "refuse",
        corpus_version: str | None = None,
    ) -> list[Prediction]:
        """Return a prediction for each document, in order; arguments and errors as of `TopicsClient.score`."""
        predictions = self.stream(
            documents, column=column, top=top, on_error=on_error, empty=empty, corpus_version=corpus_version
        )
        return [prediction async for prediction in predictions]

    async def stream(
        self,
        documents: Iterable[Document] | DataFrameLike,
        *,
        column: str | None = None,
        top: int | None = None,
        on_error: OnError = "raise",
        empty: Empty = "refuse",
        corpus_version: str | None = None,
    ) -> AsyncIterator[Prediction]:
        """Yield what `score` returns as it comes in, reading only a few batches ahead."""
        query = query_of(top=top, on_error=on_error, empty=empty)
        batches = batches_of(
            documents_of(documents, column),
            max_documents=self._max_documents,
            max_bytes=MAX_BYTES,
            keep_refused=on_error == "return",
        )
        under_way: deque[asyncio.Future[list[Prediction]]] = deque()
        try:
            for batch in batches:
                call = workers.start(self._client.score_batch, batch, query, corpus_version)
                under_way.append(asyncio.wrap_future(call))
                if len(under_way) >= self._parallel:
                    for prediction in await under_way.popleft():
                        yield prediction
            while under_way:
                for prediction in await under_way.popleft():
                    yield prediction
        finally:
            for call_under_way in under_way:
                call_under_way.cancel()

    async def topics(self) -> TopicList:
        """Return the topics of the model in service."""
        return await asyncio.wrap_future(workers.start(self._client.topics))

    async def health(self, *, endpoint: bool = False) -> Health:
        """Return which model is in service; with `endpoint`, only after it has scored a document."""
        return await asyncio.wrap_future(workers.start(self._client.health, endpoint=endpoint))
