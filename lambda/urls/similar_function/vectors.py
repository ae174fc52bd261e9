"""The documents of one model in Amazon S3 Vectors: for more of them than a function's memory holds.

S3 Vectors finds the candidates; distances are computed here from their vectors, so that they are Hellinger's, and the
same as those of the index in memory.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from similar_function.places import LABEL
from similar_function.problems import SimilarCode, SimilarProblem
from similar_function.similar import (
    NEIGHBOURS,
    Similar,
    UnknownDocumentError,
    WrongTopicsError,
    hellinger,
    roots_of,
)
from url_functions.problems import Code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from similar_function.places import Published
    from url_functions.ports import StoredVector, VectorsClient

logger = logging.getLogger(__name__)

_NOT_ALLOWED: Final = frozenset({"AccessDeniedException", "AccessDenied"})
_THROTTLED: Final = frozenset({"TooManyRequestsException", "ThrottlingException"})


class VectorSearcher:
    """Searches the vector index of one model, which has the model's name; see `Searcher`."""

    def __init__(self, client: VectorsClient, bucket: str, published: Published) -> None:
        self._client = client
        self._bucket = bucket
        self._published = published
        self.model, self.corpus, self.documents = published.model, published.corpus, published.documents

    def of_document(self, name: str, number: int = NEIGHBOURS) -> list[Similar]:
        """Return the documents nearest to one of the index, itself left out."""
        found = self._get([name])
        if not found:
            raise UnknownDocumentError(name)
        near = self._nearest(found[0]["data"]["float32"], number + 1)
        return [similar for similar in near if similar.id != name][:number]

    def of_weights(self, weights: Sequence[float], number: int = NEIGHBOURS) -> list[Similar]:
        """Return the documents nearest to topic weights."""
        if len(weights) != self._published.topics:
            raise WrongTopicsError(
                f"there are {len(weights)} topic weights, where the index has {self._published.topics} topics"
            )
        return self._nearest(roots_of(weights), number)

    def _nearest(self, roots: list[float], number: int) -> list[Similar]:
        try:
            answer = self._client.query_vectors(
                vectorBucketName=self._bucket, indexName=self.model, topK=number, queryVector={"float32": roots}
            )
        except (ClientError, BotoCoreError) as error:
            raise self._problem(error) from None
        keys = [found["key"] for found in answer["vectors"]]
        near = [
            Similar(one["key"], one.get("metadata", {}).get(LABEL, ""), hellinger(roots, one["data"]["float32"]))
            for one in (self._get(keys) if keys else [])
        ]
        return sorted(near, key=lambda similar: similar.distance)

    def _get(self, keys: list[str]) -> list[StoredVector]:
        try:
            answer = self._client.get_vectors(
                vectorBucketName=self._bucket, indexName=self.model, keys=keys, returnData=True, returnMetadata=True
            )
        except (ClientError, BotoCoreError) as error:
            raise self._problem(error) from None
        return answer["vectors"]

    def _problem(self, error: ClientError | BotoCoreError) -> SimilarProblem:
        code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
        logger.warning("vectors_unreadable", extra={"index": self.model, "error": code or type(error).__name__})
        if code == "NotFoundException":
            detail = f"there is no vector index of model {self.model}, which is in service"
            return SimilarProblem(SimilarCode.INDEX_NOT_PUBLISHED, detail, retry_after_s=30)
        if code in _NOT_ALLOWED:
            return SimilarProblem(Code.SERVICE_MISCONFIGURED, "the function may not search the vector index")
        if code in _THROTTLED:
            return SimilarProblem(Code.THROTTLED, "the vector index is being searched too often")
        return SimilarProblem(SimilarCode.INDEX_UNAVAILABLE, "the vector index cannot be searched at the moment")
