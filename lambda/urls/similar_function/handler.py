"""Entry point of the Lambda function: the clients, made once, and the application around them."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

import botocore.session
from botocore.config import Config

from similar_function import packages
from similar_function.application import Application
from similar_function.kept import KeptObject
from similar_function.observation import emitter
from similar_function.places import Published, index_key, published_key
from similar_function.scorer import TopicsFunction
from similar_function.settings import Settings
from similar_function.vectors import VectorSearcher
from url_functions.in_service import InServiceFacts
from url_functions.logs import configure as configure_logs

if TYPE_CHECKING:
    from collections.abc import Callable

    from similar_function.similar import Searcher
    from url_functions.events import UrlAnswer
    from url_functions.ports import LambdaClient, LambdaContext, SsmClient, VectorsClient, VersionedS3Client

CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 20
"""Time between two pieces of an answer of S3, SSM or S3 Vectors."""
SCORING_READ_TIMEOUT_S = 78
"""Longer than the topics function's own time: its refusal says more than a broken connection."""

_settings = Settings.from_environment(os.environ)
configure_logs(_settings.log_level, "similar_function")
_session = botocore.session.get_session()


def _client(service: str, *, read_timeout_s: int = READ_TIMEOUT_S, attempts: int = 3) -> object:
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S, read_timeout=read_timeout_s, retries={"total_max_attempts": attempts}
    )
    return cast("object", _session.create_client(service, region_name=_settings.region, config=config))


@cache
def _ssm() -> SsmClient:
    return cast("SsmClient", _client("ssm"))


@cache
def _s3() -> VersionedS3Client:
    return cast("VersionedS3Client", _client("s3"))


@cache
def _lambda() -> LambdaClient:
    # Once: the topics function has tried again itself.
    return cast("LambdaClient", _client("lambda", read_timeout_s=SCORING_READ_TIMEOUT_S, attempts=1))


@cache
def _vectors() -> VectorsClient:
    return cast("VectorsClient", _client("s3vectors"))


def _searcher() -> Callable[[str], Searcher]:
    if _settings.vector_bucket is not None:
        bucket = _settings.vector_bucket
        published = KeptObject(
            _s3,
            _settings.index_bucket,
            key_of=published_key,
            read=Published.from_json,
            max_bytes=_settings.max_index_bytes,
            ttl_s=_settings.facts_ttl_s,
        )
        return lambda model: VectorSearcher(_vectors(), bucket, published.of(model))
    packages.activate(Path(__file__).parent.parent)
    from similar_function.index import DocumentIndex  # noqa: PLC0415 - after its packages are on the path

    indexes = KeptObject(
        _s3,
        _settings.index_bucket,
        key_of=index_key,
        read=DocumentIndex.from_bytes,
        max_bytes=_settings.max_index_bytes,
        ttl_s=_settings.facts_ttl_s,
    )
    return indexes.of


_application = Application(
    facts=InServiceFacts(_ssm, _settings.in_service_parameter, ttl_s=_settings.facts_ttl_s),
    searcher_of=_searcher(),
    topics=TopicsFunction(_lambda, _settings.topics_function),
    # Flushed, since a frozen function would keep the line until its next request.
    emit=emitter(_settings.name, lambda line: print(line, flush=True)),
)


def handle(event: object, context: LambdaContext | None) -> UrlAnswer:
    """Answer one Function URL event (payload version 2.0)."""
    return _application.answer(event, context)
