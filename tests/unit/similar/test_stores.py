from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.similar.conftest import IDS, LABELS, MODEL, TOPICS, WEIGHTS, FakeS3, Service, failure, index_of

from similar_function import packages
from similar_function.index import DocumentIndex, IndexFileError
from similar_function.kept import KeptObject
from similar_function.observation import Observation, emitter
from similar_function.places import Published
from similar_function.problems import SimilarProblem
from similar_function.settings import Settings
from similar_function.similar import UnknownDocumentError, WrongTopicsError
from similar_function.vectors import VectorSearcher
from url_functions.environment import SettingsError


def test_the_same_vectors_give_the_same_file_and_it_is_read_again() -> None:
    data = index_of().to_bytes()

    assert data == index_of().to_bytes()
    again = DocumentIndex.from_bytes(data)
    assert (again.model, again.corpus, again.documents, again.topics) == (MODEL, "c1", len(IDS), TOPICS)
    assert again.of_document("d3") == index_of().of_document("d3")


@pytest.mark.parametrize("damage", [lambda data: data[:-200], lambda data: b"{}", lambda data: b""])
def test_a_damaged_file_is_no_index(damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(IndexFileError, match="is damaged"):
        DocumentIndex.from_bytes(damage(index_of().to_bytes()))


def test_an_index_is_read_once_and_again_only_when_it_has_changed(service: Service) -> None:
    for _ in range(3):
        service.get("/similar", "id=d7")
    service.now += 61
    service.get("/similar", "id=d7")
    assert len(service.s3.read) == 1

    service.publish(DocumentIndex.build(WEIGHTS[:20], IDS[:20], LABELS[:20], model=MODEL, corpus="c1"))
    service.now += 61

    assert service.get("/health").body["documents"] == 20
    assert len(service.s3.read) == 2


def test_an_index_that_cannot_be_asked_for_changes_goes_on_being_searched(service: Service) -> None:
    service.get("/similar", "id=d7")
    service.now += 61
    service.s3.failures = [failure("SlowDown")]

    assert service.get("/similar", "id=d7").status == 200


def test_an_index_that_cannot_be_read_is_told_as_one_to_try_again_later(service: Service) -> None:
    service.s3.failures = [failure("SlowDown")]
    assert service.get("/similar", "id=d7").body["code"] == "index_unavailable"

    service.s3.objects["similar/job-1/index.zip"] = b"damaged"
    assert service.get("/similar", "id=d7").body["code"] == "index_unavailable"


def test_an_index_larger_than_the_function_holds_is_refused_before_it_is_read() -> None:
    service = Service(max_index_bytes=100)
    service.publish(index_of())

    reply = service.get("/similar", "id=d7")

    assert reply.body["code"] == "service_misconfigured"
    assert "similar.memory_mb" in reply.body["allowed"]


def test_a_model_whose_name_is_no_part_of_a_key_is_refused() -> None:
    kept = KeptObject(FakeS3, "models", key_of=str, read=Published.from_json, max_bytes=10, ttl_s=1, clock=lambda: 0.0)

    with pytest.raises(SimilarProblem, match="no key can have"):
        kept.of("../corpora")


@dataclass
class FakeVectors:
    """S3 Vectors by exact search, with distances that nobody should rely on."""

    failures: list[Exception] = field(default_factory=list)
    vectors: dict[str, list[float]] = field(
        default_factory=lambda: {name: np.sqrt(row).tolist() for name, row in zip(IDS, WEIGHTS, strict=True)}
    )

    def get_vectors(self, *, keys: list[str], **_more: Any) -> Any:
        labels = dict(zip(IDS, LABELS, strict=True))
        return {
            "vectors": [
                {"key": key, "data": {"float32": self.vectors[key]}, "metadata": {"label": labels[key]}}
                for key in sorted(keys)
                if key in self.vectors
            ]
        }

    def query_vectors(self, *, topK: int, queryVector: Any, **_more: Any) -> Any:
        if self.failures:
            raise self.failures.pop(0)
        query = np.array(queryVector["float32"])
        near = sorted(self.vectors, key=lambda name: float(((np.array(self.vectors[name]) - query) ** 2).sum()))
        return {"vectors": [{"key": key} for key in near[:topK]]}


def searcher(client: FakeVectors | None = None) -> VectorSearcher:
    return VectorSearcher(client or FakeVectors(), "bucket", Published(MODEL, "c1", len(IDS), TOPICS))


def test_s3_vectors_gives_the_documents_and_distances_that_the_index_in_memory_gives() -> None:
    for name in IDS[:10]:
        theirs, ours = searcher().of_document(name), index_of().of_document(name)
        assert [one.id for one in theirs] == [one.id for one in ours]
        assert [one.distance for one in theirs] == pytest.approx([one.distance for one in ours], abs=1e-3)
        assert [one.label for one in theirs] == [one.label for one in ours]


def test_both_stores_refuse_what_they_cannot_compare() -> None:
    for each in (searcher(), index_of()):
        with pytest.raises(UnknownDocumentError):
            each.of_document("nobody")
        with pytest.raises(WrongTopicsError, match="2 topic weights, where the index has 4 topics"):
            each.of_weights([0.5, 0.5])


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("NotFoundException", "index_not_published"),
        ("AccessDeniedException", "service_misconfigured"),
        ("TooManyRequestsException", "throttled"),
        ("InternalServerException", "index_unavailable"),
    ],
)
def test_a_vector_index_that_cannot_be_searched_is_told_as_what_it_is(code: str, told: str) -> None:
    with pytest.raises(SimilarProblem) as raised:
        searcher(FakeVectors([failure(code, "QueryVectors")])).of_weights([0.7, 0.1, 0.1, 0.1])

    assert raised.value.code == told


