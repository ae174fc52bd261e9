from __future__ import annotations

import json
from typing import Any

import pytest

from topics_client import SimilarClient, TopicsError
from topics_client.command import main
from topics_client.similar import SimilarDocument

FOUND = json.dumps(
    {
        "model": "job-1",
        "corpus": "c1",
        "unknown_word_share": 0.25,
        "similar": [{"id": "a/1", "label": "x", "distance": 0.125}, {"id": "b", "label": "", "distance": 0.5}],
    }
).encode()
HEADERS = {"content-type": "application/json", "x-model-version": "job-1", "x-corpus-version": "c1"}


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def client(url: Any, pauses: list[float]) -> SimilarClient:
    return SimilarClient(url.address, sleep=pauses.append, uniform=lambda _low, high: high)


def test_documents_like_a_named_one_are_asked_for_by_its_id(client: SimilarClient, url: Any) -> None:
    url.script = [(200, HEADERS, FOUND)]

    found = client.similar("rec.sport/52 561", number=2)

    assert found.documents == (SimilarDocument("a/1", "x", 0.125), SimilarDocument("b", "", 0.5))
    assert (found.versions.model, found.versions.corpus) == ("job-1", "c1")
    assert url.requests == [("GET", "/similar?id=rec.sport%2F52%20561&number=2")]


def test_documents_like_a_raw_one_are_asked_for_by_its_text(client: SimilarClient, url: Any) -> None:
    url.script = [(200, HEADERS, FOUND)]

    assert client.similar_to("two bikes").unknown_word_share == 0.25
    assert url.requests == [("POST", "/similar")]


def test_an_index_that_is_on_its_way_is_asked_again(client: SimilarClient, url: Any, pauses: list[float]) -> None:
    problem = {"code": "index_not_published", "detail": "not yet", "retry": True}
    url.script = [(503, {"retry-after": "30"}, json.dumps(problem).encode()), (200, HEADERS, FOUND)]

    assert len(client.similar("a").documents) == 2
    assert pauses == [30.0]


@pytest.mark.parametrize("body", [b"no json", b"{}", b'{"similar": [{"id": "a"}]}', b"[]"])
def test_what_is_no_answer_is_told_as_such(client: SimilarClient, url: Any, body: bytes) -> None:
    url.script = [(200, HEADERS, body)]

    with pytest.raises(TopicsError, match="not_an_answer"):
        client.similar("a")


def test_fewer_attempts_than_one_are_refused() -> None:
    with pytest.raises(ValueError, match="max_attempts is 0"):
        SimilarClient("https://x.lambda-url.eu-west-1.on.aws/", max_attempts=0)


@pytest.mark.parametrize(
    ("format_name", "shown"),
    [
        ("table", "0.1250  a/1  x\n0.5000  b  \n"),
        ("csv", "id,label,distance\na/1,x,0.125\nb,,0.5\n"),
        ("json", '{"id": "a/1", "label": "x", "distance": 0.125, "model": "job-1"}\n'
                 '{"id": "b", "label": "", "distance": 0.5, "model": "job-1"}\n'),
    ],
)  # fmt: skip
def test_the_command_shows_them(
    url: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, format_name: str, shown: str
) -> None:
    monkeypatch.setenv("TOPICS_SIMILAR_URL", url.address)
    url.script = [(200, HEADERS, FOUND)]

    assert main(["--format", format_name, "similar", "--id", "a"]) == 0
    assert capsys.readouterr().out == shown


def test_the_command_sends_a_file_as_one_document(url: Any, tmp_path: Any) -> None:
    url.script = [(200, HEADERS, FOUND)]
    (tmp_path / "letter.txt").write_text("two\nbikes")

    assert main(["--url", url.address, "similar", str(tmp_path / "letter.txt")]) == 0
    assert url.requests == [("POST", "/similar")]


def test_the_command_says_which_url_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["similar", "--id", "a"]) == 2
    assert capsys.readouterr().err == "topics: there is no URL: give --url, or set TOPICS_SIMILAR_URL\n"
