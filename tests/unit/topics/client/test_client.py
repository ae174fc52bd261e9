from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from topics_client import AsyncTopicsClient, TopicsClient, TopicsError


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def client(url: Any, pauses: list[float]) -> TopicsClient:
    return TopicsClient(url.address, sleep=pauses.append, uniform=lambda _low, high: high)


class FakeFrame:
    """What pandas and Polars have in common."""

    def __init__(self, **columns: list[object]) -> None:
        self._columns = columns

    @property
    def columns(self) -> list[str]:
        return list(self._columns)

    def __getitem__(self, name: str) -> list[object]:
        return self._columns[name]


def test_texts_are_scored_by_signed_requests(client: TopicsClient) -> None:
    bike, car = client.score(["bike", "car unseen"])

    assert (bike.weights, car.weights) == ((1, 0, 0), (0, 1, 0))
    assert car.unknown_word_share == 0.5
    assert (bike.versions.model, bike.versions.corpus) == ("job-1", "c1")


@pytest.mark.parametrize(
    "document",
    [
        [0, 1, 1],
        (0, 1.0, 1),
        {2: 1, 1: 1},
        np.array([0, 1, 1]),
        np.array([0, 1, 1], dtype=np.float32),
        csr_matrix([[0, 1, 1]]),
    ],
)
def test_counts_may_come_in_any_form(client: TopicsClient, document: Any) -> None:
    assert client.score([document])[0].weights == (0, 0.5, 0.5)


@pytest.mark.parametrize("matrix", [np.eye(3), csr_matrix(np.eye(3)), np.eye(3).tolist()])
def test_a_matrix_is_its_rows(client: TopicsClient, matrix: Any) -> None:
    assert [one.weights for one in client.score(matrix)] == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]


def test_a_data_frame_is_one_of_its_columns(client: TopicsClient) -> None:
    frame = FakeFrame(text=["bike", "car"], other=[1, 2])

    assert [one.weights for one in client.score(frame, column="text")] == [(1, 0, 0), (0, 1, 0)]
    assert client.score(FakeFrame(text=["bike"]))[0].weights == (1, 0, 0)
    with pytest.raises(ValueError, match="name one as column="):
        client.score(frame)
    with pytest.raises(ValueError, match="'body' is none of them"):
        client.score(frame, column="body")


def test_the_strongest_topics_come_with_label_and_words(client: TopicsClient) -> None:
    (prediction,) = client.score(["train train bike"], top=1)

    assert prediction.topics is not None
    assert (prediction.topics[0].label, prediction.topics[0].words) == ("Rail", ("train",))
    assert prediction.weights is None


def test_documents_of_many_batches_come_back_in_order(url: Any) -> None:
    client = TopicsClient(url.address, max_documents=7, parallel=3)
    words = ["bike", "car", "train"]

    predictions = client.score(words[number % 3] for number in range(100))

    assert [one.weights.index(1) for one in predictions if one.weights] == [number % 3 for number in range(100)]
    assert len(url.requests) == 15


