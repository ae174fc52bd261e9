"""From an event to its answer: routes, refusals, and the line that is logged. No AWS client is made here."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING

from similar_function import requests
from similar_function.observation import Observation
from similar_function.problems import SimilarCode, SimilarProblem
from similar_function.similar import UnknownDocumentError, WrongTopicsError
from url_functions import events, media_types, options
from url_functions.events import Answer, Request, UrlAnswer
from url_functions.logs import log_fault
from url_functions.problems import Code, Problem
from url_functions.versions import CORPUS_HEADER, MODEL_HEADER

if TYPE_CHECKING:
    from collections.abc import Callable

    from similar_function.scorer import TopicsFunction
    from similar_function.similar import Searcher, Similar
    from url_functions.in_service import InServiceFacts
    from url_functions.ports import LambdaContext

logger = logging.getLogger(__name__)


class Application:
    """Answers requests.

    Args:
        facts: the record of the model in service.
        searcher_of: gives the index of a model.
        topics: scores raw documents.
        emit: takes what is known of each request.
    """

    def __init__(
        self,
        *,
        facts: InServiceFacts,
        searcher_of: Callable[[str], Searcher],
        topics: TopicsFunction,
        emit: Callable[[Observation], None],
    ) -> None:
        self._facts = facts
        self._searcher_of = searcher_of
        self._topics = topics
        self._emit = emit
        self._routes: dict[str, dict[str, Callable[[Request], Answer]]] = {
            "/similar": {"GET": self._of_id, "POST": self._of_document},
            "/health": {"GET": self._health},
            "/openapi.json": {"GET": self._description},
        }

    def answer(self, event: object, context: LambdaContext | None) -> UrlAnswer:
        """Answer one Function URL event; whatever is wrong becomes a problem document."""
        began = time.perf_counter()
        request_id = getattr(context, "aws_request_id", None)
        seen = Observation(request_id=request_id)
        try:
            answer = self._answer(event, seen)
        except Problem as problem:
            answer, seen.code = events.problem_answer(problem, request_id), problem.code
        except Exception as error:  # noqa: BLE001 - the last resort: a fault of ours must not show its stack
            log_fault(logger, error, request_id)
            fault = SimilarProblem(Code.INTERNAL_ERROR, "the service failed; the fault is logged")
            answer, seen.code = events.problem_answer(fault, request_id), fault.code
        if seen.method == "HEAD":
            answer.body = ""
        seen.status, seen.model = answer.status, answer.headers.get(MODEL_HEADER)
        seen.latency_ms = (time.perf_counter() - began) * 1000
        self._emit(seen)
        return answer.to_lambda()

    def _answer(self, event: object, seen: Observation) -> Answer:
        request = events.request_of(event)
        seen.method = request.method if request.method in events.METHODS else "other"
        path = request.path.rstrip("/") or "/"
        methods = self._routes.get(path)
        if methods is None:
            allowed = ", ".join(self._routes)
            raise SimilarProblem(Code.UNKNOWN_ROUTE, "there is nothing at this path", allowed=allowed)
        seen.path = path
        route = methods.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            allowed = ", ".join(methods)
            detail = f"{request.method[:20]} is not understood at {path}"
            raise SimilarProblem(Code.METHOD_NOT_ALLOWED, detail, allowed=allowed, headers={"allow": allowed})
        return route(request)

    def _of_id(self, request: Request) -> Answer:
        number = requests.number_of(request.query, requests.ID)
        name = requests.id_of(request.query)
        _negotiate(request)
        searcher = self._searcher_of(self._facts.current().model)
        try:
            similar = searcher.of_document(name, number)
        except UnknownDocumentError:
            detail = f"the index of model {searcher.model} has no document {name[:80]!r}"
            allowed = "an id of the published topic vectors, which leave out documents without a known word"
            raise SimilarProblem(SimilarCode.UNKNOWN_DOCUMENT, detail, parameter=requests.ID, allowed=allowed) from None
        return _found(searcher, similar, {"id": name})

    def _of_document(self, request: Request) -> Answer:
        number = requests.number_of(request.query)
        _negotiate(request)
        content_type = requests.content_type_of(request.headers.get("content-type"))
        body = events.body_of(request, max_bytes=requests.MAX_DOCUMENT_BYTES)
        document = requests.document_of(body, content_type)
        # The index before the endpoint: without one there is no use in scoring.
        facts = self._facts.current()
        searcher = self._searcher_of(facts.model)
        scored = self._topics.weights_of(document)
        if scored.model != facts.model:
            facts = self._facts.refreshed()
            if scored.model != facts.model:
                detail = "the model is being replaced; send the request again"
                raise SimilarProblem(Code.MODEL_CHANGING, detail, retry_after_s=5)
            searcher = self._searcher_of(facts.model)
        try:
            similar = searcher.of_weights(scored.weights, number)
        except WrongTopicsError as error:
            raise SimilarProblem(SimilarCode.INDEX_OF_ANOTHER_MODEL, str(error), retry_after_s=30) from None
        share = scored.unknown_word_share
        answer = _found(searcher, similar, {"unknown_word_share": float(share)} if share is not None else {})
        if share is not None:
            answer.headers[events.UNKNOWN_SHARE_HEADER] = share
        return answer

    def _health(self, request: Request) -> Answer:
        options.no_options(request.query)
        _negotiate(request)
        searcher = self._searcher_of(self._facts.current().model)
        told = {
            "status": "ok",
            "model": searcher.model,
            "corpus": searcher.corpus,
            "documents": searcher.documents,
        }
        return Answer(200, media_types.APPLICATION_JSON, json.dumps(told), _versions(searcher))

    def _description(self, request: Request) -> Answer:
        from similar_function import openapi  # noqa: PLC0415 - asked for by people, not by programs all day

        options.no_options(request.query)
        _negotiate(request)
        return Answer(200, media_types.APPLICATION_JSON, json.dumps(openapi.document()))


def _negotiate(request: Request) -> None:
    media_types.negotiate(request.headers.get("accept"), (media_types.APPLICATION_JSON,))


def _versions(searcher: Searcher) -> dict[str, str]:
    return {MODEL_HEADER: searcher.model, CORPUS_HEADER: searcher.corpus}


def _found(searcher: Searcher, similar: list[Similar], beside: dict[str, object]) -> Answer:
    told = {
        "model": searcher.model,
        "corpus": searcher.corpus,
        **beside,
        "similar": [
            {"id": one.id, "label": one.label, "distance": round(min(one.distance, 1.0), 6)} for one in similar
        ],
    }
    body = json.dumps(told, ensure_ascii=False)
    return Answer(200, media_types.APPLICATION_JSON, body, _versions(searcher))
