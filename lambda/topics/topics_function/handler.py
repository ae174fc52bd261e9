"""Entry point of the Lambda function: the clients, made once, and the application around them."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, cast

import botocore.session
from botocore.config import Config

from topics_function.application import Application
from topics_function.endpoint import Endpoint, RuntimeClient
from topics_function.in_service import InServiceFacts, SsmClient
from topics_function.logs import configure as configure_logs
from topics_function.scoring import Scorer
from topics_function.settings import Settings

if TYPE_CHECKING:
    from topics_function.deadline import LambdaContext
    from topics_function.events import UrlAnswer
    from topics_function.vectorizer import Vocabulary
    from topics_function.vocabulary_store import S3Client, VocabularyStore

CONNECT_TIMEOUT_S = 3

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


@cache
def _ssm() -> SsmClient:
    config = Config(connect_timeout=CONNECT_TIMEOUT_S, read_timeout=5, retries={"total_max_attempts": 3})
    return cast("SsmClient", _session.create_client("ssm", region_name=_settings.region, config=config))


@cache
def _s3() -> S3Client:
    config = Config(connect_timeout=CONNECT_TIMEOUT_S, read_timeout=10, retries={"total_max_attempts": 3})
    return cast("S3Client", _session.create_client("s3", region_name=_settings.region, config=config))


@cache
def _vocabularies() -> VocabularyStore:
    from topics_function.vocabulary_store import VocabularyStore  # noqa: PLC0415 - raw documents alone need it

    return VocabularyStore(_s3, _settings.corpus_bucket)


def _vocabulary_of(corpus: str) -> Vocabulary:
    return _vocabularies().of(corpus)


_application = Application(
    _settings,
    facts=InServiceFacts(_ssm, _settings.in_service_parameter, ttl_s=_settings.facts_ttl_s),
    scorer=Scorer(
        Endpoint(cast("RuntimeClient", _runtime), _settings.endpoint_name, read_timeout_s=_settings.read_timeout_s),
        max_payload_bytes=_settings.max_payload_bytes,
        max_parallel_calls=_settings.max_parallel_calls,
    ),
    vocabulary_of=_vocabulary_of,
)


def handle(event: object, context: LambdaContext | None) -> UrlAnswer:
    """Answer one Function URL event (payload version 2.0)."""
    return _application.answer(event, context)
