from __future__ import annotations

import gzip
import itertools
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from topics_function.model.inference import MAX_MIXED_ATTEMPTS, MAX_VERSION_ATTEMPTS

Failure = Callable[..., ClientError]


def test_csv_rows_are_answered_in_order_with_the_versions_that_answered(service: Any) -> None:
    reply = service.send("1,0,0\n0,1,1\n")

    assert reply.status == 200
    assert reply.json == {"predictions": [{"topic_weights": [1.0, 0, 0]}, {"topic_weights": [0, 0.5, 0.5]}]}
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-model-version"] == "job-1"
    assert (reply.headers["x-corpus-version"], reply.headers["x-vocabulary-version"]) == ("c1", "v1")


def test_the_path_of_the_endpoint_itself_is_understood_too(service: Any) -> None:
    assert service.send("1,2,3", path="/invocations").status == 200


def test_dense_and_sparse_instances_are_answered(service: Any) -> None:
    sparse = {"data": {"features": {"keys": [0, 2], "shape": [3], "values": [1, 1]}}}

    reply = service.send_json({"instances": [{"features": [0, 2, 0]}, sparse]})

    assert [row["topic_weights"] for row in reply.json["predictions"]] == [[0, 1, 0], [0.5, 0, 0.5]]


def test_raw_documents_are_counted_with_the_vocabulary_in_service(service: Any) -> None:
    reply = service.send_json({"documents": ["Two bicycles, one bike", "Trains and unseen things"]})

    assert service.runtime.calls == [[[2, 0, 0], [0, 0, 1]]]
    assert [row["unknown_word_share"] for row in reply.json["predictions"]] == [0.5, 0.75]


def test_base64_and_gzip_are_undone(service: Any) -> None:
    assert service.send(gzip.compress(b"1,2,3"), content_encoding="gzip").status == 200
    assert service.send(b"1,2,3").status == 200


def test_the_built_in_image_takes_its_versions_from_the_record(service: Any) -> None:
    service.runtime.attributes = None
    service.ssm.record["algorithm"] = "builtin"

    reply = service.send("1,2,3")

    assert (reply.headers["x-model-version"], reply.headers["x-corpus-version"]) == ("job-1", "c1")
    assert reply.headers["x-vocabulary-version"] == "v1"


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"body": "1,2"}, 422, "wrong_width"),
        ({"body": "bike,car,train\n1,2,3"}, 400, "header_row"),
        ({"body": ""}, 400, "empty_body"),
        ({"body": "1,2,3", "path": "/nowhere"}, 404, "unknown_route"),
        ({"body": "1,2,3", "method": "DELETE"}, 405, "method_not_allowed"),
        ({"body": "1,2,3", "accept": "image/png"}, 406, "not_acceptable"),
        ({"body": "1,2,3", "accept": "application/json;q=0"}, 406, "not_acceptable"),
        ({"body": "1,2,3", "content_type": None}, 415, "unsupported_content_type"),
        ({"body": "<a/>", "content_type": "application/xml"}, 415, "unsupported_content_type"),
        ({"body": "1,2,3", "content_type": "text/csv; charset=utf-16"}, 415, "unsupported_charset"),
        ({"body": "{", "content_type": "application/json"}, 400, "invalid_json"),
    ],
)
def test_whatever_is_wrong_is_a_problem_document(
    service: Any, request_: dict[str, Any], status: int, code: str
) -> None:
    reply = service.send(**request_)

    assert (reply.status, reply.json["code"], reply.json["status"]) == (status, code, status)
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json["request_id"] == "request-1"
    assert service.runtime.calls == []


def test_a_wrong_method_is_told_which_one_is_right(service: Any) -> None:
    assert service.send("1,2,3", method="PUT").headers["allow"] == "POST"


def test_nothing_is_scored_when_one_row_is_wrong(service: Any) -> None:
    reply = service.send("1,2,3\n1,-2,3")

    assert (reply.json["row"], reply.json["column"]) == (2, 2)
    assert service.runtime.calls == []


def test_more_rows_than_allowed_are_refused(make_service: Any) -> None:
    service = make_service(max_rows=2)

    assert service.send("1,2,3\n" * 2).status == 200
    assert service.send("1,2,3\n" * 3).json["code"] == "too_many_rows"


