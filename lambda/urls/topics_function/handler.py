"""Entry point of the Lambda function: the clients, made once, and the application around them."""

from __future__ import annotations

import gc
import os
from functools import cache
from typing import TYPE_CHECKING, cast

import botocore.session
from botocore.config import Config

from topics_function import snapshot
from topics_function.answering.metrics import Metrics
from topics_function.application import Application
from topics_function.model.endpoint import Endpoint
from topics_function.model.inference import Inference
from topics_function.model.scoring import Scorer
from topics_function.settings import Settings
from url_functions.in_service import InService, InServiceFacts
from url_functions.logs import configure as configure_logs
from url_functions.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from topics_function.model.endpoint_state import EndpointState
    from topics_function.model.topic_list import Topics, TopicStore
    from topics_function.reading.vectorizer import Vocabulary
    from topics_function.reading.vocabulary_store import VocabularyStore
    from url_functions.events import UrlAnswer
    from url_functions.ports import Closing, LambdaContext, RuntimeClient, S3Client, SageMakerClient, SsmClient

CONNECT_TIMEOUT_S = 3
SIDE_READ_TIMEOUT_S = 5
"""Time for an answer of SSM, S3 or SageMaker's control plane: each is asked within a request."""

_settings = Settings.from_environment(os.environ)
configure_logs(_settings.log_level)
_session = botocore.session.get_session()
_runtime = _session.create_client(
    "sagemaker-runtime",
    region_name=_settings.region,
    config=Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=_settings.read_timeout_s,
        # Retries are the endpoint module's: it knows how long the request may last.
        retries={"total_max_attempts": 1},
        # One more than the calls of a request, so that a call left behind by an earlier one takes no one's place.
        max_pool_connections=_settings.max_parallel_calls + 1,
        tcp_keepalive=True,
    ),
)
_side_clients: list[Closing] = []


def _side_client(service: str) -> object:
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S, read_timeout=SIDE_READ_TIMEOUT_S, retries={"total_max_attempts": 3}
    )
    client = _session.create_client(service, region_name=_settings.region, config=config)
    _side_clients.append(client)
    return cast("object", client)


@cache
def _ssm() -> SsmClient:
    return cast("SsmClient", _side_client("ssm"))


@cache
def _s3() -> S3Client:
    return cast("S3Client", _side_client("s3"))


@cache
def _sagemaker() -> SageMakerClient:
    return cast("SageMakerClient", _side_client("sagemaker"))


@cache
def _vocabularies() -> VocabularyStore:
    from topics_function.reading.vocabulary_store import VocabularyStore  # noqa: PLC0415 - raw documents alone need it

    return VocabularyStore(_s3, _settings.corpus_bucket, _settings.corpora_prefix)


@cache
def _topic_store() -> TopicStore:
    from topics_function.model.topic_list import TopicStore  # noqa: PLC0415 - few requests need it

    return TopicStore(_s3)


@cache
def _endpoint_state() -> EndpointState:
    from topics_function.model.endpoint_state import EndpointState  # noqa: PLC0415 - the built-in image alone needs it

    return EndpointState(_sagemaker, _settings.endpoint_name)


def _vocabulary_of(corpus: str) -> Vocabulary:
    return _vocabularies().of(corpus)


def _topics_of(facts: InService) -> Topics:
    return _topic_store().of(facts)


def _trained_mean() -> Sequence[float] | None:
    try:
        return _topics_of(_facts.current()).mean_weights
    except Problem:
        return None


def _forget() -> None:
    _facts.forget()
    _endpoint_state().forget()


_facts = InServiceFacts(_ssm, _settings.in_service_parameter, ttl_s=_settings.facts_ttl_s)
_inference = Inference(
    _facts,
    Scorer(
        Endpoint(cast("RuntimeClient", _runtime), _settings.endpoint_name, read_timeout_s=_settings.read_timeout_s),
        max_payload_bytes=_settings.max_payload_bytes,
        max_parallel_calls=_settings.max_parallel_calls,
    ),
    vocabulary_of=_vocabulary_of,
    topics_of=_topics_of,
    endpoint_state=_endpoint_state,
)
_application = Application(
    _settings,
    facts=_facts,
    inference=_inference,
    topics_of=_topics_of,
    metrics=Metrics(
        namespace=_settings.metrics_namespace,
        endpoint=_settings.endpoint_name,
        topic_metrics=_settings.topic_metrics,
        trained_mean=_trained_mean,
        # Flushed, since a frozen function would keep the line until its next request.
        write=lambda line: print(line, flush=True),
    ),
)


def _prepare_for_snapshot() -> None:
    for make in (_ssm, _s3, _sagemaker):
        make()


snapshot.register(
    snapshot.runtime_hooks(),
    clients=lambda: [_runtime, *_side_clients],
    forget=_forget,
    prepare=_prepare_for_snapshot,
)


# What has been loaded stays: the collector need not look through botocore's many thousand objects again and again.
gc.freeze()


def handle(event: object, context: LambdaContext | None) -> UrlAnswer:
    """Answer one Function URL event (payload version 2.0)."""
    return _application.answer(event, context)
