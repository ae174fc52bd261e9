"""A fake endpoint, fake record and fake vocabulary around the function's own code."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from training_scripts import recordio

from topics_function.answering.metrics import Metrics
from topics_function.application import Application
from topics_function.model.endpoint import Endpoint
from topics_function.model.endpoint_state import EndpointState
from topics_function.model.inference import Inference
from topics_function.model.scoring import Scorer
from topics_function.model.topic_list import TopicStore
from topics_function.reading.vectorizer import Vocabulary
from topics_function.settings import Settings
from url_functions.in_service import InServiceFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WORDS = ["bicycle", "car", "train"]
FORMS = {"bicycle": 0, "bicycles": 0, "bike": 0, "car": 1, "cars": 1, "train": 2, "trains": 2}
FORMS |= {"snapshot": 0, "table": 1, "queue": 2}
"""The last ones are of the texts in docs/examples, which ask for words of the default corpus."""
RECORD = {
    "model": "job-1",
    "corpus": "c1",
    "vocabulary": "v1",
    "feature_dim": "3",
    "algorithm": "open",
    "num_topics": "3",
    "artifact": "s3://models/jobs/job-1/output/model.tar.gz",
    "endpoint_config": "config-1",
}
ATTRIBUTES = "model=job-1;corpus=c1;vocabulary=v1"


def rows_of(body: bytes) -> list[list[float]]:
    """Read what the function sends as an endpoint would: dense rows."""
    rows: list[list[float]] = recordio.read_records(body).toarray().tolist()
    return rows


def weights_of(row: list[float]) -> list[float]:
    """Give weights that tell which row they belong to."""
    return [count / sum(row) for count in row]


def failure(code: str, status: int, headers: Mapping[str, str] | None = None, **more: object) -> ClientError:
    """Make the error botocore raises for a refusal of the service."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": "told by the service"},
            "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": dict(headers or {})},
            **more,
        },
        "InvokeEndpoint",
    )


@dataclass
class FakeRuntime:
    """Answers as the open server does; what is queued in `script` comes first."""

    attributes: str | None = ATTRIBUTES
    script: list[Exception | Callable[[list[list[float]]], dict[str, Any]]] = field(default_factory=list)
    calls: list[list[list[float]]] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)

    def invoke_endpoint(self, *, EndpointName: str, Body: bytes, ContentType: str, Accept: str) -> Any:
        assert EndpointName == "topics"
        self.accepted.append(Accept)
        assert ContentType == "application/x-recordio-protobuf"
        rows = rows_of(Body)
        self.calls.append(rows)
        step = self.script.pop(0) if self.script else self.answer
        if isinstance(step, Exception):
            raise step
        return step(rows)

    def answer(self, rows: list[list[float]], attributes: str | None = None) -> dict[str, Any]:
        body = json.dumps({"predictions": [{"topic_weights": weights_of(row)} for row in rows]})
        answer: dict[str, Any] = {"Body": io.BytesIO(body.encode()), "ContentType": "application/json"}
        attributes = attributes or self.attributes
        if attributes is not None:
            answer["CustomAttributes"] = attributes
        return answer


@dataclass
class FakeSsm:
    """Holds the record of the model in service, and counts how often it is read."""

    record: dict[str, Any] = field(default_factory=lambda: dict(RECORD))
    reads: int = 0
    failure: Exception | None = None

    def get_parameter(self, *, Name: str) -> Any:
        assert Name == "/in-service"
        self.reads += 1
        if self.failure is not None:
            raise self.failure
        return {"Parameter": {"Value": json.dumps(self.record)}}


class Clock:
    """A clock that stands until it is moved, or slept by."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Context:
    """Lambda's context, with the time the invocation has left."""

    remaining_ms: int = 75_000
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


