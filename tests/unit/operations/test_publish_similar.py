from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from explore.errors import ExploreError
from explore.vectors import TopicVectors
from operations import publish_similar as similar_publish
from tests.unit.operations.refusals import no_stack

from similar_function.index import DocumentIndex
from similar_function.places import Published

MODEL = "topic-model-dev-1"


def made_up(model: str = MODEL, documents: int = 1200, topics: int = 3) -> TopicVectors:
    weights = np.random.default_rng(0).dirichlet(np.ones(topics), documents).astype(np.float32)
    return TopicVectors(weights, [f"d{n}" for n in range(documents)], ["x"] * documents, model, "c1", {})


class NotFoundError(Exception):
    """S3 Vectors' own."""


@dataclass
class Cloud:
    """A session's clients, all in one."""

    outputs: dict[str, str] | None = field(
        default_factory=lambda: {"SimilarIndexBucket": "artifacts", "SimilarMaxIndexBytes": "1000000"}
    )
    objects: dict[str, bytes] = field(default_factory=dict)
    vectors: dict[str, list[float]] = field(default_factory=lambda: {"of-before": [0.0, 0.0, 0.0]})
    dimension: int = 3
    index: str = MODEL
    done: list[str] = field(default_factory=list)

    class exceptions:  # noqa: N801 - as boto3 has it
        NotFoundException = NotFoundError

    def client(self, _name: str) -> Cloud:
        return self

    def describe_stacks(self, StackName: str) -> Any:
        if self.outputs is None:
            raise no_stack(StackName)
        return {"Stacks": [{"Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items()]}]}

    def get_parameter(self, Name: str) -> Any:
        assert Name == "/topic-model/dev/in-service"
        return {"Parameter": {"Value": json.dumps({"model": MODEL})}}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:
        self.done.append(f"put {Key}")
        self.objects[Key] = Body

    def delete_object(self, *, Bucket: str, Key: str) -> None:
        self.done.append(f"delete {Key}")
        self.objects.pop(Key, None)

    def get_index(self, *, vectorBucketName: str, indexName: str) -> Any:
        if indexName != self.index:
            raise NotFoundError
        return {"index": {"dimension": self.dimension}}

    def put_vectors(self, *, vectors: list[Any], **_index: str) -> None:
        assert len(vectors) <= 500
        self.done.append("put vectors")
        self.vectors |= {one["key"]: one["data"]["float32"] for one in vectors}

    def get_paginator(self, _name: str) -> Cloud:
        return self

    def paginate(self, **_more: Any) -> Any:
        keys = list(self.vectors)
        return [{"vectors": [{"key": key} for key in keys[:1000]]}, {"vectors": [{"key": key} for key in keys[1000:]]}]

    def delete_vectors(self, *, keys: list[str], **_index: str) -> None:
        for key in keys:
            del self.vectors[key]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    made = Cloud()
    monkeypatch.setattr("boto3.Session", lambda **_: made)
    return made


def in_s3_vectors(cloud: Cloud) -> Cloud:
    assert cloud.outputs is not None
    cloud.outputs["SimilarVectorBucket"] = "vectors"
    return cloud


def test_an_index_goes_to_the_place_of_its_model(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    similar_publish.publish("dev", made_up(), ahead=False)

    [(key, content)] = cloud.objects.items()
    assert key == f"similar/{MODEL}/index.zip"
    assert DocumentIndex.from_bytes(content).documents == 1200
    assert "1,200 documents of 3 topics" in capsys.readouterr().out


def test_vectors_of_another_model_than_the_one_in_service_are_refused(cloud: Cloud) -> None:
    with pytest.raises(ExploreError, match=f"are of model later, while {MODEL} is in service in stage 'dev'"):
        similar_publish.publish("dev", made_up("later"), ahead=False)

    assert cloud.objects == {}


def test_an_index_can_be_published_before_its_model_is_in_service(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    similar_publish.publish("dev", made_up("later"), ahead=True)

    assert list(cloud.objects) == ["similar/later/index.zip"]
    assert "these are found once theirs is" in capsys.readouterr().err


def test_an_index_larger_than_the_function_holds_is_refused(cloud: Cloud) -> None:
    assert cloud.outputs is not None
    cloud.outputs["SimilarMaxIndexBytes"] = "1000"

    with pytest.raises(ExploreError, match=r"holds 1,000: raise similar\.memory_mb, or set similar\.store"):
        similar_publish.publish("dev", made_up(), ahead=False)
    assert cloud.objects == {}


@pytest.mark.parametrize(
    ("outputs", "message"),
    [(None, "there is no stack TopicModel-dev-Serving"), ({}, "stage 'dev' has no function for similar documents")],
)
def test_a_stage_without_the_function_is_one_sentence(
    cloud: Cloud, outputs: dict[str, str] | None, message: str
) -> None:
    cloud.outputs = outputs

    with pytest.raises(ExploreError, match=message):
        similar_publish.publish("dev", made_up(), ahead=False)


def test_a_model_that_can_be_no_key_is_refused(cloud: Cloud) -> None:
    with pytest.raises(ExploreError, match="no name of a training job"):
        similar_publish.publish("dev", made_up("../corpora"), ahead=True)


def test_vectors_are_put_whole_and_those_of_before_are_deleted(cloud: Cloud) -> None:
    in_s3_vectors(cloud)
    vectors = made_up()

    similar_publish.publish("dev", vectors, ahead=False)

    assert set(cloud.vectors) == set(vectors.ids)
    np.testing.assert_allclose(cloud.vectors["d7"], np.sqrt(vectors.weights[7]), rtol=1e-6)
    told = f"similar/{MODEL}/published.json"
    assert cloud.done == [f"delete {told}", "put vectors", "put vectors", "put vectors", f"put {told}"]
    assert Published.from_json(cloud.objects[told]) == Published(MODEL, "c1", 1200, 3)


@pytest.mark.parametrize(
    ("change", "vectors", "ahead", "message"),
    [
        ({"index": "another"}, made_up(), False, "has no index topic-model-dev-1: deploy the serving stack"),
        ({"dimension": 5}, made_up(), False, "is of 5 topics, the vectors of 3"),
        ({}, made_up("later"), True, "leave out --ahead"),
    ],
)
def test_what_the_vector_index_does_not_take_is_one_sentence(
    cloud: Cloud, change: dict[str, Any], vectors: TopicVectors, ahead: bool, message: str
) -> None:
    in_s3_vectors(cloud)
    for name, value in change.items():
        setattr(cloud, name, value)

    with pytest.raises(ExploreError, match=message):
        similar_publish.publish("dev", vectors, ahead=ahead)
    assert list(cloud.vectors) == ["of-before"]


def test_an_id_that_is_no_key_is_refused(cloud: Cloud) -> None:
    in_s3_vectors(cloud)
    vectors = made_up(documents=2)
    vectors.ids[1] = "x" * 1025

    with pytest.raises(ExploreError, match="which S3 Vectors takes"):
        similar_publish.publish("dev", vectors, ahead=False)
