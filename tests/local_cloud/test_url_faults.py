"""Faults between caller and model: every request is answered, in order, once, or refused with whether to try again."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from local_cloud import LocalCloud
from tests.local_cloud.support import Account, until
from tests.local_cloud.topic_service import Answer, Model, TopicService

pytestmark = pytest.mark.local_cloud

OLD = Model("old", ("bicycle", "car", "train"))
NEW = Model("new", ("train", "bicycle", "ship", "car"))
"""The same words by other ids: what is counted for one and scored by the other is silently wrong."""
SILENT_OLD = Model("silent-old", ("bicycle", "car", "train"), names_its_version=False)
SILENT_NEW = Model("silent-new", ("train", "bicycle", "car"), names_its_version=False)


@pytest.fixture(scope="module")
def service(
    account: Account, cloud: LocalCloud, bucket: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TopicService]:
    made = TopicService(account, cloud, bucket, tmp_path_factory.mktemp("faults") / "faults")
    made.serve(OLD, count=2)
    yield made
    made.clean()


@pytest.fixture(autouse=True)
def _healthy(service: TopicService) -> Iterator[None]:
    yield
    service.heal()


def document(number: int) -> dict[str, int]:
    """Documents that differ, and whose weights do."""
    return {"bicycle": number % 7 + 1, "car": number // 7 % 7 + 1, "train": number // 49 % 7 + 1}


def documents() -> Iterator[dict[str, int]]:
    return map(document, itertools.count())


def counts(words: dict[str, int], model: Model = OLD) -> list[int]:
    return [words.get(word, 0) for word in model.words]


def is_right(answer: Answer, *asked: dict[str, int], model: Model = OLD) -> bool:
    """Whether an answer has the weights of the documents asked for, in order, each once."""
    told = [prediction["topic_weights"] for prediction in answer.body["predictions"]]
    return told == [pytest.approx(model.weights_of(words), abs=1e-6) for words in asked]


def assert_told_to_come_again(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.body.get("code")) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body["retry"] is True
    assert int(answer.headers["retry-after"]) >= 1


def test_a_process_killed_in_mid_request_costs_no_caller_an_answer(service: TopicService) -> None:
    batches = [[document(7 * number + place) for place in range(5)] for number in range(12)]
    service.fail("die")

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda batch: service.ask_counts(*map(counts, batch)), batches))

    assert not service.is_failing()
    assert [answer.status for answer in answers] == [200] * 12
    assert all(is_right(answer, *batch) for answer, batch in zip(answers, batches, strict=True))


def test_processes_that_are_killed_again_and_again_are_told_as_unavailable_and_come_back(service: TopicService) -> None:
    service.fail(*["die"] * 8)

    answer = service.ask_counts([1, 2, 3])

    assert answer.body["code"] in {"model_failed", "endpoint_unavailable"}
    assert_told_to_come_again(answer, 503, answer.body["code"])
    service.heal()
    until(lambda: service.ask_counts([1, 2, 3]).status == 200, timeout_s=60)


def test_an_answer_that_takes_too_long_is_refused_in_time_and_holds_up_no_other(service: TopicService) -> None:
    service.fail("slow")
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(service.ask_counts, [1, 2, 3])
        until(lambda: not service.is_failing())
        others = [service.ask_counts(counts(document(number))) for number in range(3)]

        assert_told_to_come_again(slow.result(), 504, "endpoint_timeout")
    assert all(is_right(answer, document(number)) for number, answer in enumerate(others))


@pytest.mark.parametrize("fault", ["cut", "short", "broken"])
def test_a_truncated_answer_or_a_failure_that_passes_is_not_noticed(service: TopicService, fault: str) -> None:
    service.fail(fault)

    answer = service.ask_counts(counts(document(5)), counts(document(6)))

    assert not service.is_failing()
    assert answer.status == 200
    assert is_right(answer, document(5), document(6))


@pytest.mark.parametrize(
    ("fault", "code"), [("cut", "model_failed"), ("short", "model_failed"), ("broken", "model_failed")]
)
def test_a_truncated_answer_or_a_failure_that_stays_is_never_passed_on(
    service: TopicService, fault: str, code: str
) -> None:
    service.fail(*[fault] * 8)

    assert_told_to_come_again(service.ask_counts([1, 2, 3]), 503, code)


def test_documents_counted_for_the_recorded_model_are_counted_anew_for_the_one_that_answers(
    service: TopicService,
) -> None:
    service.update(NEW)
    asked = [document(11), document(12)]

    raw, checked = service.ask_texts(*asked), service.ask_counts([1, 2, 3], query=f"corpus_version={OLD.corpus}")

    assert (raw.status, raw.headers["x-corpus-version"]) == (200, NEW.corpus)
    assert is_right(raw, *asked, model=NEW)
    assert (checked.status, checked.body["code"], checked.body["retry"]) == (409, "corpus_mismatch", False)
    service.serve(OLD, count=2)
    until(lambda: service.ask_counts([1, 2, 3], query=f"corpus_version={OLD.corpus}").status == 200, timeout_s=30)


def test_a_swap_under_load_gives_every_caller_its_own_topics_of_the_model_that_it_names(service: TopicService) -> None:
    with service.callers(4, documents()) as seen:
        until(lambda: len(seen) > 10)
        service.serve(NEW)
        swapped = len(seen)
        until(lambda: len(seen) > swapped + 10)

    by_corpus = {OLD.corpus: OLD, NEW.corpus: NEW}
    assert {answer.status for _, answer in seen} == {200}
    assert all(is_right(answer, asked, model=by_corpus[answer.headers["x-corpus-version"]]) for asked, answer in seen)
    assert {answer.headers["x-model-version"] for _, answer in seen} == {"old", "new"}
    assert seen[-1][1].headers["x-model-version"] == "new"


def test_a_throttled_endpoint_is_told_as_such_and_those_that_fit_are_answered(service: TopicService) -> None:
    service.serve(OLD, variant={"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}})
    until(lambda: service.ask_counts([1, 2, 3]).status == 200, timeout_s=60)
    service.fail("slow")
    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(service.ask_counts, [3, 2, 1])
        until(lambda: not service.is_failing())

        assert_told_to_come_again(service.ask_counts([1, 2, 3]), 429, "throttled")
        holding.result()
    until(lambda: service.ask_counts([1, 2, 3]).status == 200, timeout_s=30)
    with ThreadPoolExecutor(6) as pool:
        asked = [document(number) for number in range(24)]
        answers = list(pool.map(lambda words: service.ask_counts(counts(words)), asked))
    assert {answer.status for answer in answers} <= {200, 429}
    assert 200 in {answer.status for answer in answers}
    for words, answer in zip(asked, answers, strict=True):
        if answer.status == 200:
            assert is_right(answer, words)
        else:
            assert_told_to_come_again(answer, 429, "throttled")


def test_with_a_container_that_names_no_version_documents_wait_until_the_record_is_of_the_model(
    service: TopicService,
) -> None:
    service.serve(SILENT_OLD)
    service.restart()
    asked = document(23)

    before = service.ask_texts(asked)
    config = service.update(SILENT_NEW)
    # On AWS new instances take minutes to start, far longer than a look at the endpoint stands: here they do not.
    service.restart()
    between, unversioned = service.ask_texts(asked), service.ask_counts([1, 2, 3])
    service.record(SILENT_NEW, config)
    service.restart()
    after = service.ask_texts(asked)

    assert (before.headers["x-corpus-version"], before.headers["x-model-version"]) == (SILENT_OLD.corpus, "silent-old")
    assert is_right(before, asked, model=SILENT_OLD)
    assert_told_to_come_again(between, 503, "model_changing")
    assert unversioned.status == 200
    assert after.headers["x-corpus-version"] == SILENT_NEW.corpus
    assert is_right(after, asked, model=SILENT_NEW)


@pytest.mark.slow
def test_an_update_of_such_a_container_under_load_gives_nobody_topics_of_the_other_vocabulary(
    service: TopicService,
) -> None:
    service.serve(SILENT_OLD)
    service.restart()
    answers: list[Answer] = []
    done = threading.Event()

    def call() -> None:
        while not done.is_set():
            # Each by a new copy, which has not looked at the endpoint yet.
            service.restart()
            answers.append(service.ask_texts(document(31)))

    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(call)
        until(lambda: len(answers) > 1, timeout_s=60)
        config = service.update(SILENT_NEW)
        looked = len(answers)
        until(lambda: len(answers) > looked + 1, timeout_s=60)
        service.record(SILENT_NEW, config)
        recorded = len(answers)
        until(lambda: len(answers) > recorded + 1, timeout_s=60)
        done.set()
        calling.result()
    by_corpus = {SILENT_OLD.corpus: SILENT_OLD, SILENT_NEW.corpus: SILENT_NEW}
    for answer in answers:
        if answer.status == 200:
            assert is_right(answer, document(31), model=by_corpus[answer.headers["x-corpus-version"]])
        else:
            assert_told_to_come_again(answer, 503, "model_changing")
    assert 503 in {answer.status for answer in answers}
    assert answers[-1].headers["x-model-version"] == "silent-new"


def test_an_expired_role_is_told_as_the_services_own_fault_until_it_has_new_credentials(
    service: TopicService, cloud: LocalCloud
) -> None:
    service.serve(OLD)
    service.restart()
    assert service.ask_counts([1, 2, 3]).status == 200

    cloud.expire_sessions(service.role)
    refused = service.ask_counts([1, 2, 3])
    service.restart()

    assert_told_to_come_again(refused, 503, "credentials_refused")
    assert service.ask_counts([1, 2, 3]).status == 200