def test_a_throttled_endpoint_is_429_with_retry_after(service: Any, service_failure: Failure) -> None:
    service.runtime.script = [service_failure("ThrottlingException", 400) for _ in range(10)]

    reply = service.send("1,2,3")

    assert reply.status == 429
    assert int(reply.headers["retry-after"]) > 0


@pytest.mark.parametrize("event", [None, 7, [], {}, {"rawPath": "/"}, {"requestContext": {"http": {}}}])
def test_an_event_of_another_kind_is_a_400(service: Any, event: object) -> None:
    assert service.handle(event).status == 400


class TestAnotherVersion:
    """The model is replaced while requests come in."""

    @pytest.fixture
    def promoted(self, service: Any, make_vocabulary: Any) -> Any:
        # The new vocabulary has its words in another order.
        service.vocabularies["c2"] = make_vocabulary({"train": 0, "bike": 1, "car": 2}, ["train", "bike", "car"])
        service.runtime.attributes = "model=job-2;corpus=c2;vocabulary=v2"
        return service

    def test_documents_are_counted_anew_with_the_vocabulary_that_the_server_names(self, promoted: Any) -> None:
        reply = promoted.send_json({"documents": ["bike"]})

        assert promoted.runtime.calls == [[[1, 0, 0]], [[0, 1, 0]]]
        assert reply.json["predictions"][0]["topic_weights"] == [0, 1, 0]
        assert (reply.headers["x-model-version"], reply.headers["x-corpus-version"]) == ("job-2", "c2")

    def test_a_server_that_refuses_the_old_width_names_its_corpus_and_is_asked_again(
        self, promoted: Any, service_failure: Failure
    ) -> None:
        message = json.dumps({"error": {"code": "wrong_width", "message": "3 columns", "row": 1, "corpus": "c2"}})
        promoted.runtime.script = [service_failure("ModelError", 424, OriginalStatusCode=400, OriginalMessage=message)]

        assert promoted.send_json({"documents": ["bike"]}).json["predictions"][0]["topic_weights"] == [0, 1, 0]

    @staticmethod
    def go_back_and_forth(promoted: Any, times: int) -> None:
        """Have each answer be of the other model than the one that the documents were counted for."""
        runtime = promoted.runtime
        old, new = "model=job-1;corpus=c1;vocabulary=v1", "model=job-2;corpus=c2;vocabulary=v2"
        runtime.script = [
            lambda rows, attributes=attributes: runtime.answer(rows, attributes)
            for attributes in itertools.islice(itertools.cycle((new, old)), times)
        ]

    def test_answers_that_go_back_and_forth_are_waited_out(self, promoted: Any) -> None:
        self.go_back_and_forth(promoted, MAX_VERSION_ATTEMPTS - 1)

        assert promoted.send_json({"documents": ["bike"]}).json["predictions"][0]["topic_weights"] == [0, 1, 0]

    def test_answers_that_go_back_and_forth_end_with_a_retry_after(self, promoted: Any) -> None:
        self.go_back_and_forth(promoted, MAX_VERSION_ATTEMPTS)

        reply = promoted.send_json({"documents": ["bike"]})

        assert (reply.status, reply.json["code"]) == (503, "model_changing")
        assert "retry-after" in reply.headers

    def test_counts_of_a_width_promoted_a_moment_ago_are_taken(self, service: Any) -> None:
        assert service.send("1,2,3").status == 200
        service.ssm.record |= {"feature_dim": 2, "corpus": "c2"}

        assert service.send("1,2").status == 200

    def test_a_width_that_only_the_server_knows_yet_is_told_as_a_change(
        self, service: Any, service_failure: Failure
    ) -> None:
        message = json.dumps({"error": {"code": "wrong_width", "message": "3 columns", "row": 1, "corpus": "c2"}})
        service.runtime.script = [service_failure("ModelError", 424, OriginalStatusCode=400, OriginalMessage=message)]

        assert service.send("1,2,3").json["code"] == "model_changing"

    def test_counts_said_to_be_of_the_recorded_corpus_are_a_mismatch_where_another_answers(
        self, service: Any, service_failure: Any
    ) -> None:
        message = json.dumps({"error": {"code": "wrong_width", "message": "3 columns", "row": 1, "corpus": "c2"}})
        service.runtime.script = [service_failure("ModelError", 424, OriginalStatusCode=400, OriginalMessage=message)]

        reply = service.send("1,2,3", query="corpus_version=c1")

        assert (reply.status, reply.json["code"], reply.json["allowed"]) == (409, "corpus_mismatch", "c2")

    def test_an_open_server_that_does_not_name_its_corpus_is_not_trusted_with_documents(self, service: Any) -> None:
        service.runtime.attributes = None

        assert service.send_json({"documents": ["bike"]}).json["code"] == "service_misconfigured"


