from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from topics_function.model.endpoint import MAX_ATTEMPTS, Answered, Endpoint, ModelRefusalError
from topics_function.reading import records
from url_functions.deadline import Deadline
from url_functions.problems import Code, Problem

Failure = Callable[..., ClientError]
ROW = records.of_counts([0, 1, 2], [1, 2, 3], 3)


@pytest.fixture
def runtime(service: Any) -> Any:
    return service.runtime


class Caller:
    """An endpoint whose pauses move its clock instead of being slept."""

    def __init__(self, runtime: Any, clock: Any, remaining_s: float) -> None:
        self.clock = clock
        self.pauses: list[float] = []
        self.deadline = Deadline(remaining_s, clock)
        self.endpoint = Endpoint(
            runtime, "topics", read_timeout_s=61, sleep=self._pause, uniform=lambda _low, high: high
        )

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.now += seconds

    def invoke(self) -> Answered:
        return self.endpoint.invoke(ROW, rows=1, deadline=self.deadline)


@pytest.fixture
def caller(runtime: Any, clock: Any) -> Caller:
    return Caller(runtime, clock, 74)


def test_the_answer_names_the_versions_that_gave_it(caller: Caller) -> None:
    answered = caller.invoke()

    assert answered.predictions.weights == [[1 / 6, 2 / 6, 3 / 6]]
    assert (answered.versions.model, answered.versions.corpus) == ("job-1", "c1")


@pytest.mark.parametrize(
    "failures",
    [
        [("ThrottlingException", 400)],
        [("ModelNotReadyException", 429)],
        [("ServiceUnavailable", 503), ("InternalDependencyException", 530)],
        [("InternalFailure", 500)],
        [("SomethingNew", 502)],
    ],
)
def test_a_failure_that_may_pass_is_tried_again(
    caller: Caller, runtime: Any, service_failure: Failure, failures: list[tuple[str, int]]
) -> None:
    runtime.script = [service_failure(code, status) for code, status in failures]

    assert caller.invoke().predictions.weights
    assert len(runtime.calls) == len(failures) + 1
    assert len(caller.pauses) == len(failures)


def test_a_connection_that_breaks_is_tried_again(caller: Caller, runtime: Any) -> None:
    runtime.script = [ConnectionClosedError(endpoint_url="x"), EndpointConnectionError(endpoint_url="x")]

    assert caller.invoke().predictions.weights


@pytest.mark.parametrize(
    "answer",
    [
        b'{"predictions":[{"topic_weights":[0.5,0',
        b'{"predictions":[]}',
        b'{"predictions":[{"topic_weights":[0.5]},{"topic_weights":[0.5]}]}',
        b'{"predictions":[{"topic_weights":[]}]}',
        b'{"predictions":[{"topic_weights":[NaN]}]}',
        b'{"predictions":[{"topic_weights":["0.5"]}]}',
        b'{"predictions":[{"topic_weights":7}]}',
        b"[]",
        b"",
        b"\xff",
    ],
)
def test_an_answer_that_is_cut_short_or_wrong_is_asked_for_again(caller: Caller, runtime: Any, answer: bytes) -> None:
    runtime.script = [lambda _rows: {"Body": io.BytesIO(answer), "ContentType": "application/json"}]

    assert caller.invoke().predictions.weights == [[1 / 6, 2 / 6, 3 / 6]]
    assert len(runtime.calls) == 2


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (("ThrottlingException", 400), (Code.THROTTLED, 429)),
        (("ModelNotReadyException", 429), (Code.ENDPOINT_STARTING, 503)),
        (("ServiceUnavailable", 503), (Code.ENDPOINT_UNAVAILABLE, 503)),
        (("SomethingNew", 429), (Code.THROTTLED, 429)),
        (("ModelError", 424), (Code.MODEL_FAILED, 503)),
    ],
)
def test_a_failure_that_does_not_pass_is_told_with_a_time_to_retry(
    caller: Caller, runtime: Any, service_failure: Failure, failure: tuple[str, int], told: tuple[Code, int]
) -> None:
    runtime.script = [service_failure(*failure, OriginalStatusCode=500) for _ in range(10)]

    with pytest.raises(Problem) as refusal:
        caller.invoke()

    assert (refusal.value.code, refusal.value.status) == told
    assert refusal.value.retry_after_s
    assert len(runtime.calls) == MAX_ATTEMPTS


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (("AccessDeniedException", 403), Code.SERVICE_MISCONFIGURED),
        (("ExpiredTokenException", 403), Code.CREDENTIALS_REFUSED),
        (("ValidationError", 400), Code.ENDPOINT_MISSING),
        (("SomethingNew", 400), Code.ENDPOINT_UNAVAILABLE),
    ],
)
def test_what_no_retry_can_help_is_not_tried_again(
    caller: Caller, runtime: Any, service_failure: Failure, failure: tuple[str, int], told: Code
) -> None:
    runtime.script = [service_failure(*failure)]

    with pytest.raises(Problem) as refusal:
        caller.invoke()

    assert refusal.value.code == told
    assert len(runtime.calls) == 1


