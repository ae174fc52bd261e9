"""What a caller may send and ask for, through the whole application."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np
import pytest

from training_scripts import recordio
from training_scripts.content_types import APPLICATION_JSON
from training_scripts.ntm.serving.requests import RAW_WEIGHTS

BODIES: list[tuple[str, str | bytes]] = [
    ("text/csv", "0,1,1\n2,0,0"),
    ("application/json", json.dumps({"instances": [{"features": [0, 1, 1]}, {"features": [2, 0, 0]}]})),
    ("application/json", json.dumps({"documents": ["cars and trains", "my bike, your bicycle"]})),
    ("application/jsonlines", '{"features":[0,1,1]}\n{"features":[2,0,0]}\n'),
    ("application/x-ndjson", '{"document":"car, train"}\n{"document":"bike bike"}\n'),
]


def recordio_body() -> bytes:
    stream = io.BytesIO()
    recordio.write_dense(stream, np.array([[0, 1, 1], [2, 0, 0]], dtype=np.float32))
    return stream.getvalue()


@pytest.mark.parametrize(("content_type", "body"), [*BODIES, ("application/x-recordio-protobuf", recordio_body())])
def test_every_form_of_the_same_documents_gets_the_same_answer(
    service: Any, content_type: str, body: str | bytes
) -> None:
    reply = service.send(body, content_type)

    assert reply.status == 200, reply.text
    assert [row["topic_weights"] for row in reply.json["predictions"]] == [[0, 0.5, 0.5], [1, 0, 0]]


def test_plain_text_is_one_document(service: Any) -> None:
    reply = service.send("A bike.\nA car.\n", "text/plain; charset=utf-8")

    assert [row["topic_weights"] for row in reply.json["predictions"]] == [[0.5, 0.5, 0]]
    assert reply.headers["x-unknown-word-share"] == "0.5000"


def test_json_lines_are_one_prediction_a_line(service: Any) -> None:
    reply = service.send("0,1,1\n2,0,0", accept="application/jsonlines")

    assert reply.headers["content-type"] == "application/jsonlines"
    assert [json.loads(line)["topic_weights"] for line in reply.text.splitlines()] == [[0, 0.5, 0.5], [1, 0, 0]]


def test_csv_is_one_row_of_weights_a_document(service: Any) -> None:
    reply = service.send("0,1,1\n2,0,0", accept="text/csv")

    assert [[float(cell) for cell in row] for row in csv.reader(io.StringIO(reply.text))] == [[0, 0.5, 0.5], [1, 0, 0]]


class TestTop:
    """`?top=` gives the strongest topics with label, weight and words."""

    def test_the_strongest_topics_come_first(self, service: Any) -> None:
        reply = service.send("1,0,3", query="top=2")

        assert reply.json["predictions"] == [
            {
                "topics": [
                    {"id": 2, "label": "Rail", "weight": 0.75, "words": ["train"]},
                    {"id": 0, "label": "Cycling", "weight": 0.25, "words": ["bicycle"]},
                ]
            }
        ]

    def test_more_than_there_are_gives_all(self, service: Any) -> None:
        assert len(service.send("1,0,3", query="top=1000").json["predictions"][0]["topics"]) == 3

    def test_in_csv_each_topic_takes_three_cells(self, service: Any) -> None:
        reply = service.send("1,0,3", query="top=1", accept="text/csv")

        assert next(csv.reader(io.StringIO(reply.text))) == ["2", "Rail", "0.75"]

    def test_a_model_without_published_topics_is_told_before_scoring(self, service: Any) -> None:
        service.s3.objects.clear()

        reply = service.send("1,0,3", query="top=1")

        assert (reply.status, reply.json["code"]) == (404, "topics_unknown")
        assert service.runtime.calls == []

    def test_topics_of_another_model_are_never_given(self, service: Any) -> None:
        service.runtime.attributes = "model=job-2;corpus=c1;vocabulary=v1"

        assert service.send("1,0,3", query="top=1").json["code"] == "model_changing"

    def test_topics_that_are_fewer_than_the_models_are_not_given(self, service: Any) -> None:
        topics = json.loads(service.s3.objects["jobs/job-1/output/topics.json"])
        topics = {"topics": topics["topics"][:2]}
        service.s3.objects["jobs/job-1/output/topics.json"] = json.dumps(topics).encode()

        assert service.send("1,0,3", query="top=1").json["code"] == "topics_unknown"

    def test_the_topics_are_read_once_a_model(self, service: Any) -> None:
        for _ in range(3):
            service.send("1,0,3", query="top=1")

        assert service.s3.reads == ["models/jobs/job-1/output/topics.json"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("top=0", "top"),
        ("top=1001", "top"),
        ("top=three", "top"),
        ("top=-1", "top"),
        ("top=" + "9" * 5000, "top"),
        ("errors=maybe", "errors"),
        ("empty=zero", "empty"),
        ("weights=sharp", "weights"),
        ("weights=raw&empty=mean", "weights"),
        ("Top=3", "Top"),
        ("corpus_version=", "corpus_version"),
        ("top=1&top=2", "top"),
    ],
)
def test_a_parameter_that_is_not_understood_is_named(service: Any, query: str, parameter: str) -> None:
    reply = service.send("1,2,3", query=query)

    assert (reply.status, reply.json["code"], reply.json["parameter"]) == (400, "invalid_parameter", parameter)
    assert reply.json["allowed"]


class TestRawWeights:
    """`?weights=raw` gives weights as the model has them, and not sharper."""

    @pytest.mark.parametrize(
        ("query", "accept"),
        [
            ("", APPLICATION_JSON),
            ("weights=served", APPLICATION_JSON),
            ("weights=raw", f"{APPLICATION_JSON};{RAW_WEIGHTS}"),
        ],
    )
    def test_the_models_server_is_asked_for_them_as_it_reads_it(self, service: Any, query: str, accept: str) -> None:
        assert service.send("1,2,3", query=query).status == 200
        assert service.runtime.accepted == [accept]

    def test_of_the_built_in_algorithm_there_are_none_and_its_image_is_not_asked(self, service: Any) -> None:
        service.ssm.record["algorithm"] = "builtin"

        reply = service.send("1,2,3", query="weights=raw")

        assert (reply.status, reply.json["code"], reply.json["allowed"]) == (400, "invalid_parameter", "served")
        assert service.runtime.calls == []


class TestPerRowErrors:
    """`?errors=per_row` scores the good documents and reports each failed row's problem in its place."""

    def test_problems_stand_in_their_documents_place(self, service: Any) -> None:
        reply = service.send("1,0,0\n1,2\n0,0,1", query="errors=per_row")

        good, bad, last = reply.json["predictions"]
        assert (good["topic_weights"], last["topic_weights"]) == ([1, 0, 0], [0, 0, 1])
        assert (bad["error"]["code"], bad["error"]["row"]) == ("wrong_width", 2)

    def test_documents_without_known_words_are_told_one_by_one(self, service: Any) -> None:
        reply = service.send_json({"documents": ["unseen", "bike", 7]}, query="errors=per_row")

        first, second, third = reply.json["predictions"]
        assert (first["error"]["code"], first["unknown_word_share"]) == ("no_known_words", 1.0)
        assert second["topic_weights"] == [1, 0, 0]
        assert third["error"]["pointer"] == "/documents/2"

    def test_nothing_is_called_where_every_document_is_faulty(self, service: Any) -> None:
        reply = service.send("1,2\n3", query="errors=per_row")

        assert reply.status == 200
        assert [row["error"]["code"] for row in reply.json["predictions"]] == ["wrong_width"] * 2
        assert service.runtime.calls == []
        assert reply.headers["x-corpus-version"] == "c1"

    def test_csv_has_no_place_for_them(self, service: Any) -> None:
        assert service.send("1,0,0\n1,2", query="errors=per_row", accept="text/csv").status == 406


