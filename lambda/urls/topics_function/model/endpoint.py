"""Calls of the SageMaker endpoint, each tried again where that can help, within the request's deadline."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
)

from topics_function.model import answers
from topics_function.model.answers import BadAnswerError, Predictions
from url_functions.media_types import APPLICATION_JSON, RECORDIO_PROTOBUF
from url_functions.problems import Code, Problem
from url_functions.versions import Versions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from url_functions.deadline import Deadline
    from url_functions.ports import RuntimeClient

MAX_ATTEMPTS: Final = 4
BACKOFF_BASE_S: Final = 0.1
BACKOFF_CAP_S: Final = 4.0
MIN_ATTEMPT_S: Final = 0.5
"""No attempt is begun with less time left than this."""

NO_ANSWER: Final = 0
"""The status that the service gives a container that ended, or took its 60 s, before it answered."""
TIMED_OUT: Final = "timed out"
"""What it says of the second, which would take as long again."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answered:
    """The container's answer to one call, and which versions gave it."""

    predictions: Predictions
    versions: Versions


class ModelRefusalError(Problem):
    """The container refused the rows: the server's own code and row, and the corpus it serves, where it says."""

    def __init__(
        self, detail: str, server_code: str | None, row: int | None, column: int | None, corpus: str | None
    ) -> None:
        super().__init__(Code.REFUSED_BY_MODEL, detail, row=row, column=column)
        self.server_code = server_code
        self.corpus = corpus


RAW_JSON: Final = f"{APPLICATION_JSON};weights=raw"
"""By which the open NTM's server gives weights as its model has them."""

# Error codes of the service, as what they mean for a caller. Those marked True are worth another attempt.
_SERVICE_ERRORS: Final[dict[str, tuple[Code, bool, str]]] = {
    "ThrottlingException": (Code.THROTTLED, True, "the endpoint is being called too often"),
    "Throttling": (Code.THROTTLED, True, "the endpoint is being called too often"),
    "TooManyRequestsException": (Code.THROTTLED, True, "the endpoint is being called too often"),
    "RequestLimitExceeded": (Code.THROTTLED, True, "the endpoint is being called too often"),
    "ModelNotReadyException": (Code.ENDPOINT_STARTING, True, "the endpoint is loading its model"),
    "ServiceUnavailable": (Code.ENDPOINT_UNAVAILABLE, True, "the endpoint is not available"),
    "ServiceUnavailableException": (Code.ENDPOINT_UNAVAILABLE, True, "the endpoint is not available"),
    "InternalFailure": (Code.ENDPOINT_UNAVAILABLE, True, "the endpoint's service failed"),
    "InternalServerException": (Code.ENDPOINT_UNAVAILABLE, True, "the endpoint's service failed"),
    "InternalDependencyException": (Code.ENDPOINT_UNAVAILABLE, True, "the endpoint's service failed"),
    "AccessDeniedException": (Code.SERVICE_MISCONFIGURED, False, "the function may not call the endpoint"),
    "AccessDenied": (Code.SERVICE_MISCONFIGURED, False, "the function may not call the endpoint"),
    "ExpiredTokenException": (Code.CREDENTIALS_REFUSED, False, "the function's credentials have expired"),
    "ExpiredToken": (Code.CREDENTIALS_REFUSED, False, "the function's credentials have expired"),
    "UnrecognizedClientException": (Code.CREDENTIALS_REFUSED, False, "the function's credentials are not known"),
    "InvalidSignatureException": (Code.CREDENTIALS_REFUSED, False, "the function's signature was refused"),
    "ValidationError": (Code.ENDPOINT_MISSING, False, "the endpoint is not there, or not in service"),
    "ValidationException": (Code.ENDPOINT_MISSING, False, "the endpoint is not there, or not in service"),
}


