"""Which model and corpus are in service: one SSM parameter, kept for a while, read again when it is doubted."""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from url_functions.limits import MAX_FEATURE_DIM
from url_functions.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from url_functions.ports import SsmClient

BUILTIN: Final = "builtin"
OPEN: Final = "open"
MIN_REFRESH_INTERVAL_S: Final = 2.0
"""However often a caller's request casts doubt on what is kept, the parameter is not read more often than this."""
MIN_CONFIRM_INTERVAL_S: Final = 0.25
"""Reads that a refusal waits for are this far apart: a caller's bad requests cannot use up what SSM allows a second."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InService:
    """What the serving stack wrote once the endpoint had been updated."""

    model: str
    corpus: str
    vocabulary: str
    feature_dim: int
    algorithm: str = BUILTIN
    num_topics: int | None = None
    endpoint_config: str | None = None
    artifact: str | None = None

    @classmethod
    def from_json(cls, text: str) -> InService:
        """Read the parameter's value.

        Raises:
            ValueError: says what is missing or wrong.
        """
        content = json.loads(text)
        if not isinstance(content, dict):
            raise ValueError("the value is not a JSON object")  # noqa: TRY004 - a value, not a programmer's type
        algorithm = content.get("algorithm", BUILTIN)
        if algorithm not in (BUILTIN, OPEN):
            raise ValueError(f"algorithm is {algorithm!r}, allowed are {BUILTIN} and {OPEN}")
        topics = content.get("num_topics")
        return cls(
            model=_text(content, "model"),
            corpus=_text(content, "corpus"),
            vocabulary=_text(content, "vocabulary"),
            feature_dim=_whole(content.get("feature_dim"), "feature_dim"),
            algorithm=algorithm,
            num_topics=None if topics in (None, "") else _whole(topics, "num_topics"),
            endpoint_config=content.get("endpoint_config") or None,
            artifact=content.get("artifact") or None,
        )


def _text(content: dict[str, object], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is {value!r}, where a string is needed")
    return value


def _whole(value: object, name: str) -> int:
    # CloudFormation joins strings: a number may arrive as its digits.
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if type(value) is not int or not 1 <= value <= MAX_FEATURE_DIM:
        raise ValueError(f"{name} is {value!r}, allowed are 1 to {MAX_FEATURE_DIM}")
    return value


class InServiceFacts:
    """The facts, read at most once in `ttl_s`, and again on `refreshed` and `confirmed`.

    While SSM cannot be read, facts that were read before stay in use: requests go on being answered, and the
    open server's own word on its version still guards them.
    """

    def __init__(
        self,
        client: Callable[[], SsmClient],
        parameter: str,
        *,
        ttl_s: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._client = client
        self._parameter = parameter
        self._ttl_s = ttl_s
        self._clock = clock
        self._sleep = sleep
        self._facts: InService | None = None
        self._read_at = 0.0
        self._lock = threading.Lock()

    def current(self) -> InService:
        """Return the facts.

        Raises:
            Problem: `model_not_in_service` or `service_misconfigured`, where none were ever read.
        """
        facts = self._facts
        if facts is not None and self._clock() - self._read_at < self._ttl_s:
            return facts
        return self._read()

    def refreshed(self) -> InService:
        """Return the facts, read anew unless that was done a moment ago."""
        facts = self._facts
        if facts is not None and self._clock() - self._read_at < MIN_REFRESH_INTERVAL_S:
            return facts
        return self._read()

    def confirmed(self) -> InService:
        """Return the facts, read after this call began: what a refusal for good rests on must not be old.

        A model may have been promoted since even a read of a moment ago, and its callers are right.
        """
        if self._facts is not None:
            self._sleep(max(0.0, self._read_at + MIN_CONFIRM_INTERVAL_S - self._clock()))
        return self._read()

    def forget(self) -> None:
        """Read anew at the next use: what is kept may be as old as the snapshot it came from."""
        self._facts = None

    def _read(self) -> InService:
        with self._lock:
            try:
                value = self._client().get_parameter(Name=self._parameter)["Parameter"]["Value"]
                facts = InService.from_json(value)
            except (ClientError, BotoCoreError, ValueError) as error:
                facts = self._kept_or_refuse(error)
            self._facts = facts
            self._read_at = self._clock()
            return facts

    def _kept_or_refuse(self, error: Exception) -> InService:
        logger.warning("in_service_unreadable", extra={"parameter": self._parameter, "error": str(error)})
        if self._facts is not None:
            return self._facts
        if isinstance(error, ClientError):
            code = error.response.get("Error", {}).get("Code", "")
            if code == "ParameterNotFound":
                raise Problem(Code.MODEL_NOT_IN_SERVICE, "no model has been put in service yet") from None
            if code in ("AccessDeniedException", "AccessDenied"):
                detail = "the function may not read which model is in service"
                raise Problem(Code.SERVICE_MISCONFIGURED, detail) from None
        if isinstance(error, ValueError):
            detail = "the record of the model in service cannot be read"
            raise Problem(Code.SERVICE_MISCONFIGURED, detail) from None
        raise Problem(Code.MODEL_NOT_IN_SERVICE, "which model is in service cannot be read at the moment") from None