class TestDocumentsWithoutKnownWords:
    """Never a silent guess."""

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            ("0,0,0", "text/csv"),
            ('{"documents":["unseen words"]}', "application/json"),
            ('{"instances":[{"features":[0,0,0]}]}', "application/json"),
            ("unseen words", "text/plain"),
        ],
    )
    def test_they_are_refused(self, service: Any, body: str, content_type: str) -> None:
        reply = service.send(body, content_type)

        assert (reply.status, reply.json["code"], reply.json["row"]) == (422, "no_known_words", 1)

    def test_on_request_they_get_the_corpus_mean_and_say_so(self, service: Any) -> None:
        reply = service.send_json({"documents": ["unseen", "bike"]}, query="empty=mean")

        mean, scored = reply.json["predictions"]
        assert (mean["topic_weights"], mean["estimated"]) == ([0.5, 0.3, 0.2], "corpus_mean")
        assert "estimated" not in scored

    def test_where_the_mean_is_not_known_they_are_refused(self, service: Any) -> None:
        topics = json.loads(service.s3.objects["jobs/job-1/output/topics.json"])
        del topics["mean_weights"]
        service.s3.objects["jobs/job-1/output/topics.json"] = json.dumps(topics).encode()

        assert service.send("0,0,0", query="empty=mean").json["code"] == "topics_unknown"


