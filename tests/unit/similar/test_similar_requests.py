from __future__ import annotations

import json

import numpy as np
import pytest

from tests.unit.similar.conftest import IDS, LABELS, MODEL, TOPICS, WEIGHTS, Service, failure, index_of, scored

from similar_function import openapi
from similar_function.problems import SimilarProblem


def exact(weights: np.ndarray, number: int) -> list[tuple[str, float]]:
    """The nearest documents by the definition of the distance."""
    distances = np.sqrt(((np.sqrt(WEIGHTS) - np.sqrt(weights)) ** 2).sum(axis=1) / 2)
    return [(IDS[row], float(distances[row])) for row in np.argsort(distances)[:number]]


def test_the_nearest_to_an_id_come_first_and_without_itself(service: Service) -> None:
    reply = service.get("/similar", "id=d7&number=5")

    expected = [pair for pair in exact(WEIGHTS[7], 6) if pair[0] != "d7"]
    assert reply.status == 200
    assert [one["id"] for one in reply.body["similar"]] == [name for name, _ in expected]
    assert [one["distance"] for one in reply.body["similar"]] == pytest.approx([far for _, far in expected], abs=1e-3)
    assert reply.body["similar"][0]["label"] == LABELS[IDS.index(expected[0][0])]
    assert (reply.body["model"], reply.body["corpus"], reply.headers["x-model-version"]) == (MODEL, "c1", MODEL)


@pytest.mark.parametrize(
    ("body", "content_type"), [('{"document": "two bikes"}', "application/json"), ("two bikes", "text/plain")]
)
def test_a_raw_document_is_scored_by_the_topics_function(service: Service, body: str, content_type: str) -> None:
    weights = [0.7, 0.1, 0.1, 0.1]
    service.topics.answers = [scored(weights)]

    reply = service.post(body, content_type, "number=3")

    assert [one["id"] for one in reply.body["similar"]] == [name for name, _ in exact(np.array(weights), 3)]
    assert reply.body["unknown_word_share"] == 0.25
    [event] = service.topics.events
    assert json.loads(event["body"]) == {"documents": ["two bikes"]}


def test_an_unknown_id_is_a_404_that_says_what_ids_there_are(service: Service) -> None:
    reply = service.get("/similar", "id=nobody")

    assert (reply.status, reply.body["code"], reply.body["retry"]) == (404, "unknown_document", False)
    assert reply.headers["content-type"] == "application/problem+json"
    assert "published topic vectors" in reply.body["allowed"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("", "id"), ("id=", "id"), ("id=d1&number=0", "number"), ("id=d1&number=51", "number"),
     ("id=d1&number=x", "number"), ("id=d1&top=3", "top"), ("id=d1&id=d2", "id"), ("id=" + "x" * 1025, "id")],
)  # fmt: skip
def test_a_wrong_parameter_is_named(service: Service, query: str, parameter: str) -> None:
    reply = service.get("/similar", query)

    assert (reply.status, reply.body["code"], reply.body["parameter"]) == (400, "invalid_parameter", parameter)


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        ("{", "application/json", "invalid_json"),
        ("[" * 100_000, "application/json", "invalid_json"),
        ('{"documents": ["x"]}', "application/json", "wrong_shape"),
        ('{"document": 3}', "application/json", "wrong_shape"),
        ("1,2", "text/csv", "unsupported_content_type"),
        ("x", "text/plain; charset=latin-1", "unsupported_charset"),
        ("", "text/plain", "empty_body"),
        ("x" * (1024 * 1024 + 1), "text/plain", "body_too_large"),
    ],
)
def test_a_body_that_is_no_document_is_refused_before_anything_is_scored(
    service: Service, body: str, content_type: str, code: str
) -> None:
    assert service.post(body, content_type).body["code"] == code
    assert service.topics.events == []