class TestSplitting:
    """Requests that expand past what one call may carry."""

    def test_rows_that_do_not_fit_in_one_call_come_back_in_order(self, make_service: Any) -> None:
        service = make_service(max_payload_bytes=1024)
        rows = [[number, 0, 1] for number in range(1, 1001)]

        reply = service.send("\n".join(",".join(map(str, row)) for row in rows))

        expected = [number / (number + 1) for number in range(1, 1001)]
        assert [row["topic_weights"][0] for row in reply.json["predictions"]] == expected
        assert len(service.runtime.calls) > 5

    def test_parts_answered_by_different_models_are_scored_anew(self, make_service: Any) -> None:
        service = make_service(max_payload_bytes=1024, max_parallel_calls=1)
        runtime = service.runtime
        runtime.script = [lambda rows: runtime.answer(rows, "model=job-0;corpus=c1;vocabulary=v1")]

        reply = service.send("1,2,3\n" * 300)

        assert reply.headers["x-model-version"] == "job-1"
        assert len(reply.json["predictions"]) == 300

    def test_parts_that_different_models_keep_answering_are_scored_a_few_times_only(self, make_service: Any) -> None:
        service = make_service(max_payload_bytes=1024, max_parallel_calls=1)
        runtime, body = service.runtime, "1,2,3\n" * 300
        service.send(body)
        calls = len(runtime.calls)
        runtime.script = [
            lambda rows, job=job: runtime.answer(rows, f"model=job-{job};corpus=c1;vocabulary=v1")
            for job in range(10 * calls)
        ]

        reply = service.send(body)

        assert (reply.status, reply.json["code"]) == (503, "model_changing")
        assert len(runtime.calls) == calls + MAX_MIXED_ATTEMPTS * calls

    def test_the_row_a_later_call_refuses_counts_in_the_whole_request(
        self, make_service: Any, service_failure: Failure
    ) -> None:
        service = make_service(max_payload_bytes=1024, max_parallel_calls=1)
        runtime = service.runtime
        message = json.dumps({"error": {"code": "bad", "message": "bad row", "row": 1, "corpus": "c1"}})
        refusal = service_failure("ModelError", 424, OriginalStatusCode=400, OriginalMessage=message)
        runtime.script = [runtime.answer, refusal]

        reply = service.send("1,2,3\n" * 300)

        assert reply.status == 422
        assert reply.json["row"] == len(runtime.calls[0]) + 1

    def test_a_single_row_that_no_call_can_carry_is_refused(self, make_service: Any) -> None:
        service = make_service(max_payload_bytes=1024)

        service.ssm.record["feature_dim"] = 1000
        short, long = ["1"] + ["0"] * 999, ["1"] * 1000

        reply = service.send(",".join(short) + "\n" + ",".join(long))

        assert (reply.status, reply.json["code"], reply.json["row"]) == (413, "row_too_large", 2)


class TestSecrecy:
    """Nothing of a caller's document is logged or shown."""

    def test_an_unexpected_fault_shows_and_logs_neither_stack_nor_message(
        self, service: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fault(_corpus: str) -> None:
            raise RuntimeError("quotes the secret document")

        monkeypatch.setattr(logging.getLogger("topics_function"), "propagate", True)
        monkeypatch.setattr(service.inference, "_vocabulary_of", fault)

        reply = service.send_json({"documents": ["the secret document"]})

        assert (reply.status, reply.json["code"]) == (500, "internal_error")
        assert "secret" not in reply.text + caplog.text + str(service.lines) + str(
            [vars(record) for record in caplog.records]
        )
        assert any("fault" in frame for record in caplog.records for frame in getattr(record, "frames", []))
