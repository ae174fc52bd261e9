"""From counts or documents to topic weights, all of one model, and of the vocabulary they were counted with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from topics_function.model.endpoint import ModelRefusalError
from topics_function.model.scoring import MixedVersionsError, Scored, Scorer
from topics_function.reading import records
from topics_function.reading.readers import Counts, Documents, Rows
from url_functions.in_service import OPEN, InService, InServiceFacts
from url_functions.limits import ROW_BYTES, URL_PAYLOAD_BYTES, WEIGHT_BYTES
from url_functions.options import SERVED, WEIGHTS
from url_functions.problems import Code, Problem
from url_functions.versions import Versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics_function.model.answers import Weights
    from topics_function.model.endpoint_state import EndpointState
    from topics_function.model.topic_list import Topics
    from topics_function.reading.vectorizer import Counted, Vocabulary
    from url_functions.deadline import Deadline
    from url_functions.options import ScoringOptions

MAX_VERSION_ATTEMPTS: Final = 12
"""Times a request is scored before its caller is told to come again, where each time another model answers than the one
its documents were counted for. While two fleets share the traffic evenly, one request in 4,096 meets that."""
MAX_MIXED_ATTEMPTS: Final = 3
"""The same where a request of several calls is answered by two models: each attempt is as much work again."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a request for scoring came to.

    Attributes:
        rows: weights or problem of each document, in the request's order.
        versions: of the model that gave the weights.
        counted: how each document's words were counted, for raw documents.
        estimated: indices of documents that got the corpus's mean.
        json_body: the endpoint's own JSON, where it is the whole answer as it stands.
        topics: of the model, where the caller asked for the strongest.
        calls: calls of the endpoint.
    """

    rows: list[Weights | Problem]
    versions: Versions
    counted: list[Counted | None] | None = None
    estimated: frozenset[int] = field(default_factory=frozenset)
    json_body: str | None = None
    topics: Topics | None = None
    calls: int = 0

    @property
    def unknown_word_share(self) -> float | None:
        """Share of all documents' words, stop words left out, that the vocabulary does not know; None for counts."""
        if self.counted is None:
            return None
        words = sum(one.words for one in self.counted if one is not None)
        known = sum(one.known for one in self.counted if one is not None)
        return 1 - known / words if words else 1.0


@dataclass(frozen=True, slots=True)
class _Prepared:
    rows: Rows
    counted: list[Counted | None] | None
    corpus: str


class _AnotherCorpusError(Exception):
    """The rows have to be counted or checked anew, for this corpus."""

    def __init__(self, corpus: str | None) -> None:
        super().__init__(corpus)
        self.corpus = corpus


