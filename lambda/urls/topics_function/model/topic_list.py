"""The topics of a model: labels, words and shares, which the training pipeline publishes beside the artifact.

The model artifact itself is an archive that this function does not open: `topics.json` lies in the same folder.
"""

from __future__ import annotations

import json
import logging
import math
import threading
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from url_functions.limits import WEIGHT_BYTES
from url_functions.problems import Code, Problem
from url_functions.stored_objects import MissingObjectError, UnreadableObjectError, read_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from url_functions.in_service import InService
    from url_functions.ports import S3Client

TOPICS_FILE: Final = "topics.json"

logger = logging.getLogger(__name__)


class TopicsFileError(ValueError):
    """A topics file that is not what the pipeline writes."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: its share of the training corpus, and its strongest words with their weights."""

    id: int
    label: str
    share: float | None
    words: list[str]
    weights: list[float]


@dataclass(frozen=True)
class Topics:
    """All topics of a model in id order, and the mean of the training documents' topic weights."""

    topics: list[Topic]
    mean_weights: list[float] | None

    def most_answer_bytes(self, top: int) -> int:
        """Return the most that the strongest `top` topics of a document take in an answer, as Lambda carries it."""
        return self._most_answer_bytes[min(top, len(self.topics))]

    @cached_property
    def _most_answer_bytes(self) -> list[int]:
        listed = ({"id": topic.id, "label": topic.label, "weight": 0, "words": topic.words} for topic in self.topics)
        # The answer is JSON within Lambda's JSON.
        sizes = sorted((len(json.dumps(json.dumps(each))) + WEIGHT_BYTES for each in listed), reverse=True)
        return [0, *accumulate(sizes)]

    @classmethod
    def from_json(cls, data: bytes) -> Topics:
        """Read `topics.json`.

        Raises:
            TopicsFileError: says what is missing or wrong.
        """
        try:
            content = json.loads(data)
            topics = [_topic(entry, number) for number, entry in enumerate(content["topics"])]
            mean = content.get("mean_weights")
            if mean is not None and (len(mean) != len(topics) or not math.isfinite(math.fsum(mean))):
                raise TopicsFileError("mean_weights has not one finite weight a topic")
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise TopicsFileError(f"the topics file cannot be used: {type(error).__name__}: {error}") from None
        if not topics:
            raise TopicsFileError("the topics file has no topic")
        return cls(topics, mean)


def _topic(entry: dict[str, object], number: int) -> Topic:
    words, weights, share = entry["words"], entry.get("weights") or [], entry.get("share")
    if entry["id"] != number:
        raise TopicsFileError(f"topic {number} has the id {entry['id']!r}: ids count from 0 in order")
    if not isinstance(words, list) or not isinstance(weights, list) or not all(isinstance(word, str) for word in words):
        raise TopicsFileError(f"topic {number} has no list of words")
    if share is not None and not isinstance(share, int | float):
        raise TopicsFileError(f"topic {number} has a share that is no number")
    label = entry.get("label")
    return Topic(number, str(label) if label else ", ".join(words[:3]), share, words, [float(one) for one in weights])


class TopicStore:
    """The topics of the model in service, read as often as the facts are, since people give topics names.

    That there are none is remembered as well, and what was read stays in use while it cannot be read again.
    """

    def __init__(self, client: Callable[[], S3Client]) -> None:
        self._client = client
        self._artifact: str | None = None
        self._facts: InService | None = None
        self._topics: Topics | None = None
        self._lock = threading.Lock()

    def of(self, facts: InService) -> Topics:
        """Return the topics of a model.

        Raises:
            Problem: `topics_unknown` where none are published, `topics_unavailable` where they cannot be read.
        """
        with self._lock:
            if facts.artifact is None:
                raise _unknown("the record of the model in service names no artifact")
            if self._facts is not facts:
                try:
                    self._topics = self._load(facts.artifact)
                except Problem:
                    if self._artifact != facts.artifact:
                        raise
                self._artifact, self._facts = facts.artifact, facts
            if self._topics is None:
                raise _unknown("no topics are published beside the artifact of the model in service")
            return self._topics

    def kept(self, facts: InService) -> Topics | None:
        """Return the topics where they have been read already."""
        return self._topics if facts.artifact is not None and self._artifact == facts.artifact else None

    def _load(self, artifact: str) -> Topics | None:
        scheme, _, rest = artifact.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme != "s3" or not bucket or not key:
            raise _unknown("the record of the model in service names an artifact that is not in S3")
        folder = key.rpartition("/")[0]
        place = f"{folder}/{TOPICS_FILE}" if folder else TOPICS_FILE
        try:
            return Topics.from_json(read_object(self._client(), bucket, place))
        except (UnreadableObjectError, TopicsFileError) as error:
            logger.warning("topics_unreadable", extra={"key": place, "error": str(error)})
            if isinstance(error, MissingObjectError | TopicsFileError):
                return None
            raise _unreadable() from None


def _unknown(detail: str) -> Problem:
    return Problem(Code.TOPICS_UNKNOWN, detail, allowed="requests without top and empty=mean")


def _unreadable() -> Problem:
    return Problem(Code.TOPICS_UNAVAILABLE, "the topics of the model in service cannot be read at the moment")
