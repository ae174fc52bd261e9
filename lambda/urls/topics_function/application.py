"""From an event to its answer: routes, refusals, and what is watched of each request. No AWS client is made here."""

from __future__ import annotations

import json
import logging
import os
import time
from typing import TYPE_CHECKING, Final

from topics_function.answering import writers
from topics_function.answering.metrics import Metrics, Observation
from topics_function.reading import readers
from url_functions import events, media_types, options
from url_functions.deadline import Deadline
from url_functions.events import Answer, Request, UrlAnswer
from url_functions.limits import URL_PAYLOAD_BYTES
from url_functions.logs import log_fault
from url_functions.problems import Code, Problem
from url_functions.versions import Versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics_function.model.inference import Inference
    from topics_function.model.topic_list import Topics
    from topics_function.settings import Settings
    from url_functions.in_service import InService, InServiceFacts
    from url_functions.ports import LambdaContext

logger = logging.getLogger(__name__)

SURELY_FITTING: Final = URL_PAYLOAD_BYTES // 6
"""An answer of fewer characters fits, however many of them JSON has to escape: the longest escape takes six bytes."""


class Application:
    """Answers requests.

    Args:
        settings: limits of a request.
        facts: the record of the model in service.
        inference: scores requests.
        topics_of: gives the topics of the model in service.
        metrics: told of every request.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        facts: InServiceFacts,
        inference: Inference,
        topics_of: Callable[[InService], Topics],
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._facts = facts
        self._inference = inference
        self._topics_of = topics_of
        self._metrics = metrics
        self._routes: dict[str, dict[str, Callable[[Request, Deadline, Observation], Answer]]] = {
            "/": {"POST": self._score},
            "/invocations": {"POST": self._score},
            "/topics": {"GET": self._topics},
            "/health": {"GET": self._health},
            "/openapi.json": {"GET": self._description},
        }

    @property
    def routes(self) -> dict[str, tuple[str, ...]]:
        """Paths, and the methods of each."""
        return {path: tuple(methods) for path, methods in self._routes.items()}

    def answer(self, event: object, context: LambdaContext | None) -> UrlAnswer:
        """Answer one Function URL event; whatever is wrong becomes a problem document."""
        began = time.perf_counter()
        request_id = getattr(context, "aws_request_id", None)
        seen = Observation()
        try:
            answer = self._answer(event, Deadline.of(context), seen)
        except Problem as problem:
            answer = events.problem_answer(problem, request_id)
            seen.code = problem.code
        except Exception as error:  # noqa: BLE001 - the last resort: a fault of ours must not show its stack
            log_fault(logger, error, request_id)
            answer = events.problem_answer(
                Problem(Code.INTERNAL_ERROR, "the service failed; the fault is logged"), request_id
            )
            seen.code = Code.INTERNAL_ERROR
        if seen.method == "HEAD":
            answer.body = ""
        seen.status, seen.answer_bytes = answer.status, len(answer.body)
        trace = os.environ.get("_X_AMZN_TRACE_ID")
        latency_ms = (time.perf_counter() - began) * 1000
        self._metrics.emit(seen, request_id=request_id, trace=trace, latency_ms=latency_ms)
        return answer.to_lambda()

    def _answer(self, event: object, deadline: Deadline, seen: Observation) -> Answer:
        request = events.request_of(event)
        seen.method = request.method if request.method in events.METHODS else "other"
        path = request.path.rstrip("/") or "/"
        methods = self._routes.get(path)
        if methods is None:
            raise Problem(Code.UNKNOWN_ROUTE, "there is nothing at this path", allowed=", ".join(self._routes))
        seen.path = path
        route = methods.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            allowed = ", ".join(methods)
            detail = f"{request.method[:20]} is not understood at {path}"
            raise Problem(Code.METHOD_NOT_ALLOWED, detail, allowed=allowed, headers={"allow": allowed})
        return route(request, deadline, seen)

    def _score(self, request: Request, deadline: Deadline, seen: Observation) -> Answer:
        wanted = options.scoring_options(request.query)
        media_type = media_types.negotiate(request.headers.get("accept"))
        content_type = media_types.content_type_of(request.headers.get("content-type"))
        seen.content_type = content_type
        body = events.body_of(request, max_bytes=self._settings.max_body_bytes)
        seen.request_bytes = len(body)
        source = readers.read(body, content_type, max_rows=self._settings.max_rows)
        result = self._inference.score(source, wanted, deadline)
        answer = Answer(200, media_type, writers.write(result, media_type, top=wanted.top), result.versions.headers())
        share = result.unknown_word_share
        if share is not None:
            answer.headers[events.UNKNOWN_SHARE_HEADER] = f"{share:.{writers.SHARE_DIGITS}f}"
        _refuse_large(answer)
        seen.result = result
        return answer

    def _topics(self, request: Request, _deadline: Deadline, _seen: Observation) -> Answer:
        options.no_options(request.query)
        media_type = media_types.negotiate(request.headers.get("accept"), (media_types.APPLICATION_JSON,))
        facts = self._facts.current()
        topics = self._topics_of(facts)
        listed = [
            {
                "id": topic.id,
                "label": topic.label,
                "share": topic.share,
                "words": topic.words,
                "weights": topic.weights,
            }
            for topic in topics.topics
        ]
        body = json.dumps({"model": facts.model, "corpus": facts.corpus, "topics": listed}, ensure_ascii=False)
        return Answer(200, media_type, body, Versions().or_else(facts).headers())

    def _health(self, request: Request, deadline: Deadline, _seen: Observation) -> Answer:
        call_endpoint = options.asks_for_endpoint(request.query)
        media_type = media_types.negotiate(request.headers.get("accept"), (media_types.APPLICATION_JSON,))
        facts = self._facts.current()
        versions = self._inference.probe(facts, deadline) if call_endpoint else Versions().or_else(facts)
        health = {
            "status": "ok",
            "model": versions.model,
            "corpus": versions.corpus,
            "feature_dim": facts.feature_dim,
            "algorithm": facts.algorithm,
            "endpoint_called": call_endpoint,
        }
        return Answer(200, media_type, json.dumps(health), versions.headers())

    def _description(self, request: Request, _deadline: Deadline, _seen: Observation) -> Answer:
        from topics_function.answering import openapi  # noqa: PLC0415 - asked for by people, not by programs all day

        options.no_options(request.query)
        media_type = media_types.negotiate(request.headers.get("accept"), (media_types.APPLICATION_JSON,))
        return Answer(200, media_type, openapi.document_json(self._settings.max_body_bytes, self._settings.max_rows))


def _refuse_large(answer: Answer) -> None:
    if len(answer.body) <= SURELY_FITTING:
        return
    # The answer travels as a JSON string: quotes and line feeds take two bytes there.
    size = len(json.dumps(answer.body))
    if size > URL_PAYLOAD_BYTES:
        raise Problem(
            Code.ANSWER_TOO_LARGE,
            f"the answer takes {size} bytes",
            allowed=f"{URL_PAYLOAD_BYTES} bytes; send fewer documents, or ask for the strongest topics with ?top=",
        )
