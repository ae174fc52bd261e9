"""Client of the URL that finds documents of similar topics."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from topics_client import segmented
from topics_client.answers import UNREADABLE, items, json_of, members, number, number_or_none, text
from topics_client.calls import Calls
from topics_client.errors import TopicsError
from topics_client.results import Versions, unreadable
from topics_client.transport import SignedTransport, Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    import botocore.session

    from topics_client.transport import Answer


@dataclass(frozen=True, slots=True)
class SimilarDocument:
    """A document and how far it is: Hellinger, 0 for the same topics, 1 for none in common."""

    id: str
    label: str
    distance: float


@dataclass(frozen=True, slots=True)
class SimilarDocuments:
    """The nearest documents, nearest first, and the model that gave the topic weights of all of them.

    Attributes:
        versions: of the model.
        documents: the nearest.
        unknown_word_share: share of a raw document's words that the vocabulary does not know; None for an id.
    """

    versions: Versions
    documents: tuple[SimilarDocument, ...]
    unknown_word_share: float | None = None


class SimilarClient:
    """Calls the URL for similar documents. Safe to use from several threads.

    Args:
        url: of the function for similar documents, which is not that of the topics.
        region: of the function; None takes it from the URL or the AWS configuration.
        session: botocore's, for the credentials.
        via: connect to this address while signing for the URL's host; for the local cloud.
        max_attempts: most times one request is sent.
        transport: sends the requests, in place of the signed one.
        sleep, uniform: replaced in tests.
    """

    def __init__(
        self,
        url: str,
        *,
        region: str | None = None,
        session: botocore.session.Session | None = None,
        via: str | None = None,
        max_attempts: int = 5,
        transport: Transport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        if max_attempts < 1:
            raise ValueError(f"max_attempts is {max_attempts}, where at least 1 is needed")
        self._calls = Calls(
            transport or SignedTransport(url, region=region, session=session, via=via),
            max_attempts=max_attempts,
            sleep=sleep,
            uniform=uniform,
        )

    def similar(self, name: str, *, number: int | None = None) -> SimilarDocuments:
        """Return the documents most like one of the index.

        Args:
            name: its id.
            number: how many; None for the function's own default.

        Raises:
            TopicsError: `unknown_document`, or another refusal.
        """
        return _found(self._calls.request("GET", "/similar", {"id": name, **_query(number)}, None))

    def similar_to(self, document: str, *, number: int | None = None) -> SimilarDocuments:
        """Return the documents most like a raw document; one that is refused as unsegmented is sent again, parted.

        Raises:
            TopicsError: `no_known_words`, or another refusal.
        """
        try:
            return self._similar_to(document, number)
        except TopicsError as error:
            if error.code != segmented.UNSEGMENTED_TEXT:
                raise
            return self._similar_to(segmented.parted(document, error), number)

    def _similar_to(self, document: str, number: int | None) -> SimilarDocuments:
        body = json.dumps({"document": document}).encode()
        return _found(self._calls.request("POST", "/similar", _query(number), body))


def _query(number: int | None) -> dict[str, str]:
    return {} if number is None else {"number": str(number)}


def _found(answer: Answer) -> SimilarDocuments:
    try:
        body = members(json_of(answer.body))
        documents = tuple(_document(members(one)) for one in items(body["similar"]))
        share = number_or_none(body.get("unknown_word_share"))
        return SimilarDocuments(Versions.of(answer.headers), documents, share)
    except UNREADABLE as error:
        raise unreadable(error) from None


def _document(told: dict[str, object]) -> SimilarDocument:
    return SimilarDocument(text(told["id"]), text(told["label"]), number(told["distance"]))
