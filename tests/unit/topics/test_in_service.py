from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from url_functions.in_service import MIN_CONFIRM_INTERVAL_S, InService, InServiceFacts
from url_functions.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def facts(ssm: Any, clock: Any) -> InServiceFacts:
    return InServiceFacts(lambda: ssm, "/in-service", ttl_s=60, clock=clock, sleep=clock.sleep)


def test_the_record_is_read_once_within_its_time_to_live(facts: InServiceFacts, ssm: Any, clock: Any) -> None:
    for _ in range(3):
        assert facts.current().corpus == "c1"
    assert ssm.reads == 1

    clock.now += 61
    ssm.record["corpus"] = "c2"

    assert facts.current().corpus == "c2"


def test_doubt_reads_the_record_again_but_not_every_time(facts: InServiceFacts, ssm: Any, clock: Any) -> None:
    facts.current()
    clock.now += 10
    ssm.record["corpus"] = "c2"

    assert [facts.refreshed().corpus for _ in range(5)] == ["c2"] * 5
    assert ssm.reads == 2


def test_what_a_refusal_rests_on_is_read_after_the_request_came(facts: InServiceFacts, ssm: Any, clock: Any) -> None:
    facts.refreshed()
    ssm.record["corpus"] = "c2"
    began = clock.now

    assert facts.confirmed().corpus == "c2"
    assert clock.now == began + MIN_CONFIRM_INTERVAL_S


def test_what_was_read_stays_in_use_while_the_record_cannot_be_read(
    facts: InServiceFacts, ssm: Any, clock: Any
) -> None:
    facts.current()
    clock.now += 61
    ssm.failure = EndpointConnectionError(endpoint_url="https://ssm")

    assert facts.current().corpus == "c1"


def test_forgetting_reads_the_record_again(facts: InServiceFacts, ssm: Any) -> None:
    facts.current()
    facts.forget()
    facts.current()

    assert ssm.reads == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("ParameterNotFound", Code.MODEL_NOT_IN_SERVICE),
        ("AccessDeniedException", Code.SERVICE_MISCONFIGURED),
        ("ThrottlingException", Code.MODEL_NOT_IN_SERVICE),
    ],
)
def test_a_record_that_was_never_read_is_a_problem_worth_a_retry(
    facts: InServiceFacts, ssm: Any, service_failure: Callable[..., ClientError], error: str, code: Code
) -> None:
    ssm.failure = service_failure(error, 400)

    with pytest.raises(Problem) as refusal:
        facts.current()

    assert (refusal.value.code, refusal.value.status) == (code, 503)
    assert refusal.value.retry_after_s


@pytest.mark.parametrize(
    "change",
    [
        {"model": ""},
        {"corpus": None},
        {"feature_dim": "many"},
        {"feature_dim": 0},
        {"feature_dim": True},
        {"feature_dim": 1_000_001},
        {"algorithm": "lda"},
    ],
)
def test_a_record_that_is_wrong_says_so(facts: InServiceFacts, ssm: Any, change: dict[str, object]) -> None:
    ssm.record |= change

    with pytest.raises(Problem) as refusal:
        facts.current()

    assert refusal.value.code == Code.SERVICE_MISCONFIGURED


def test_numbers_may_arrive_as_their_digits() -> None:
    record = {"model": "m", "corpus": "c", "vocabulary": "v", "feature_dim": "2000", "num_topics": "30"}

    read = InService.from_json(json.dumps(record))

    assert (read.feature_dim, read.num_topics, read.algorithm) == (2000, 30, "builtin")