class TestCorpusVersion:
    """Callers who send counts may say which vocabulary they counted with."""

    @pytest.mark.parametrize("query", ["corpus_version=c1", ""])
    def test_the_one_in_service_is_taken(self, service: Any, query: str) -> None:
        assert service.send("1,2,3", query=query).status == 200

    def test_another_is_409_and_names_the_one_in_service(self, service: Any) -> None:
        reply = service.send("1,2,3", query="corpus_version=c0")

        assert (reply.status, reply.json["code"], reply.json["allowed"]) == (409, "corpus_mismatch", "c1")
        assert service.runtime.calls == []

    def test_it_may_stand_in_the_json(self, service: Any) -> None:
        instances = [{"features": [1, 2, 3]}]

        assert service.send_json({"instances": instances, "corpus_version": "c1"}).status == 200
        assert service.send_json({"instances": instances, "corpus_version": "c0"}).status == 409

    def test_two_that_differ_are_refused(self, service: Any) -> None:
        body = {"documents": ["bike"], "corpus_version": "c0"}

        assert service.send_json(body, query="corpus_version=c1").json["code"] == "invalid_parameter"

    def test_the_servers_own_word_decides(self, service: Any) -> None:
        service.runtime.attributes = "model=job-2;corpus=c2;vocabulary=v2"

        reply = service.send("1,2,3", query="corpus_version=c1")

        assert (reply.status, reply.json["allowed"]) == (409, "c2")

    def test_one_promoted_a_moment_ago_is_taken(self, service: Any) -> None:
        service.send("1,2,3")
        service.ssm.record["corpus"] = "c2"
        service.runtime.attributes = "model=job-2;corpus=c2;vocabulary=v2"

        assert service.send("1,2,3", query="corpus_version=c2").status == 200


class TestBuiltInImage:
    """It names no version: the endpoint's state stands in for that."""

    @pytest.fixture
    def builtin(self, service: Any) -> Any:
        service.runtime.attributes = None
        service.ssm.record["algorithm"] = "builtin"
        return service

    def test_documents_are_answered_while_the_endpoint_is_as_recorded(self, builtin: Any) -> None:
        assert builtin.send_json({"documents": ["bike"]}).status == 200

    @pytest.mark.parametrize(
        "described",
        [
            {
                "EndpointStatus": "Updating",
                "EndpointConfigName": "config-1",
                "PendingDeploymentSummary": {"EndpointConfigName": "config-2"},
            },
            {"EndpointStatus": "RollingBack", "EndpointConfigName": "config-1"},
            {"EndpointStatus": "InService", "EndpointConfigName": "config-2"},
        ],
    )
    def test_documents_wait_while_it_is_not(self, builtin: Any, described: dict[str, Any]) -> None:
        builtin.sagemaker.described = described

        reply = builtin.send_json({"documents": ["bike"]})

        assert (reply.status, reply.json["code"]) == (503, "model_changing")
        assert "retry-after" in reply.headers

    def test_scaling_is_no_reason_to_wait(self, builtin: Any) -> None:
        builtin.sagemaker.described = {"EndpointStatus": "Updating", "EndpointConfigName": "config-1"}

        assert builtin.send_json({"documents": ["bike"]}).status == 200

    def test_without_a_recorded_config_any_update_is_one_to_wait_for(self, builtin: Any) -> None:
        del builtin.ssm.record["endpoint_config"]
        builtin.sagemaker.described = {"EndpointStatus": "Updating", "EndpointConfigName": "config-1"}

        assert builtin.send_json({"documents": ["bike"]}).status == 503

    def test_counts_go_through_unless_their_corpus_is_named(self, builtin: Any) -> None:
        builtin.sagemaker.described = {"EndpointStatus": "RollingBack", "EndpointConfigName": "config-1"}

        assert builtin.send("1,2,3").status == 200
        assert builtin.send("1,2,3", query="corpus_version=c1").status == 503

    def test_a_record_read_before_the_update_is_read_anew(self, builtin: Any, make_vocabulary: Any) -> None:
        builtin.send("1,2,3")
        builtin.clock.now += 5
        builtin.vocabularies["c2"] = make_vocabulary({"bike": 2})
        builtin.ssm.record |= {"corpus": "c2", "model": "job-2", "endpoint_config": "config-2"}
        builtin.sagemaker.described = {"EndpointStatus": "InService", "EndpointConfigName": "config-2"}

        reply = builtin.send_json({"documents": ["bike"]})

        assert reply.json["predictions"][0]["topic_weights"] == [0, 0, 1]
        assert reply.headers["x-corpus-version"] == "c2"

    def test_the_state_is_looked_at_now_and_then_only(self, builtin: Any) -> None:
        for _ in range(5):
            builtin.send_json({"documents": ["bike"]})
        assert builtin.sagemaker.looks == 1

        builtin.clock.now += 21
        builtin.send_json({"documents": ["bike"]})
        assert builtin.sagemaker.looks == 2

    def test_the_end_of_an_update_is_seen_soon(self, builtin: Any) -> None:
        in_order = builtin.sagemaker.described
        builtin.sagemaker.described = {**in_order, "EndpointStatus": "RollingBack"}
        assert builtin.send_json({"documents": ["bike"]}).status == 503

        builtin.sagemaker.described = in_order
        builtin.clock.now += 6
        assert builtin.send_json({"documents": ["bike"]}).status == 200

    def test_a_look_that_is_throttled_lets_the_last_one_stand_for_a_while(
        self, builtin: Any, service_failure: Any
    ) -> None:
        builtin.send_json({"documents": ["bike"]})
        builtin.sagemaker.failure = service_failure("ThrottlingException", 400)

        builtin.clock.now += 30
        assert builtin.send_json({"documents": ["bike"]}).status == 200
        builtin.clock.now += 31
        assert builtin.send_json({"documents": ["bike"]}).json["code"] == "endpoint_unavailable"

    def test_a_state_that_may_not_be_seen_is_no_leave_to_guess(self, builtin: Any, service_failure: Any) -> None:
        builtin.sagemaker.failure = service_failure("AccessDeniedException", 400)

        assert builtin.send_json({"documents": ["bike"]}).json["code"] == "service_misconfigured"


