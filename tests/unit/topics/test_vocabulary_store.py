from __future__ import annotations

import json
from typing import Any

import pytest

from topics_function.reading.vocabulary_store import KEPT, VocabularyStore
from url_functions.problems import Code, Problem

FILE = json.dumps(
    {
        "schema_version": 1,
        "pattern": r"\w+",
        "lowercase": True,
        "feature_dim": 1,
        "words": ["car"],
        "forms": {"car": 0},
    }
).encode()


@pytest.fixture
def s3(service: Any) -> Any:
    service.s3.objects = {f"corpora/c{number}/vocabulary/surface_forms.json": FILE for number in range(KEPT + 2)}
    return service.s3


@pytest.fixture
def store(s3: Any) -> VocabularyStore:
    return VocabularyStore(lambda: s3, "bucket", "corpora/")


def test_a_vocabulary_is_loaded_once_a_corpus(store: VocabularyStore, s3: Any) -> None:
    assert store.of("c0") is store.of("c0")
    assert s3.reads == ["bucket/corpora/c0/vocabulary/surface_forms.json"]


def test_the_one_used_longest_ago_makes_room(store: VocabularyStore, s3: Any) -> None:
    for number in range(KEPT + 1):
        store.of("c0")
        store.of(f"c{number}")
    reads = len(s3.reads)

    store.of("c0")
    assert len(s3.reads) == reads
    store.of("c1")
    assert len(s3.reads) == reads + 1


@pytest.mark.parametrize("corpus", ["missing", "../secret", "a/b", ""])
def test_a_vocabulary_that_cannot_be_had_is_worth_a_retry(store: VocabularyStore, corpus: str) -> None:
    with pytest.raises(Problem) as refusal:
        store.of(corpus)

    assert (refusal.value.code, refusal.value.status) == (Code.VOCABULARY_UNAVAILABLE, 503)


def test_a_corpus_version_that_is_no_hash_never_becomes_a_key(store: VocabularyStore, s3: Any) -> None:
    with pytest.raises(Problem):
        store.of("../secret")

    assert s3.reads == []


def test_a_failure_is_not_kept(store: VocabularyStore, s3: Any, service_failure: Any) -> None:
    s3.failure = service_failure("SlowDown", 503)
    with pytest.raises(Problem):
        store.of("c0")

    s3.failure = None
    assert store.of("c0").feature_dim == 1


def test_a_file_that_is_no_vocabulary_is_refused(store: VocabularyStore, s3: Any) -> None:
    s3.objects["corpora/c0/vocabulary/surface_forms.json"] = b"{}"

    with pytest.raises(Problem) as refusal:
        store.of("c0")

    assert refusal.value.code == Code.VOCABULARY_UNAVAILABLE


def test_without_a_bucket_raw_documents_are_refused(s3: Any) -> None:
    with pytest.raises(Problem) as refusal:
        VocabularyStore(lambda: s3, None, "corpora/").of("c0")

    assert refusal.value.code == Code.SERVICE_MISCONFIGURED
