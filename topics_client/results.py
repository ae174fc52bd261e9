"""Answers, typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from topics_client.answers import UNREADABLE, items, json_of, members, number, number_or_none, text, whole
from topics_client.errors import NOT_AN_ANSWER, TopicsError, of_problem

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Versions:
    """Which model answered, and on which corpus it was trained."""

    model: str | None
    corpus: str | None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Versions:
        """Read the headers of an answer."""
        return cls(headers.get("x-model-version"), headers.get("x-corpus-version"))


@dataclass(frozen=True, slots=True)
class TopicWeight:
    """One of a document's strongest topics."""

    id: int
    label: str
    weight: float
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is known of one document.

    Attributes:
        weights: weight of each topic, in id order; None where only the strongest were asked for.
        topics: the strongest topics, strongest first; None where all weights were asked for.
        error: why this document got no weights; None where it got them.
        unknown_word_share: share of its words that the vocabulary does not know; None for counts.
        estimated: whether it got the mean of the training corpus, having no known word.
        versions: the model that answered. Topics of different models are not the same topics.
    """

    versions: Versions
    weights: tuple[float, ...] | None = None
    topics: tuple[TopicWeight, ...] | None = None
    error: TopicsError | None = None
    unknown_word_share: float | None = None
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of the model: its share of the training corpus, and its strongest words."""

    id: int
    label: str
    share: float | None
    words: tuple[str, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class TopicList:
    """All topics of the model in service."""

    versions: Versions
    topics: tuple[Topic, ...]


@dataclass(frozen=True, slots=True)
class Health:
    """The model in service, and whether its endpoint was called to see."""

    versions: Versions
    feature_dim: int
    algorithm: str
    endpoint_called: bool


def predictions_of(headers: Mapping[str, str], body: bytes, *, documents: int, first_row: int) -> list[Prediction]:
    """Read the answer to a request of `documents` documents, of which the first is number `first_row` of all.

    Raises:
        TopicsError: `not_an_answer`, where it has another form or number of predictions.
    """
    versions = Versions.of(headers)
    try:
        rows = items(members(json_of(body))["predictions"])
        predictions = [_prediction(members(one), versions, first_row) for one in rows]
    except UNREADABLE as error:
        raise unreadable(error) from None
    if len(predictions) != documents:
        raise _not_an_answer(f"has {len(predictions)} predictions for {documents} documents")
    return predictions


def _prediction(told: dict[str, object], versions: Versions, first_row: int) -> Prediction:
    weights, topics, error = told.get("topic_weights"), told.get("topics"), told.get("error")
    if weights is None and topics is None and error is None:
        raise KeyError("topic_weights")
    return Prediction(
        versions=versions,
        weights=None if weights is None else tuple(map(number, items(weights))),
        topics=None if topics is None else tuple(_strongest(members(one)) for one in items(topics)),
        error=None if error is None else of_problem(members(error), first_row),
        unknown_word_share=number_or_none(told.get("unknown_word_share")),
        estimated="estimated" in told,
    )


def _strongest(told: dict[str, object]) -> TopicWeight:
    words = tuple(map(text, items(told["words"])))
    return TopicWeight(whole(told["id"]), text(told["label"]), number(told["weight"]), words)


def topics_of(headers: Mapping[str, str], body: bytes) -> TopicList:
    """Read the answer of GET /topics."""
    try:
        topics = tuple(_topic(members(one)) for one in items(members(json_of(body))["topics"]))
    except UNREADABLE as error:
        raise unreadable(error) from None
    return TopicList(Versions.of(headers), topics)


def _topic(told: dict[str, object]) -> Topic:
    return Topic(
        whole(told["id"]),
        text(told["label"]),
        number_or_none(told["share"]),
        tuple(map(text, items(told["words"]))),
        tuple(map(number, items(told["weights"]))),
    )


def health_of(headers: Mapping[str, str], body: bytes) -> Health:
    """Read the answer of GET /health."""
    try:
        health = members(json_of(body))
        feature_dim, algorithm = whole(health["feature_dim"]), text(health["algorithm"])
        return Health(Versions.of(headers), feature_dim, algorithm, health["endpoint_called"] is True)
    except UNREADABLE as error:
        raise unreadable(error) from None


def unreadable(error: Exception) -> TopicsError:
    """Return the error of an answer that has another form than it should."""
    return _not_an_answer(f"cannot be read: {type(error).__name__}")


def _not_an_answer(what: str) -> TopicsError:
    return TopicsError(NOT_AN_ANSWER, f"the answer {what}", retry=True)