class Inference:
    """Scores requests with the model in service.

    Args:
        vocabulary_of: gives the vocabulary of a corpus version.
        topics_of: gives the topics of the model in service.
        endpoint_state: gives the state of the endpoint; made only where the container names no version.
    """

    def __init__(
        self,
        facts: InServiceFacts,
        scorer: Scorer,
        *,
        vocabulary_of: Callable[[str], Vocabulary],
        topics_of: Callable[[InService], Topics],
        endpoint_state: Callable[[], EndpointState],
    ) -> None:
        self._facts = facts
        self._scorer = scorer
        self._vocabulary_of = vocabulary_of
        self._topics_of = topics_of
        self._endpoint_state = endpoint_state
        self._topic_numbers: dict[str, int] = {}

    def score(self, source: Counts | Documents, options: ScoringOptions, deadline: Deadline) -> Result:
        """Return the topic weights of each document of a request.

        Raises:
            Problem: nothing was scored, or the whole request has to be sent again.
        """
        wanted = _corpus_version(source, options)
        facts = self._facts_for(wanted)
        corpus = facts.corpus
        mixed = 0
        for _ in range(MAX_VERSION_ATTEMPTS):
            try:
                return self._try(source, options, facts, corpus, deadline)
            except MixedVersionsError:
                mixed += 1
                if mixed == MAX_MIXED_ATTEMPTS:
                    break
            except _AnotherCorpusError as another:
                facts = self._facts.refreshed()
                corpus = another.corpus or facts.corpus
                if wanted not in (None, corpus):
                    raise _mismatch(corpus) from None
        raise changing()

    def probe(self, facts: InService, deadline: Deadline) -> Versions:
        """Have one document of one word scored, and return the versions that did it.

        Raises:
            Problem: what a request for scoring would meet now.
        """
        try:
            scored = self._scorer.score([records.of_counts([0], [1], facts.feature_dim)], deadline)
        except ModelRefusalError:
            raise changing() from None
        return scored.versions.or_else(facts)

    def _facts_for(self, wanted: str | None) -> InService:
        facts = self._facts.current()
        if wanted not in (None, facts.corpus):
            facts = self._facts.confirmed()
            if wanted != facts.corpus:
                raise _mismatch(facts.corpus)
        return facts

    def _try(
        self, source: Counts | Documents, options: ScoringOptions, facts: InService, corpus: str, deadline: Deadline
    ) -> Result:
        if options.raw_weights and facts.algorithm != OPEN:
            detail = "the built-in algorithm has one kind of weights, and they are served as it gives them"
            raise Problem(Code.INVALID_PARAMETER, detail, parameter=WEIGHTS, allowed=SERVED)
        prepared = self._prepare(source, facts, corpus)
        sound = _sound_rows(prepared.rows, options)
        topics = self._topics_of(facts) if options.top is not None or _needs_mean(prepared.rows, options) else None
        if not sound:
            return _result(None, Versions().or_else(facts), prepared, options, topics)
        self._refuse_large_answer(len(prepared.rows), facts, topics, options)
        try:
            scored = self._scorer.score(sound, deadline, raw=options.raw_weights)
        except ModelRefusalError as refusal:
            counted_for = _corpus_version(source, options)
            raise self._read_refusal(refusal, source, counted_for, prepared, facts) from None
        self._check_versions(scored.versions, source, prepared, facts, options)
        versions = scored.versions.or_else(facts)
        if topics is not None and versions.model not in (None, facts.model):
            # The topics at hand are those of another model.
            raise _AnotherCorpusError(versions.corpus)
        number = len(scored.predictions.weights[0])
        self._topic_numbers = {versions.model or facts.model: number}
        if topics is not None and len(topics.topics) != number:
            detail = f"the model has {number} topics, and {len(topics.topics)} are published for it"
            raise Problem(Code.TOPICS_UNKNOWN, detail, allowed="requests without top and empty=mean")
        return _result(scored, versions, prepared, options, topics)

    def _prepare(self, source: Counts | Documents, facts: InService, corpus: str) -> _Prepared:
        if isinstance(source, Documents):
            from topics_function.reading.vectorizer import document_rows  # noqa: PLC0415 - counts never need it

            rows, counted = document_rows(source.texts, self._vocabulary_of(corpus), source.pointer_of)
            return _Prepared(rows, counted, corpus)
        rows = source.rows_of(facts.feature_dim)
        if any(isinstance(row, Problem) and row.code == Code.WRONG_WIDTH for row in rows):
            # The width may be that of a model promoted a moment ago.
            fresh = self._facts.confirmed()
            if fresh.feature_dim != facts.feature_dim:
                raise _AnotherCorpusError(fresh.corpus)
        return _Prepared(rows, None, facts.corpus)

    def _check_versions(
        self,
        versions: Versions,
        source: Counts | Documents,
        prepared: _Prepared,
        facts: InService,
        options: ScoringOptions,
    ) -> None:
        """Refuse weights of another model than the one the rows were counted for, or of one that nothing names."""
        if isinstance(source, Counts) and _corpus_version(source, options) is None:
            return
        if versions.corpus is not None:
            if versions.corpus != prepared.corpus:
                raise _AnotherCorpusError(versions.corpus)
            return
        if facts.algorithm == OPEN:
            detail = (
                "the endpoint's container does not name the corpus of its model, so documents cannot be trusted to it"
            )
            raise Problem(Code.SERVICE_MISCONFIGURED, detail)
        if not self._endpoint_state().serves(facts):
            if self._facts.refreshed() != facts:
                raise _AnotherCorpusError(None)
            raise changing()

    def _read_refusal(
        self,
        refusal: ModelRefusalError,
        source: Counts | Documents,
        counted_for: str | None,
        prepared: _Prepared,
        facts: InService,
    ) -> Exception:
        if refusal.corpus is not None and refusal.corpus != prepared.corpus:
            # Documents can be counted anew. Counts are the caller's own: those said to be of a corpus are of another.
            anew = isinstance(source, Documents) or counted_for is not None
            return _AnotherCorpusError(refusal.corpus) if anew else changing()
        if self._facts.confirmed() != facts:
            return changing()
        return refusal

    def _refuse_large_answer(self, rows: int, facts: InService, topics: Topics | None, options: ScoringOptions) -> None:
        if options.top is not None and topics is not None:
            size, what, instead = topics.most_answer_bytes(options.top), f"{options.top} topics", "a smaller ?top="
        else:
            number = facts.num_topics or self._topic_numbers.get(facts.model)
            if number is None:
                return
            size, what, instead = number * WEIGHT_BYTES, f"{number} weights", "?top= for the strongest topics alone"
        most = URL_PAYLOAD_BYTES // (size + ROW_BYTES)
        if rows > most:
            raise Problem(
                Code.ANSWER_TOO_LARGE,
                f"{rows} documents of {what} may take more than the {URL_PAYLOAD_BYTES} bytes of an answer",
                allowed=f"{most} documents a request, or {instead}",
            )