def test_what_was_published_is_read_as_it_was_written() -> None:
    published = Published(MODEL, "c1", 40, 4)

    assert Published.from_json(published.to_json()) == published
    with pytest.raises(ValueError, match="model"):
        Published.from_json(b"{}")


ENVIRONMENT = {
    "IN_SERVICE_PARAMETER": "/in-service",
    "TOPICS_FUNCTION": "arn:topics:live",
    "INDEX_BUCKET": "models",
    "AWS_REGION": "us-east-1",
    "STORE": "function",
    "MAX_INDEX_BYTES": "1000",
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"STORE": "disk"}, "STORE is 'disk', allowed are function and s3-vectors"),
        ({"STORE": "s3-vectors"}, "VECTOR_BUCKET is not set"),
        ({"MAX_INDEX_BYTES": "0"}, "MAX_INDEX_BYTES is '0'"),
        ({"TOPICS_FUNCTION": ""}, "TOPICS_FUNCTION is not set"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL is 'LOUD'"),
    ],
)
def test_a_wrong_setting_is_named(change: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Settings.from_environment({**ENVIRONMENT, **change})


def test_the_line_of_a_request_is_a_metric_too() -> None:
    lines: list[str] = []
    emitter("topic-model-dev-similar", lines.append)(Observation("r", "GET", "/similar", 404, "unknown_document"))

    assert '"Dimensions": [["Function"]]' in lines[0]
    assert '"SimilarRefusals": 1' in lines[0]


def test_packages_of_another_python_are_left_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(sys.path)
    monkeypatch.setattr("sys.path", list(before))
    (tmp_path / packages.folder_for("2.7", "pdp11")).mkdir(parents=True)
    packages.activate(tmp_path)
    assert sys.path == before

    monkeypatch.setattr("platform.machine", lambda: "pdp11")
    mine = tmp_path / packages.folder_for(f"{sys.version_info.major}.{sys.version_info.minor}", "pdp11")
    mine.mkdir(parents=True)
    packages.activate(tmp_path)
    assert sys.path == [str(mine), *before]
