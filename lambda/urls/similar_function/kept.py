"""One object of S3, read once and asked for changes after a while."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from similar_function.places import is_model
from similar_function.problems import SimilarCode, SimilarProblem
from url_functions.problems import Code
from url_functions.stored_objects import NOT_THERE

if TYPE_CHECKING:
    from collections.abc import Callable

    from url_functions.ports import VersionedS3Client

_NOT_MODIFIED: Final = frozenset({"304", "NotModified"})

logger = logging.getLogger(__name__)


class OfAModel(Protocol):
    """What an object tells, and of which model."""

    @property
    def model(self) -> str:
        """The version of the model."""
        ...


_Content = TypeVar("_Content", bound=OfAModel)


class KeptObject(Generic[_Content]):
    """The object of the model in service: a new one takes the place of the old within `ttl_s`.

    Args:
        client: gives the S3 client.
        bucket: where the objects are.
        key_of: names a model's object.
        read: makes its content of its bytes.
        max_bytes: most that it may take.
        ttl_s: seconds after which it is asked for changes.
    """

    def __init__(
        self,
        client: Callable[[], VersionedS3Client],
        bucket: str,
        *,
        key_of: Callable[[str], str],
        read: Callable[[bytes], _Content],
        max_bytes: int,
        ttl_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._key_of = key_of
        self._read = read
        self._max_bytes = max_bytes
        self._ttl_s = ttl_s
        self._clock = clock
        self._content: _Content | None = None
        self._etag = ""
        self._asked_at = 0.0
        self._lock = threading.Lock()

    def of(self, model: str) -> _Content:
        """Return the content of a model's object, never that of another model.

        Raises:
            SimilarProblem: there is none, it is of another model, or it cannot be read.
        """
        with self._lock:
            if self._content is not None and self._content.model != model:
                # Let go before the next is read: both need not fit into the memory.
                self._content, self._etag = None, ""
            if self._content is None or self._clock() - self._asked_at >= self._ttl_s:
                self._content = self._ask(model)
                self._asked_at = self._clock()
            return self._content

    def _ask(self, model: str) -> _Content:
        if not is_model(model):
            raise SimilarProblem(Code.SERVICE_MISCONFIGURED, "the model in service has a name that no key can have")
        key = self._key_of(model)
        try:
            condition = {"IfNoneMatch": self._etag} if self._content is not None else {}
            got = self._client().get_object(Bucket=self._bucket, Key=key, **condition)
            if got["ContentLength"] > self._max_bytes:
                raise _too_large(got["ContentLength"], self._max_bytes)
            content = self._read(got["Body"].read())
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if self._content is not None and code in _NOT_MODIFIED:
                return self._content
            if code not in NOT_THERE:
                logger.warning("index_unreadable", extra={"key": key, "error": code})
                if self._content is not None:
                    return self._content
                raise _unreadable() from None
            detail = f"no index of similar documents is published for model {model}, which is in service"
            raise SimilarProblem(SimilarCode.INDEX_NOT_PUBLISHED, detail, retry_after_s=30) from None
        except (BotoCoreError, OSError, ValueError) as error:
            logger.warning("index_unreadable", extra={"key": key, "error": f"{type(error).__name__}: {error}"})
            raise _unreadable() from None
        if content.model != model:
            detail = f"what is published for model {model}, which is in service, is of model {content.model[:63]}"
            raise SimilarProblem(SimilarCode.INDEX_OF_ANOTHER_MODEL, detail, retry_after_s=30)
        self._etag = got["ETag"]
        return content


def _unreadable() -> SimilarProblem:
    return SimilarProblem(SimilarCode.INDEX_UNAVAILABLE, "the index of the model in service cannot be read")


def _too_large(size: int, most: int) -> SimilarProblem:
    return SimilarProblem(
        Code.SERVICE_MISCONFIGURED,
        f"the index takes {size} bytes, and this function holds {most}",
        allowed="a larger similar.memory_mb, or the store s3-vectors",
    )