@pytest.mark.parametrize(
    ("failure", "told"),
    [(ReadTimeoutError(endpoint_url="x"), Code.ENDPOINT_TIMEOUT), (NoCredentialsError(), Code.CREDENTIALS_REFUSED)],
)
def test_a_client_side_failure_that_stays_is_not_tried_again(
    caller: Caller, runtime: Any, failure: Exception, told: Code
) -> None:
    runtime.script = [failure]

    with pytest.raises(Problem) as refusal:
        caller.invoke()

    assert refusal.value.code == told
    assert len(runtime.calls) == 1


def test_the_endpoints_own_retry_after_is_kept(caller: Caller, runtime: Any, service_failure: Failure) -> None:
    runtime.script = [service_failure("ThrottlingException", 400, {"retry-after": "7"})]

    caller.invoke()

    assert caller.pauses == [7]


def test_waiting_never_goes_past_the_deadline(runtime: Any, clock: Any, service_failure: Failure) -> None:
    caller = Caller(runtime, clock, 62)
    runtime.script = [service_failure("ThrottlingException", 400, {"retry-after": "62"})]

    with pytest.raises(Problem) as refusal:
        caller.invoke()

    assert (refusal.value.code, refusal.value.retry_after_s) == (Code.THROTTLED, 62)
    assert caller.pauses == []


def test_a_call_is_given_up_at_the_deadline_though_the_endpoint_stays_silent(runtime: Any) -> None:
    released = threading.Event()
    runtime.script = [lambda _rows: released.wait(60) and {}]
    endpoint = Endpoint(runtime, "topics", read_timeout_s=61)

    with pytest.raises(Problem) as refusal:
        endpoint.invoke(ROW, rows=1, deadline=Deadline(0.6))
    released.set()

    assert (refusal.value.code, refusal.value.status) == (Code.ENDPOINT_TIMEOUT, 504)


def test_no_call_is_begun_without_time_for_it(runtime: Any, clock: Any) -> None:
    with pytest.raises(Problem) as refusal:
        Caller(runtime, clock, 0.4).invoke()

    assert refusal.value.code == Code.ENDPOINT_TIMEOUT
    assert runtime.calls == []


def test_the_servers_own_refusal_is_read(caller: Caller, runtime: Any, service_failure: Failure) -> None:
    error = {"code": "wrong_width", "message": "4 columns", "row": 2, "column": None, "corpus": "c2"}
    message = json.dumps({"error": error})
    runtime.script = [service_failure("ModelError", 424, OriginalStatusCode=400, OriginalMessage=message)]

    with pytest.raises(ModelRefusalError) as refusal:
        caller.invoke()

    told = refusal.value
    assert (told.server_code, told.detail, told.row, told.corpus) == ("wrong_width", "4 columns", 2, "c2")


@pytest.mark.parametrize("message", [None, "Traceback: secret text of a document", "[]", '{"error":"no"}'])
def test_a_refusal_in_another_form_is_not_passed_on(
    caller: Caller, runtime: Any, service_failure: Failure, message: str | None
) -> None:
    runtime.script = [service_failure("ModelError", 424, OriginalStatusCode=400, OriginalMessage=message)]

    with pytest.raises(ModelRefusalError) as refusal:
        caller.invoke()

    assert refusal.value.detail == "the model's container answered 400"
