from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topics_function.answering.metrics import SHIFT_LEAST_DOCUMENTS, RecentTopics, entropy, shift

weights = st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda row: sum(row) > 1e-6)


def line_of(service: Any, message: str = "request") -> dict[str, Any]:
    found = [line for line in map(json.loads, service.lines) if line.get("message") == message]
    return dict(found[-1])


def test_entropy_is_nothing_for_one_topic_and_most_for_all_alike() -> None:
    assert entropy([0, 1, 0]) == 0
    assert entropy([0.25] * 4) == pytest.approx(math.log(4))


@given(weights, weights)
def test_shift_is_symmetric_and_between_nothing_and_one_bit(first: list[float], second: list[float]) -> None:
    assert shift(first, second) == pytest.approx(shift(second, first), abs=1e-9)
    assert 0 <= shift(first, second) <= 1 + 1e-9


@given(weights)
def test_nothing_has_shifted_from_itself(row: list[float]) -> None:
    assert shift(row, row) == pytest.approx(0, abs=1e-9)


def test_topics_with_nothing_in_common_have_shifted_by_one_bit() -> None:
    assert shift([1, 0], [0, 1]) == pytest.approx(1)


def test_recent_topics_fade_as_others_come_in() -> None:
    recent = RecentTopics()
    recent.add("model", [[1.0, 0.0]] * 1000)
    assert recent.mean() == pytest.approx([1, 0])

    for _ in range(20):
        recent.add("model", [[0.0, 1.0]] * 1000)

    mean = recent.mean()
    assert mean is not None
    assert mean[1] > 0.99


def test_recent_topics_of_another_model_begin_anew() -> None:
    recent = RecentTopics()
    recent.add("old", [[1.0, 0.0]] * 1000)
    recent.add("new", [[0.0, 0.0, 1.0]])

    assert recent.mean() is None


def test_a_request_is_one_line_of_embedded_metrics(service: Any) -> None:
    service.send_json({"documents": ["bike car unseen words", "train"]})

    line = line_of(service)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "TopicModel"
    assert directive["Dimensions"] == [["Endpoint"]]
    assert all(metric["Name"] in line for metric in directive["Metrics"])
    assert (line["Documents"], line["UnknownWordShare"], line["EndpointCalls"]) == (2, 0.4, 1)
    assert line["TopicEntropy"] == pytest.approx(math.log(2) / 2, abs=1e-3)
    assert (line["status"], line["model"], line["corpus"], line["request_id"]) == (200, "job-1", "c1", "request-1")


def test_a_refusal_is_counted_by_its_code(service: Any) -> None:
    service.send("1,2")

    line = line_of(service)
    assert (line["Refusals"], line["Code"], line["status"]) == (1, "wrong_width", 422)
    assert ["Endpoint", "Code"] in line["_aws"]["CloudWatchMetrics"][0]["Dimensions"]


def test_documents_are_counted_by_their_strongest_topic(service: Any) -> None:
    service.send("1,0,0\n3,0,1\n0,0,1")

    counted = {line["Topic"]: line["TopicDocuments"] for line in map(json.loads, service.lines) if "Topic" in line}
    assert counted == {"0": 2, "2": 1}


def test_documents_that_got_the_mean_or_a_problem_say_nothing_about_topics(service: Any) -> None:
    service.send("0,0,0\n1,2\n0,0,1", query="errors=per_row&empty=mean")

    line = line_of(service)
    assert (line["Documents"], line["RefusedDocuments"]) == (1, 1)


def test_the_shift_is_told_once_enough_documents_have_been_seen(service: Any) -> None:
    service.send("1,0,0\n" * (SHIFT_LEAST_DOCUMENTS - 1))
    assert "TopicShift" not in line_of(service)

    service.send("1,0,0\n" * 50)
    assert line_of(service)["TopicShift"] == pytest.approx(shift([1, 0, 0], [0.5, 0.3, 0.2]), abs=1e-3)


def test_a_training_mean_that_cannot_be_had_is_not_asked_for_with_every_request(service: Any) -> None:
    service.s3.objects["jobs/job-1/output/topics.json"] = b'{"topics":[{"id":0,"words":["a"]}]}'

    for _ in range(3):
        service.send("1,0,0\n" * SHIFT_LEAST_DOCUMENTS)

    assert "TopicShift" not in line_of(service)
    assert len(service.s3.reads) == 1


def test_the_path_and_method_of_a_line_are_never_the_callers_own_words(service: Any) -> None:
    service.send("secret", method="SECRET", path="/secret")

    assert "secret" not in service.lines[-1].lower()


def test_a_trace_is_named(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-2-3")
    service.send("1,2,3")

    assert line_of(service)["trace"] == "Root=1-2-3"
