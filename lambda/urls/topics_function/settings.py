"""Settings of the function, read from the environment once, when it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from url_functions.environment import log_level, number, required, switch
from url_functions.limits import DEFAULT_MAX_BODY_BYTES, DEFAULT_MAX_ROWS, ENDPOINT_PAYLOAD_BYTES, ENDPOINT_TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Settings:
    """What the stack tells the function. Sizes in bytes, times in seconds.

    `corpora_prefix` is what a corpus's hash is put behind, for the key of its files in the bucket. `topic_metrics`
    adds a metric a topic, each of which CloudWatch charges for as a metric of its own.
    """

    endpoint_name: str
    in_service_parameter: str
    region: str
    corpus_bucket: str | None = None
    corpora_prefix: str = "corpora/"
    log_level: str = "INFO"
    max_payload_bytes: int = ENDPOINT_PAYLOAD_BYTES
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES
    max_rows: int = DEFAULT_MAX_ROWS
    max_parallel_calls: int = 4
    facts_ttl_s: int = 60
    read_timeout_s: int = ENDPOINT_TIMEOUT_S + 1
    metrics_namespace: str = "TopicModel"
    topic_metrics: bool = True

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings.

        Raises:
            SettingsError: names the variable, its value and what is allowed.
        """
        return cls(
            endpoint_name=required(environment, "ENDPOINT_NAME"),
            in_service_parameter=required(environment, "IN_SERVICE_PARAMETER"),
            region=required(environment, "AWS_REGION"),
            corpus_bucket=environment.get("CORPUS_BUCKET") or None,
            corpora_prefix=environment.get("CORPORA_PREFIX", "corpora/"),
            log_level=log_level(environment),
            max_payload_bytes=number(
                environment, "MAX_PAYLOAD_BYTES", ENDPOINT_PAYLOAD_BYTES, 1024, ENDPOINT_PAYLOAD_BYTES
            ),
            max_body_bytes=number(environment, "MAX_BODY_BYTES", DEFAULT_MAX_BODY_BYTES, 1024, 256 * 1024 * 1024),
            max_rows=number(environment, "MAX_ROWS", DEFAULT_MAX_ROWS, 1, 1_000_000),
            max_parallel_calls=number(environment, "MAX_PARALLEL_CALLS", 4, 1, 64),
            facts_ttl_s=number(environment, "FACTS_TTL_S", 60, 1, 3600),
            read_timeout_s=number(environment, "READ_TIMEOUT_S", ENDPOINT_TIMEOUT_S + 1, 1, 900),
            metrics_namespace=environment.get("METRICS_NAMESPACE") or "TopicModel",
            topic_metrics=switch(environment, "TOPIC_METRICS", default=True),
        )