def test_an_endless_source_is_read_only_a_little_ahead(url: Any) -> None:
    client = TopicsClient(url.address, max_documents=5, parallel=2)
    read: list[int] = []

    def endless() -> Iterator[str]:
        for number in itertools.count(1):
            read.append(number)
            yield "bike"

    stream = client.stream(endless())
    first = [next(stream) for _ in range(10)]
    stream.close()

    assert len(first) == 10
    assert len(read) <= 5 * (10 // 5 + 2 + 2)


def test_a_refused_document_is_told_with_its_number_among_all(url: Any) -> None:
    client = TopicsClient(url.address, max_documents=4, parallel=1)

    with pytest.raises(TopicsError) as refusal:
        client.score(["bike"] * 6 + ["unseen"])

    assert (refusal.value.code, refusal.value.row, refusal.value.status) == ("no_known_words", 7, 422)


def test_refused_documents_may_be_returned_in_their_place(client: TopicsClient) -> None:
    good, bad = client.score(["bike", "unseen"], on_error="return")

    assert good.error is None
    assert bad.error is not None
    assert (bad.error.code, bad.error.row, bad.weights) == ("no_known_words", 2, None)


def test_documents_without_known_words_may_get_the_mean(client: TopicsClient) -> None:
    (prediction,) = client.score(["unseen"], empty="mean")

    assert (prediction.weights, prediction.estimated) == ((0.5, 0.3, 0.2), True)


def test_another_corpus_version_is_refused(client: TopicsClient) -> None:
    with pytest.raises(TopicsError, match="corpus_mismatch"):
        client.score([[1, 2, 3]], corpus_version="c0")


@pytest.mark.parametrize(
    ("document", "what"),
    [
        (7, "of type int"),
        (b"bytes", "of type bytes"),
        ([1, None], "None"),
        ([1, True], "True"),
        ([float("nan")], "nan"),
    ],
)
def test_what_is_no_document_is_named_with_its_number(client: TopicsClient, document: Any, what: str) -> None:
    with pytest.raises(ValueError, match=f"document 2 .*{what}"):
        client.score([[1, 2, 3], document])


def test_one_string_is_no_list_of_documents(client: TopicsClient) -> None:
    with pytest.raises(ValueError, match="one string"):
        client.score("bike")


def test_no_documents_need_no_request(client: TopicsClient, url: Any) -> None:
    assert client.score([]) == []
    assert url.requests == []


class TestRetries:
    """What may pass is tried again, what may not is told at once."""

    def test_a_problem_that_may_pass(self, client: TopicsClient, url: Any, problem: Any, pauses: list[float]) -> None:
        status, headers, body = problem(503, "model_changing", retry=True)
        url.script = [(status, {**headers, "retry-after": "5"}, body)]

        assert client.score(["bike"])[0].weights == (1, 0, 0)
        assert pauses == [5]

    @pytest.mark.parametrize("status", [429, 502, 503, 504])
    def test_lambdas_own_refusals_that_may_pass(
        self, client: TopicsClient, url: Any, status: int, pauses: list[float]
    ) -> None:
        url.script = [(status, {}, b"Internal Server Error"), (status, {}, b"")]

        assert client.score(["bike"])[0].weights == (1, 0, 0)
        assert pauses == [0.4, 0.8]

    def test_lambdas_own_refusal_that_will_not_pass(self, url: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")

        with pytest.raises(TopicsError) as refusal:
            TopicsClient(url.address).score(["bike"])

        assert (refusal.value.code, refusal.value.status) == ("lambda_forbidden", 403)
        assert len(url.requests) == 1

    def test_a_problem_that_does_not_pass(self, client: TopicsClient, url: Any, problem: Any) -> None:
        url.script = [problem(429, "throttled", retry=True)] * 9

        with pytest.raises(TopicsError, match="throttled"):
            client.score(["bike"])
        assert len(url.requests) == 5

    def test_a_connection_that_is_refused(self, pauses: list[float], url: Any) -> None:
        client = TopicsClient("http://127.0.0.1:9/", region="eu-west-1", sleep=pauses.append)

        with pytest.raises(TopicsError, match="no_connection"):
            client.health()
        assert len(pauses) == 4

    @pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"predictions":[]}', b'{"predictions":[{}]}'])
    def test_an_answer_of_another_form_is_never_taken_for_one(
        self, client: TopicsClient, url: Any, body: bytes
    ) -> None:
        url.script = [(200, {}, body)]

        with pytest.raises(TopicsError, match="not_an_answer"):
            client.score(["bike"])


def test_what_is_too_large_is_sent_in_halves_and_stays_in_order(client: TopicsClient, url: Any) -> None:
    url.script = [(413, {}, b""), (413, {}, b"")]
    words = ["bike", "car", "train"] * 3

    predictions = client.score(words)

    assert [one.weights.index(1) for one in predictions if one.weights] == [0, 1, 2] * 3
    assert len(url.requests) == 5


def test_a_single_document_that_is_too_large_is_refused(client: TopicsClient, url: Any) -> None:
    url.script = [(413, {}, b"")]

    with pytest.raises(TopicsError, match="lambda_payload_too_large"):
        client.score(["bike"])


def test_topics_and_health(client: TopicsClient, url: Any) -> None:
    assert [topic.label for topic in client.topics().topics] == ["Cycling", "Driving", "Rail"]
    assert client.health().versions.model == "job-1"
    assert client.health(endpoint=True).endpoint_called
    assert url.requests[-1] == ("GET", "/health?endpoint=true")


def test_the_local_cloud_is_reached_while_signing_for_the_urls_own_host(url: Any) -> None:
    url.host = "abc.lambda-url.eu-west-1.on.aws"
    client = TopicsClient(f"http://{url.host}/", via=url.address)

    assert client.score(["bike"])[0].weights == (1, 0, 0)


def test_the_region_is_found_in_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")

    TopicsClient("https://abc.lambda-url.eu-west-1.on.aws/")
    with pytest.raises(ValueError, match="region"):
        TopicsClient("https://topics.example.com/")


@pytest.mark.parametrize("address", ["", "abc", "ftp://x/", "https:///"])
def test_what_is_no_url_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="url is"):
        TopicsClient(address, region="eu-west-1")


class TestAsync:
    """The same, awaited."""

    def test_documents_come_back_in_order(self, url: Any) -> None:
        client = AsyncTopicsClient(TopicsClient(url.address), parallel=3, max_documents=7)
        words = ["bike", "car", "train"]

        predictions = asyncio.run(client.score([words[number % 3] for number in range(50)]))

        assert [one.weights.index(1) for one in predictions if one.weights] == [number % 3 for number in range(50)]

    def test_errors_are_raised(self, url: Any) -> None:
        client = AsyncTopicsClient(TopicsClient(url.address), max_documents=2)

        with pytest.raises(TopicsError) as refusal:
            asyncio.run(client.score(["bike", "bike", "bike", "unseen"]))
        assert refusal.value.row == 4

    def test_topics_and_health(self, url: Any) -> None:
        async def ask() -> tuple[int, bool]:
            client = AsyncTopicsClient(TopicsClient(url.address))
            topics, health = await asyncio.gather(client.topics(), client.health(endpoint=True))
            return len(topics.topics), health.endpoint_called

        assert asyncio.run(ask()) == (3, True)