class TestSizeOfTheAnswer:
    """The URL carries 6 MB: what would not fit is refused before it is scored."""

    def test_too_many_documents_for_one_answer_are_refused_unscored(self, service: Any) -> None:
        service.ssm.record["num_topics"] = "1000"

        reply = service.send("1,2,3\n" * 300)

        assert (reply.status, reply.json["code"]) == (413, "answer_too_large")
        assert service.runtime.calls == []

    def test_the_number_of_topics_is_learnt_where_it_is_not_recorded(self, service: Any) -> None:
        del service.ssm.record["num_topics"]

        def many_topics(rows: list[list[float]]) -> dict[str, Any]:
            body = json.dumps({"predictions": [{"topic_weights": [0.001] * 1000} for _ in rows]})
            answer = service.runtime.answer(rows)
            return {**answer, "Body": io.BytesIO(body.encode())}

        service.runtime.script = [many_topics]
        service.send("1,2,3")
        calls = len(service.runtime.calls)

        assert service.send("1,2,3\n" * 300).json["code"] == "answer_too_large"
        assert len(service.runtime.calls) == calls

    def test_an_answer_that_turns_out_too_large_is_refused_all_the_same(self, service: Any) -> None:
        del service.ssm.record["num_topics"]

        def huge(rows: list[list[float]]) -> dict[str, Any]:
            body = json.dumps({"predictions": [{"topic_weights": [0.12345678901234567] * 1000} for _ in rows]})
            return {**service.runtime.answer(rows), "Body": io.BytesIO(body.encode())}

        service.runtime.script = [huge]

        assert service.send("1,2,3\n" * 400).json["code"] == "answer_too_large"

    def test_strongest_topics_that_would_not_fit_are_refused_unscored_too(self, service: Any) -> None:
        topics = json.loads(service.s3.objects["jobs/job-1/output/topics.json"])
        topics["topics"][2]["words"] = ['a word of some length, and in quotes: "train"'] * 200
        service.s3.objects["jobs/job-1/output/topics.json"] = json.dumps(topics).encode()

        refused = service.send("1,2,3\n" * 700, query="top=1")

        assert (refused.status, refused.json["code"]) == (413, "answer_too_large")
        assert service.runtime.calls == []
        most = int(refused.json["allowed"].split()[0])
        assert service.send("0,0,3\n" * most, query="top=1").status == 200

    def test_the_strongest_topics_of_as_many_do_fit(self, service: Any) -> None:
        service.ssm.record["num_topics"] = "1000"

        assert service.send("1,2,3\n" * 300, query="top=1").status == 200