class Endpoint:
    """One endpoint. Safe to use from several threads.

    Args:
        client: the runtime client, with its own retries off: those here know the deadline.
        read_timeout_s: the client's read timeout. A call begun with less time left than this is watched from
            outside, since the client itself would wait past the deadline.
        sleep, uniform: replaced in tests.
    """

    def __init__(
        self,
        client: RuntimeClient,
        name: str,
        *,
        read_timeout_s: float,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._client = client
        self._name = name
        self._read_timeout_s = read_timeout_s
        self._sleep = sleep
        self._uniform = uniform

    def invoke(self, body: bytes, *, rows: int, deadline: Deadline, raw: bool = False) -> Answered:
        """Have a body of `rows` records scored by one call, or by more where a failure may pass; `raw`: see RAW_JSON.

        Raises:
            ModelRefusalError: the container refused what was sent.
            Problem: 429, 503 or 504, with the seconds after which another request may succeed.
        """
        attempt = 1
        while True:
            if deadline.remaining_s() < MIN_ATTEMPT_S:
                raise _late()
            try:
                return self._attempt(body, rows, deadline, raw=raw)
            except (ClientError, BotoCoreError, OSError, BadAnswerError) as error:
                problem, again, wait_s = _read_error(error)
                logger.info(
                    "endpoint_attempt_failed",
                    extra={"attempt": attempt, "error": type(error).__name__, "code": str(problem.code)},
                )
                pause_s = max(wait_s, self._uniform(0.0, min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2**attempt)))
                if not again or attempt >= MAX_ATTEMPTS or pause_s + MIN_ATTEMPT_S > deadline.remaining_s():
                    raise problem from None
                self._sleep(pause_s)
                attempt += 1

    def _attempt(self, body: bytes, rows: int, deadline: Deadline, *, raw: bool) -> Answered:
        accept = RAW_JSON if raw else APPLICATION_JSON
        if deadline.remaining_s() >= self._read_timeout_s:
            return self._call(body, rows, accept)
        outcome: list[Answered | BaseException] = []

        def run() -> None:
            try:
                outcome.append(self._call(body, rows, accept))
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
                outcome.append(error)

        # A daemon: a call that outlives its request must not keep the process from ending.
        worker = threading.Thread(target=run, daemon=True, name="endpoint-call")
        worker.start()
        worker.join(max(0.0, deadline.remaining_s()))
        if not outcome:
            raise _late()
        if isinstance(outcome[0], BaseException):
            raise outcome[0]
        return outcome[0]

    def _call(self, body: bytes, rows: int, accept: str) -> Answered:
        answer = self._client.invoke_endpoint(
            EndpointName=self._name, Body=body, ContentType=RECORDIO_PROTOBUF, Accept=accept
        )
        return Answered(
            predictions=answers.read(answer["Body"].read(), answer.get("ContentType", ""), rows=rows),
            versions=Versions.from_attributes(answer.get("CustomAttributes")),
        )


def _late() -> Problem:
    return Problem(Code.ENDPOINT_TIMEOUT, "the endpoint did not answer within the time this request has")


def _read_error(error: Exception) -> tuple[Problem, bool, float]:
    """Return what to tell the caller, whether another attempt may help, and the least time to wait before it."""
    if isinstance(error, ReadTimeoutError):
        # The container had all the time the service gives it: it would take as long again.
        return _late(), False, 0.0
    if isinstance(error, BadAnswerError):
        return Problem(Code.MODEL_FAILED, "the model's answer was cut short or cannot be read"), True, 0.0
    if isinstance(error, NoCredentialsError | PartialCredentialsError | CredentialRetrievalError):
        return Problem(Code.CREDENTIALS_REFUSED, "the function has no credentials"), False, 0.0
    if not isinstance(error, ClientError):
        return Problem(Code.ENDPOINT_UNAVAILABLE, "the connection to the endpoint failed"), True, 0.0
    response: Mapping[str, Any] = error.response
    code = response.get("Error", {}).get("Code", "")
    if code == "ModelError":
        return _read_model_error(response)
    known, again, detail = _SERVICE_ERRORS.get(code, (None, False, ""))
    if known is None:
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        known, again, detail = (
            (Code.THROTTLED, True, "the endpoint is being called too often")
            if status == 429  # noqa: PLR2004 - the status itself
            else (Code.ENDPOINT_UNAVAILABLE, status >= 500, "the endpoint's service refused the call")  # noqa: PLR2004
        )
    wait_s = _retry_after(response)
    return Problem(known, detail, retry_after_s=round(wait_s) or None), again, wait_s


def _retry_after(response: Mapping[str, Any]) -> float:
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    value = str(headers.get("retry-after", ""))
    return float(value) if value.isascii() and value.isdigit() else 0.0


def _read_model_error(response: Mapping[str, Any]) -> tuple[Problem, bool, float]:
    status = response.get("OriginalStatusCode", 500)
    if status == NO_ANSWER and TIMED_OUT in str(response.get("OriginalMessage")):
        return _late(), False, 0.0
    if not isinstance(status, int) or status == NO_ANSWER or status >= 500:  # noqa: PLR2004 - server errors
        return Problem(Code.MODEL_FAILED, "the model's container failed on this request"), True, 0.0
    if status == 429:  # noqa: PLR2004
        return Problem(Code.THROTTLED, "the model's container takes no more requests"), True, _retry_after(response)
    told = _server_error(response.get("OriginalMessage"))
    code, message = told.get("code"), told.get("message")
    row, column, corpus = told.get("row"), told.get("column"), told.get("corpus")
    return (
        ModelRefusalError(
            message if isinstance(message, str) else f"the model's container answered {status}",
            code if isinstance(code, str) else None,
            row if isinstance(row, int) else None,
            column if isinstance(column, int) else None,
            corpus if isinstance(corpus, str) else None,
        ),
        False,
        0.0,
    )


def _server_error(message: object) -> dict[str, object]:
    """Return the open server's error object; the built-in image writes plain text, which is not passed on."""
    try:
        content = json.loads(message) if isinstance(message, str) else None
    except ValueError:
        return {}
    error = content.get("error") if isinstance(content, dict) else None
    return error if isinstance(error, dict) else {}
