"""Settings of the function, read from the environment once, when it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from url_functions.environment import SettingsError, log_level, required

if TYPE_CHECKING:
    from collections.abc import Mapping

IN_FUNCTION: Final = "function"
S3_VECTORS: Final = "s3-vectors"
STORES: Final = (IN_FUNCTION, S3_VECTORS)
"""Where the vectors are searched: in this function's memory, or by Amazon S3 Vectors."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the stack tells the function. `max_index_bytes` bounds the file of an index that is held in memory."""

    in_service_parameter: str
    topics_function: str
    index_bucket: str
    region: str
    name: str
    store: str
    vector_bucket: str | None
    max_index_bytes: int
    log_level: str = "INFO"
    facts_ttl_s: int = 60

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings.

        Raises:
            SettingsError: names the variable, its value and what is allowed.
        """
        store = required(environment, "STORE")
        if store not in STORES:
            raise SettingsError(f"STORE is {store!r}, allowed are {' and '.join(STORES)}")
        return cls(
            in_service_parameter=required(environment, "IN_SERVICE_PARAMETER"),
            topics_function=required(environment, "TOPICS_FUNCTION"),
            index_bucket=required(environment, "INDEX_BUCKET"),
            region=required(environment, "AWS_REGION"),
            name=environment.get("AWS_LAMBDA_FUNCTION_NAME", "similar"),
            store=store,
            vector_bucket=required(environment, "VECTOR_BUCKET") if store == S3_VECTORS else None,
            max_index_bytes=_whole(environment, "MAX_INDEX_BYTES"),
            log_level=log_level(environment),
            facts_ttl_s=_whole(environment, "FACTS_TTL_S", "60"),
        )


def _whole(environment: Mapping[str, str], name: str, default: str = "") -> int:
    text = environment.get(name, "") or default
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise SettingsError(f"{name} is {text!r}, allowed are whole numbers from 1")
    return int(text)
