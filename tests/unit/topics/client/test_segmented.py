"""The client parts the words of texts that the URL refuses as unsegmented, and sends them again."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from topics_client import TopicsClient, TopicsError, segmentation
from training_scripts.corpus.reading.text_rule import SCRIPTS

from topics_function.reading.vectorizer import Vocabulary

TEXT = "天气天气音乐音乐足球"
SCRIPT = "Chinese or Japanese"


@pytest.fixture(autouse=True)
def packages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that parts Chinese into words of two characters."""
    cutter = SimpleNamespace(cut=lambda text: [text[at : at + 2] for at in range(0, len(text), 2)])
    monkeypatch.setitem(sys.modules, "rjieba", cutter)
    monkeypatch.setattr(segmentation, "version", lambda _name: "1.0")
    segmentation._cutter.cache_clear()
    yield
    segmentation._cutter.cache_clear()


@pytest.fixture
def client(url: Any, service: Any) -> TopicsClient:
    words = ["天气", "音乐", "足球"]
    content = {
        "schema_version": 1,
        "pattern": r"\w+",
        "lowercase": True,
        "normalisation": "NFC",
        "feature_dim": 3,
        "words": words,
        "forms": {word: number for number, word in enumerate(words)},
        "unsegmented": {SCRIPT: {**SCRIPTS[SCRIPT], "by": "rjieba 1.0"}},
    }
    service.vocabularies["c1"] = Vocabulary.from_json(json.dumps(content).encode())
    return TopicsClient(url.address)


@pytest.mark.parametrize("on_error", ["raise", "return"])
def test_unsegmented_texts_get_the_weights_of_their_words(client: TopicsClient, on_error: Any) -> None:
    parted, whole = client.score(["天气 天气 音乐 音乐 足球", TEXT], on_error=on_error)

    assert whole.weights == parted.weights == (0.4, 0.4, 0.2)
    assert whole.error is None


def test_what_is_no_document_stays_an_error_beside_a_text_that_is_parted(client: TopicsClient) -> None:
    missing, whole = client.score([None, TEXT], on_error="return")  # type: ignore[list-item]  # as a table may have it

    assert missing.error is not None
    assert missing.error.code == "not_a_document"
    assert whole.weights == (0.4, 0.4, 0.2)


def test_without_the_package_the_refusal_says_what_to_install(
    client: TopicsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rjieba", None)

    with pytest.raises(TopicsError) as refusal:
        client.score(["足球 足球", TEXT])
    known, unknown = client.score(["足球 足球", TEXT], on_error="return")

    assert (refusal.value.code, refusal.value.status, refusal.value.row) == ("unsegmented_text", 422, 2)
    assert "pip install -r requirements/segmentation.txt" in refusal.value.detail
    assert known.weights == (0, 0, 1)
    assert unknown.error is not None
    assert "pip install -r requirements/segmentation.txt" in unknown.error.detail


def test_another_release_than_the_corpus_was_parted_by_is_told(
    client: TopicsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segmentation, "version", lambda _name: "2.0")

    with pytest.warns(UserWarning, match=r"rjieba 2\.0 parts words here, and another release did in the corpus"):
        client.score([TEXT])


def test_the_refusal_says_what_to_send(service: Any, client: TopicsClient) -> None:
    reply = service.send_json({"documents": [TEXT]})

    assert (reply.status, reply.json["code"], reply.json["pointer"]) == (422, "unsegmented_text", "/documents/0")
    assert reply.json["allowed"].startswith("words parted by spaces, as rjieba 1.0 parts them")