@dataclass(frozen=True)
class Reply:
    """An answer of the function, with its body read."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def vocabulary(forms: Mapping[str, int] = FORMS, words: list[str] = WORDS) -> Vocabulary:
    return Vocabulary.from_json(
        json.dumps(
            {
                "schema_version": 1,
                "language": "en",
                "pattern": r"[^\W\d_]+",
                "lowercase": True,
                "normalisation": "NFC",
                "feature_dim": len(words),
                "vocabulary_hash": "v1",
                "words": words,
                "forms": forms,
            }
        ).encode()
    )


TOPICS = {
    "topics": [
        {"id": 0, "label": "Cycling", "share": 0.5, "words": ["bicycle"], "weights": [0.9]},
        {"id": 1, "label": "Driving", "share": 0.3, "words": ["car"], "weights": [0.8]},
        {"id": 2, "label": "Rail", "share": 0.2, "words": ["train"], "weights": [0.7]},
    ],
    "mean_weights": [0.5, 0.3, 0.2],
}


@dataclass
class FakeS3:
    """Objects by key."""

    objects: dict[str, bytes] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    failure: Exception | None = None

    def get_object(self, *, Bucket: str, Key: str) -> Any:
        self.reads.append(f"{Bucket}/{Key}")
        if self.failure is not None:
            raise self.failure
        if Key not in self.objects:
            raise failure("AccessDenied", 403)
        return {"Body": io.BytesIO(self.objects[Key])}


@dataclass
class FakeSageMaker:
    """Describes the endpoint."""

    described: dict[str, Any] = field(
        default_factory=lambda: {"EndpointStatus": "InService", "EndpointConfigName": "config-1"}
    )
    looks: int = 0
    failure: Exception | None = None

    def describe_endpoint(self, *, EndpointName: str) -> Any:
        assert EndpointName == "topics"
        self.looks += 1
        if self.failure is not None:
            raise self.failure
        return self.described


class Service:
    """The application between a fake endpoint, a fake record and vocabularies by corpus."""

    def __init__(self, **settings: Any) -> None:
        self.runtime = FakeRuntime()
        self.ssm = FakeSsm()
        self.s3 = FakeS3({"jobs/job-1/output/topics.json": json.dumps(TOPICS).encode()})
        self.sagemaker = FakeSageMaker()
        self.clock = Clock()
        self.pauses: list[float] = []
        self.vocabularies = {"c1": vocabulary()}
        self.context = Context()
        self.lines: list[str] = []
        self.settings = Settings(
            endpoint_name="topics",
            in_service_parameter="/in-service",
            region="us-east-1",
            corpus_bucket="corpus",
            **settings,
        )
        self.facts = InServiceFacts(
            lambda: self.ssm,
            self.settings.in_service_parameter,
            ttl_s=self.settings.facts_ttl_s,
            clock=self.clock,
            sleep=self.clock.sleep,
        )
        endpoint = Endpoint(
            self.runtime,
            "topics",
            read_timeout_s=self.settings.read_timeout_s,
            sleep=self.pauses.append,
            uniform=lambda _low, high: high,
        )
        self.topic_store = TopicStore(lambda: self.s3)
        self.endpoint_state = EndpointState(lambda: self.sagemaker, "topics", clock=self.clock)
        self.inference = Inference(
            self.facts,
            Scorer(
                endpoint,
                max_payload_bytes=self.settings.max_payload_bytes,
                max_parallel_calls=self.settings.max_parallel_calls,
            ),
            vocabulary_of=self.vocabulary_of,
            topics_of=self.topic_store.of,
            endpoint_state=lambda: self.endpoint_state,
        )
        self.application = Application(
            self.settings,
            facts=self.facts,
            inference=self.inference,
            topics_of=self.topic_store.of,
            metrics=Metrics(
                namespace="TopicModel",
                endpoint="topics",
                topic_metrics=True,
                trained_mean=lambda: self.topic_store.of(self.facts.current()).mean_weights,
                write=self.lines.append,
                clock=self.clock,
            ),
        )

    def vocabulary_of(self, corpus: str) -> Vocabulary:
        return self.vocabularies[corpus]

    def send(
        self,
        body: str | bytes | None,
        content_type: str | None = "text/csv",
        *,
        method: str = "POST",
        path: str = "/",
        query: str = "",
        **headers: str,
    ) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if content_type is not None:
            named["content-type"] = content_type
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": named,
            "requestContext": {"http": {"method": method, "path": path}, "requestId": "url-request"},
            "isBase64Encoded": isinstance(body, bytes),
        }
        if body is not None:
            event["body"] = base64.b64encode(body).decode() if isinstance(body, bytes) else body
        return self.handle(event)

    def handle(self, event: object) -> Reply:
        answer = self.application.answer(event, self.context)
        return Reply(answer["statusCode"], answer["headers"], answer["body"])

    def send_json(self, content: object, **more: Any) -> Reply:
        return self.send(json.dumps(content), "application/json", **more)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def make_service() -> type[Service]:
    return Service


@pytest.fixture
def service_failure() -> Callable[..., ClientError]:
    return failure


@pytest.fixture
def make_vocabulary() -> Callable[..., Vocabulary]:
    return vocabulary


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ssm() -> FakeSsm:
    return FakeSsm()