def changing() -> Problem:
    """Return the problem of a request that met a model being replaced."""
    return Problem(Code.MODEL_CHANGING, "the model is being replaced; send the request again", retry_after_s=5)


def _mismatch(corpus: str) -> Problem:
    detail = "the counts are of another corpus version than the model in service"
    return Problem(Code.CORPUS_MISMATCH, detail, parameter="corpus_version", allowed=corpus)


def _corpus_version(source: Counts | Documents, options: ScoringOptions) -> str | None:
    told = {version for version in (source.corpus_version, options.corpus_version) if version is not None}
    if len(told) > 1:
        detail = "corpus_version in the body is another than in the query"
        raise Problem(Code.INVALID_PARAMETER, detail, parameter="corpus_version", allowed="one corpus version")
    return told.pop() if told else None


def _sound_rows(rows: Rows, options: ScoringOptions) -> list[bytes]:
    sound: list[bytes] = []
    for row in rows:
        if isinstance(row, bytes):
            sound.append(row)
        elif not options.per_row_errors and not _gets_mean(row, options):
            raise row
    return sound


def _gets_mean(row: bytes | Problem, options: ScoringOptions) -> bool:
    return options.mean_for_empty and isinstance(row, Problem) and row.code == Code.NO_KNOWN_WORDS


def _needs_mean(rows: Rows, options: ScoringOptions) -> bool:
    return options.mean_for_empty and any(_gets_mean(row, options) for row in rows)


def _result(
    scored: Scored | None, versions: Versions, prepared: _Prepared, options: ScoringOptions, topics: Topics | None
) -> Result:
    estimated = frozenset(index for index, row in enumerate(prepared.rows) if _gets_mean(row, options))
    mean = topics.mean_weights if topics is not None else None
    if estimated and mean is None:
        detail = "the corpus's mean topic weights are not published with the topics of the model in service"
        raise Problem(Code.TOPICS_UNKNOWN, detail, allowed="requests without empty=mean")
    weights = iter(scored.predictions.weights if scored is not None else ())
    rows = [
        next(weights) if isinstance(row, bytes) else mean if mean is not None and index in estimated else row
        for index, row in enumerate(prepared.rows)
    ]
    whole = scored is not None and len(scored.predictions.weights) == len(rows) and prepared.counted is None
    return Result(
        rows=rows,
        versions=versions,
        counted=prepared.counted,
        estimated=estimated,
        json_body=scored.predictions.json_body if scored is not None and whole else None,
        topics=topics if options.top is not None else None,
        calls=scored.calls if scored is not None else 0,
    )
