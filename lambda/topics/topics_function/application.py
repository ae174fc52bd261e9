"""From a request to its answer: routes, and the order of the steps of scoring. No AWS client is made here."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from topics_function import csv_codec, events, media_types
from topics_function.batch import CSV_ROWS, JSON_INSTANCES, Wire
from topics_function.deadline import Deadline, LambdaContext
from topics_function.endpoint import ModelRefusalError
from topics_function.events import Answer, Request, UrlAnswer
from topics_function.in_service import OPEN, InService, InServiceFacts
from topics_function.problems import Code, Problem
from topics_function.scoring import MixedVersionsError, Scored, Scorer

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics_function.settings import Settings
    from topics_function.vectorizer import Vocabulary
    from topics_function.versions import Versions

logger = logging.getLogger(__name__)

READABLE: Final = (media_types.TEXT_CSV, media_types.APPLICATION_JSON)
SCORING_PATHS: Final = ("/", "/invocations")
MAX_VERSION_ATTEMPTS: Final = 3
"""Times a request is scored anew because the model was replaced meanwhile; then the caller is told to come again."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request's rows as the endpoint takes them, for one version of the vocabulary."""

    wire: Wire
    rows: list[bytes | Problem]
    unknown_shares: list[float | None] | None = None


class Application:
    """Answers requests."""

    def __init__(
        self,
        settings: Settings,
        *,
        facts: InServiceFacts,
        scorer: Scorer,
        vocabulary_of: Callable[[str], Vocabulary],
    ) -> None:
        self._settings = settings
        self._facts = facts
        self._scorer = scorer
        self._vocabulary_of = vocabulary_of

    def answer(self, event: object, context: LambdaContext | None) -> UrlAnswer:
        """Answer one Function URL event; whatever is wrong becomes a problem document."""
        request_id = getattr(context, "aws_request_id", None)
        try:
            request = events.request_of(event)
            return self._route(request, Deadline.of(context)).to_lambda()
        except Problem as problem:
            return _told(problem, request_id).to_lambda()
        except Exception as error:  # noqa: BLE001 - the last resort: a fault of ours must not show its stack
            _log_fault(error, request_id)
            fault = Problem(Code.INTERNAL_ERROR, "the service failed; the fault is logged")
            return _told(fault, request_id).to_lambda()

    def _route(self, request: Request, deadline: Deadline) -> Answer:
        path = request.path.rstrip("/") or "/"
        if path not in SCORING_PATHS:
            raise Problem(Code.UNKNOWN_ROUTE, "there is nothing at this path", allowed=", ".join(SCORING_PATHS))
        if request.method != "POST":
            detail = f"{request.method[:20]} is not understood at {path}"
            raise Problem(Code.METHOD_NOT_ALLOWED, detail, allowed="POST", headers={"allow": "POST"})
        media_types.json_is_acceptable(request.headers.get("accept"))
        content_type = media_types.content_type_of(request.headers.get("content-type"), READABLE)
        body = events.body_of(request, max_bytes=self._settings.max_body_bytes)
        if content_type == media_types.TEXT_CSV:
            return self._score_counts(
                lambda facts: Prepared(CSV_ROWS, csv_codec.rows_of(body, feature_dim=facts.feature_dim)), deadline
            )
        return self._score_json(body, deadline)

    def _score_json(self, body: bytes, deadline: Deadline) -> Answer:
        from topics_function import json_codec  # noqa: PLC0415 - a function that is sent only CSV never pays for it

        request = json_codec.request_of(body)
        if request.documents is not None:
            return self._score_documents(request.documents, deadline)
        instances = request.instances or []
        return self._score_counts(
            lambda facts: Prepared(JSON_INSTANCES, json_codec.instance_rows(instances, feature_dim=facts.feature_dim)),
            deadline,
        )

    def _score_counts(self, prepare: Callable[[InService], Prepared], deadline: Deadline) -> Answer:
        facts = self._facts.current()
        prepared = prepare(facts)
        if any(isinstance(row, Problem) and row.code == Code.WRONG_WIDTH for row in prepared.rows):
            # The width may be that of a model promoted a moment ago.
            fresh = self._facts.refreshed()
            if fresh.feature_dim != facts.feature_dim:
                facts, prepared = fresh, prepare(fresh)
        rows = self._sound_rows(prepared)
        for _ in range(MAX_VERSION_ATTEMPTS):
            try:
                scored = self._scorer.score(rows, prepared.wire, deadline)
            except MixedVersionsError:
                continue
            except ModelRefusalError as refusal:
                raise self._read_refusal(refusal, facts) from None
            return _answer(scored, scored.versions.or_else(self._facts_like(scored.versions, facts)), prepared)
        raise _changing()

    def _score_documents(self, documents: list[object], deadline: Deadline) -> Answer:
        from topics_function.vectorizer import document_rows  # noqa: PLC0415 - as above

        facts = self._facts.current()
        corpus = facts.corpus
        for _ in range(MAX_VERSION_ATTEMPTS):
            vocabulary = self._vocabulary_of(corpus)
            rows, shares = document_rows(documents, vocabulary)
            prepared = Prepared(JSON_INSTANCES, rows, shares)
            sound = self._sound_rows(prepared)
            try:
                scored = self._scorer.score(sound, prepared.wire, deadline)
            except MixedVersionsError:
                continue
            except ModelRefusalError as refusal:
                if refusal.corpus is None or refusal.corpus == corpus:
                    raise self._read_refusal(refusal, facts) from None
                corpus = refusal.corpus
                continue
            if self._is_of_corpus(scored.versions, corpus, facts):
                return _answer(scored, scored.versions.or_else(self._facts_like(scored.versions, facts)), prepared)
            corpus = scored.versions.corpus or self._facts.refreshed().corpus
        raise _changing()

    def _is_of_corpus(self, versions: Versions, corpus: str, facts: InService) -> bool:
        if versions.corpus is not None:
            return versions.corpus == corpus
        if facts.algorithm == OPEN:
            # An open server that was started without its corpus's version cannot be checked.
            return False
        return corpus == facts.corpus

    def _facts_like(self, versions: Versions, facts: InService) -> InService:
        if versions.corpus is None or versions.corpus == facts.corpus:
            return facts
        return self._facts.refreshed()

    def _sound_rows(self, prepared: Prepared) -> list[bytes]:
        if len(prepared.rows) > self._settings.max_rows:
            raise Problem(
                Code.TOO_MANY_ROWS,
                f"the request has {len(prepared.rows)} documents",
                allowed=f"{self._settings.max_rows} documents a request",
            )
        sound: list[bytes] = []
        for row in prepared.rows:
            if isinstance(row, Problem):
                raise row
            sound.append(row)
        return sound

    def _read_refusal(self, refusal: ModelRefusalError, facts: InService) -> Problem:
        fresh = self._facts.refreshed()
        if refusal.corpus not in (None, fresh.corpus) or fresh != facts:
            return _changing()
        return refusal


