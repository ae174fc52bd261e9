"""The function's own application around an index of made-up documents, and doubles of S3, SSM and Lambda."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError

from similar_function.application import Application
from similar_function.index import DocumentIndex
from similar_function.kept import KeptObject
from similar_function.observation import Observation
from similar_function.places import index_key
from similar_function.scorer import TopicsFunction
from url_functions.in_service import InServiceFacts

TOPICS = 4
MODEL = "job-1"
IDS = [f"d{number}" for number in range(40)]
WEIGHTS = np.random.default_rng(0).dirichlet(np.full(TOPICS, 0.3), len(IDS)).astype(np.float32)
LABELS = [f"label {row.argmax()}" for row in WEIGHTS]


def index_of(model: str = MODEL, topics: int = TOPICS) -> DocumentIndex:
    weights = WEIGHTS if topics == TOPICS else np.full((len(IDS), topics), 1 / topics, dtype=np.float32)
    return DocumentIndex.build(weights, IDS, LABELS, model=model, corpus="c1")


def failure(code: str, operation: str = "GetObject") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "told by the service"}}, operation)


@dataclass
class FakeS3:
    """Objects with an ETag each; a queued failure comes first."""

    objects: dict[str, bytes] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)
    read: list[str] = field(default_factory=list)

    def get_object(self, *, Bucket: str, Key: str, IfNoneMatch: str = "") -> Any:
        if self.failures:
            raise self.failures.pop(0)
        if Key not in self.objects:
            raise failure("AccessDenied")
        content = self.objects[Key]
        etag = str(hash(content))
        if etag == IfNoneMatch:
            raise failure("304")
        self.read.append(Key)
        return {"Body": io.BytesIO(content), "ETag": etag, "ContentLength": len(content)}


@dataclass
class FakeLambda:
    """The topics function, by the answers that a test gives it."""

    answers: list[Any] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Any:
        assert FunctionName == "arn:topics:live"
        self.events.append(json.loads(Payload))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if "FunctionError" in answer:
            return {"FunctionError": answer["FunctionError"], "Payload": io.BytesIO(b"{}")}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


def scored(weights: list[float], model: str = MODEL) -> dict[str, Any]:
    body = {"predictions": [{"topic_weights": weights, "unknown_word_share": 0.25}]}
    headers = {"x-model-version": model, "x-corpus-version": "c1", "x-unknown-word-share": "0.2500"}
    return {"statusCode": 200, "headers": headers, "body": json.dumps(body)}


@dataclass
class FakeSsm:
    """The record of the model in service."""

    model: str = MODEL

    def get_parameter(self, *, Name: str) -> Any:
        told = {"model": self.model, "corpus": "c1", "vocabulary": "v1", "feature_dim": 3}
        return {"Parameter": {"Value": json.dumps(told)}}


@dataclass
class Reply:
    """An answer as a caller reads it."""

    status: int
    body: Any
    headers: dict[str, str]


@dataclass
class Service:
    """The application, and what it asks."""

    s3: FakeS3 = field(default_factory=FakeS3)
    ssm: FakeSsm = field(default_factory=FakeSsm)
    topics: FakeLambda = field(default_factory=FakeLambda)
    seen: list[Observation] = field(default_factory=list)
    now: float = 1000.0
    max_index_bytes: int = 10**7
    searcher_of: Callable[[str], Any] | None = None

    def __post_init__(self) -> None:
        indexes = KeptObject(
            lambda: self.s3,
            "models",
            key_of=index_key,
            read=DocumentIndex.from_bytes,
            max_bytes=self.max_index_bytes,
            ttl_s=60,
            clock=lambda: self.now,
        )
        self.application = Application(
            facts=InServiceFacts(lambda: self.ssm, "/in-service", ttl_s=60, clock=lambda: self.now),
            searcher_of=self.searcher_of or indexes.of,
            topics=TopicsFunction(lambda: self.topics, "arn:topics:live"),
            emit=self.seen.append,
        )

    def publish(self, index: DocumentIndex, *, under: str | None = None) -> None:
        self.s3.objects[index_key(under or index.model)] = index.to_bytes()

    def get(self, path: str, query: str = "", method: str = "GET") -> Reply:
        return self._send(method, path, query, {}, None)

    def post(self, body: str, content_type: str = "application/json", query: str = "") -> Reply:
        return self._send("POST", "/similar", query, {"content-type": content_type}, body)

    def _send(self, method: str, path: str, query: str, headers: dict[str, str], body: str | None) -> Reply:
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": headers,
            "requestContext": {"http": {"method": method}, "requestId": "r"},
            "body": body,
            "isBase64Encoded": False,
        }
        answer = self.application.answer(event, None)
        text = answer["body"]
        return Reply(answer["statusCode"], json.loads(text) if text else None, answer["headers"])


@pytest.fixture
def service() -> Service:
    made = Service()
    made.publish(index_of())
    return made
