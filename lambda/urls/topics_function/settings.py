"""Settings of the function, read from the environment once, when it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from url_functions.limits import DEFAULT_MAX_BODY_BYTES, DEFAULT_MAX_ROWS, ENDPOINT_PAYLOAD_BYTES, ENDPOINT_TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Mapping

LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingsError(ValueError):
    """An environment variable that is missing or out of range."""


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
        log_level = environment.get("LOG_LEVEL", "INFO").upper()
        if log_level not in LOG_LEVELS:
            raise SettingsError(f"LOG_LEVEL is {log_level!r}, allowed are {', '.join(LOG_LEVELS)}")
        return cls(
            endpoint_name=_required(environment, "ENDPOINT_NAME"),
            in_service_parameter=_required(environment, "IN_SERVICE_PARAMETER"),
            region=_required(environment, "AWS_REGION"),
            corpus_bucket=environment.get("CORPUS_BUCKET") or None,
            corpora_prefix=environment.get("CORPORA_PREFIX", "corpora/"),
            log_level=log_level,
            max_payload_bytes=_number(
                environment, "MAX_PAYLOAD_BYTES", ENDPOINT_PAYLOAD_BYTES, 1024, ENDPOINT_PAYLOAD_BYTES
            ),
            max_body_bytes=_number(environment, "MAX_BODY_BYTES", DEFAULT_MAX_BODY_BYTES, 1024, 256 * 1024 * 1024),
            max_rows=_number(environment, "MAX_ROWS", DEFAULT_MAX_ROWS, 1, 1_000_000),
            max_parallel_calls=_number(environment, "MAX_PARALLEL_CALLS", 4, 1, 64),
            facts_ttl_s=_number(environment, "FACTS_TTL_S", 60, 1, 3600),
            read_timeout_s=_number(environment, "READ_TIMEOUT_S", ENDPOINT_TIMEOUT_S + 1, 1, 900),
            metrics_namespace=environment.get("METRICS_NAMESPACE") or "TopicModel",
            topic_metrics=_switch(environment, "TOPIC_METRICS", default=True),
        )


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set: the stack that deploys this function must set it")
    return value


def _switch(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = environment.get(name, "") or str(default).lower()
    if text not in ("true", "false"):
        raise SettingsError(f"{name} is {text!r}, allowed are true and false")
    return text == "true"


def _number(environment: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environment.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise SettingsError(f"{name} is {text!r}, allowed are whole numbers from {least} to {most}")
    return int(text)