def _changing() -> Problem:
    return Problem(Code.MODEL_CHANGING, "the model was replaced while this request was answered", retry_after_s=5)


def _answer(scored: Scored, versions: Versions, prepared: Prepared) -> Answer:
    predictions = scored.predictions
    if prepared.unknown_shares is not None:
        body = json.dumps(
            {
                "predictions": [
                    {"topic_weights": weights, "unknown_word_share": round(share or 0.0, 4)}
                    for weights, share in zip(predictions.weights, prepared.unknown_shares, strict=True)
                ]
            }
        )
    elif predictions.json_body is not None:
        body = predictions.json_body
    else:
        body = json.dumps({"predictions": [{"topic_weights": weights} for weights in predictions.weights]})
    return Answer(200, media_types.APPLICATION_JSON, body, versions.headers())


def _told(problem: Problem, request_id: str | None) -> Answer:
    headers = dict(problem.headers)
    if problem.retry_after_s is not None:
        headers["retry-after"] = str(problem.retry_after_s)
    return Answer(problem.status, media_types.PROBLEM_JSON, problem.to_json(request_id), headers)


def _log_fault(error: Exception, request_id: str | None) -> None:
    """Log where an unexpected error came from, without its message, which may quote the caller's document."""
    frames: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    logger.error("internal_error", extra={"request_id": request_id, "error": type(error).__name__, "frames": frames})