def test_what_the_topics_function_refuses_is_passed_on_as_of_this_request(service: Service) -> None:
    problem = {"code": "no_known_words", "detail": "no word is known", "row": 1, "pointer": "/documents/0"}
    service.topics.answers = [{"statusCode": 422, "headers": {}, "body": json.dumps(problem)}]

    reply = service.post('{"document": "zzz"}')

    assert (reply.status, reply.body["code"], reply.body["pointer"]) == (422, "no_known_words", "/document")
    assert "row" not in reply.body


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (failure("TooManyRequestsException", "Invoke"), 429, "throttled"),
        (failure("AccessDeniedException", "Invoke"), 503, "service_misconfigured"),
        (failure("ServiceException", "Invoke"), 503, "scoring_unavailable"),
        (OSError("gone"), 503, "scoring_unavailable"),
        ({"FunctionError": "Unhandled"}, 503, "scoring_unavailable"),
        ({"statusCode": 200, "headers": {}, "body": "no json"}, 503, "scoring_unavailable"),
        ({"statusCode": 200, "headers": {}, "body": '{"predictions": []}'}, 503, "scoring_unavailable"),
        ({"statusCode": 422, "headers": {}, "body": '{"code": "a_code_of_later", "detail": "x"}'}, 503,
         "scoring_unavailable"),
    ],
)  # fmt: skip
def test_a_topics_function_that_fails_is_told_as_what_it_is(
    service: Service, answer: object, status: int, code: str
) -> None:
    service.topics.answers = [answer]

    reply = service.post("x", "text/plain")

    assert (reply.status, reply.body["code"]) == (status, code)


def test_an_index_is_refused_where_none_is_published_for_the_model_in_service(service: Service) -> None:
    service.ssm.model = "job-2"

    reply = service.get("/similar", "id=d7")

    assert (reply.status, reply.body["code"], reply.headers["retry-after"]) == (503, "index_not_published", "30")
    assert "job-2" in reply.body["detail"]


def test_an_index_of_another_model_than_its_place_says_is_refused(service: Service) -> None:
    service.publish(index_of("job-0"), under=MODEL)

    reply = service.get("/similar", "id=d7")

    assert (reply.status, reply.body["code"]) == (503, "index_of_another_model")
    assert "job-0" in reply.body["detail"]


def test_a_new_model_in_service_brings_its_own_index(service: Service) -> None:
    service.publish(index_of("job-2"))
    assert service.get("/similar", "id=d7").body["model"] == MODEL

    service.ssm.model = "job-2"
    service.now += 61

    assert service.get("/similar", "id=d7").body["model"] == "job-2"


def test_weights_of_a_model_promoted_a_moment_ago_are_compared_with_its_own_documents(service: Service) -> None:
    service.publish(index_of("job-2"))
    service.get("/similar", "id=d7")
    service.ssm.model = "job-2"
    service.now += 3
    service.topics.answers = [scored([0.7, 0.1, 0.1, 0.1], "job-2")]

    assert service.post("x", "text/plain").body["model"] == "job-2"


def test_weights_of_a_model_that_nothing_tells_of_are_not_compared(service: Service) -> None:
    service.topics.answers = [scored([0.7, 0.1, 0.1, 0.1], "job-9")]

    reply = service.post("x", "text/plain")

    assert (reply.status, reply.body["code"]) == (503, "model_changing")


def test_weights_of_another_number_of_topics_are_not_compared(service: Service) -> None:
    service.topics.answers = [scored([0.5, 0.5])]

    assert service.post("x", "text/plain").body["code"] == "index_of_another_model"


def test_health_tells_of_the_index_and_nothing_is_there_beside(service: Service) -> None:
    assert service.get("/health").body == {"status": "ok", "model": MODEL, "corpus": "c1", "documents": len(IDS)}
    assert service.get("/").body["code"] == "unknown_route"
    assert service.get("/similar", method="DELETE").headers["allow"] == "GET, POST"
    assert service.get("/health", method="HEAD").body is None


def test_a_fault_of_ours_shows_no_stack_and_no_document(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(_model: str) -> object:
        raise RuntimeError("secret words")

    reply = Service(searcher_of=broken).get("/similar", "id=d7")

    assert (reply.status, reply.body["code"]) == (500, "internal_error")
    assert "secret" not in json.dumps(reply.body) + capsys.readouterr().out


def test_what_is_observed_is_no_id_and_no_word(service: Service) -> None:
    service.get("/similar", "id=nobody")
    [seen] = service.seen

    assert (seen.status, seen.code, seen.path, seen.method) == (404, "unknown_document", "/similar", "GET")
    assert "nobody" not in repr(seen)


def test_every_refusal_is_in_the_description_of_its_path(service: Service) -> None:
    described = service.get("/openapi.json").body
    told = json.dumps(described["paths"]["/similar"])

    assert described["openapi"] == "3.1.0"
    assert described == json.loads(json.dumps(openapi.document()))
    for code in SimilarProblem.kinds:
        assert f"`{code}`" in told or code == "unknown_route", code
    assert set(described["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) == set(SimilarProblem.kinds)


def test_topics_of_the_double_are_those_of_the_index() -> None:
    assert index_of().topics == TOPICS
