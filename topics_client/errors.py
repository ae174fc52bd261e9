"""What a request can end with, other than an answer."""

from __future__ import annotations

import email.utils
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from topics_client.answers import json_of

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_CONNECTION: Final = "no_connection"
NO_CREDENTIALS: Final = "no_credentials"
NOT_AN_ANSWER: Final = "not_an_answer"
NOT_A_DOCUMENT: Final = "not_a_document"
ANSWER_TOO_LATE: Final = "answer_too_late"
ANSWER_TOO_LARGE: Final = "answer_too_large"

MAX_RETRY_AFTER_S: Final = 30.0
"""The longest that a server's Retry-After is waited for before the next try."""

LAMBDA_REFUSALS: Final[Mapping[int, tuple[str, str, bool]]] = {
    403: ("lambda_forbidden", "Lambda refused the caller: a wrong signature, or no right to call this URL", False),
    404: ("lambda_not_found", "there is no function behind this URL", False),
    413: ("lambda_payload_too_large", "the request is larger than the 6 MB that a Function URL carries", False),
    429: ("lambda_throttled", "the function takes no more requests at the moment", True),
    502: ("lambda_failed", "the function ended without an answer, or its answer was larger than 6 MB", True),
    503: ("lambda_unavailable", "Lambda is not available at the moment", True),
    504: ("lambda_timeout", "the function did not answer in time", True),
}  # fmt: skip
"""Lambda's own refusals, which carry no problem document: code, sentence, and whether a retry may help."""


class TopicsError(Exception):
    """A request that was refused or could not be sent.

    Attributes:
        code: stable; the function's own are listed in docs/api.md, Lambda's begin with `lambda_`.
        status: the HTTP status; None where there was no answer.
        detail: one sentence.
        row: the document at fault in all that were sent, from 1.
        column: the count at fault in its row, from 1.
        pointer: JSON pointer to the fault in the body of its request.
        allowed: what is allowed instead.
        retry: whether the same request may succeed later.
        retry_after_s: seconds to wait before that, at most `MAX_RETRY_AFTER_S`.
        request_id: the function's, for its log.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int | None = None,
        row: int | None = None,
        column: int | None = None,
        pointer: str | None = None,
        allowed: str | None = None,
        retry: bool = False,
        retry_after_s: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}" + (f" (allowed: {allowed})" if allowed else ""))
        self.code = code
        self.detail = detail
        self.status = status
        self.row = row
        self.column = column
        self.pointer = pointer
        self.allowed = allowed
        self.retry = retry
        self.retry_after_s = retry_after_s
        self.request_id = request_id


def of_answer(status: int, headers: Mapping[str, str], body: bytes, first_row: int) -> TopicsError:
    """Return the error of an answer that is not 200; `first_row` is the number of the request's first document."""
    asked_s = _seconds(headers.get("retry-after", ""))
    retry_after_s = None if asked_s is None else min(asked_s, MAX_RETRY_AFTER_S)
    bound = ""
    if asked_s is not None and asked_s > MAX_RETRY_AFTER_S:
        bound = f"; its Retry-After is longer than the {MAX_RETRY_AFTER_S:.0f} s that are waited at most"
    problem = _problem(body)
    if problem is not None:
        return of_problem(problem, first_row, status=status, retry_after_s=retry_after_s, bound=bound)
    code, detail, retry = LAMBDA_REFUSALS.get(
        status,
        (f"http_{status}", f"the URL answered {status}", status >= 500),  # noqa: PLR2004 - server errors
    )
    return TopicsError(code, detail + bound, status=status, retry=retry, retry_after_s=retry_after_s)


def _seconds(retry_after: str) -> float | None:
    """Return the seconds that a Retry-After asks for, as a number or until a date; None for what is neither."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        date = email.utils.parsedate_to_datetime(retry_after)
        aware = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
        return max(0.0, (aware - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def of_problem(
    problem: Mapping[str, object],
    first_row: int,
    *,
    status: int | None = None,
    retry_after_s: float | None = None,
    bound: str = "",
) -> TopicsError:
    """Return the error that a problem document tells, of a whole request or of one document."""
    row, column = _number(problem, "row"), _number(problem, "column")
    problem_status = _number(problem, "status")
    return TopicsError(
        _text(problem, "code") or NOT_AN_ANSWER,
        (_text(problem, "detail") or _text(problem, "title") or "the request was refused") + bound,
        status=status if status is not None else problem_status,
        row=None if row is None else row + first_row - 1,
        column=column,
        pointer=_text(problem, "pointer"),
        allowed=_text(problem, "allowed"),
        retry=problem.get("retry") is True,
        retry_after_s=retry_after_s,
        request_id=_text(problem, "request_id"),
    )


def _problem(body: bytes) -> Mapping[str, object] | None:
    try:
        content = json_of(body)
    except ValueError:
        return None
    return content if isinstance(content, dict) and isinstance(content.get("code"), str) else None


def _text(problem: Mapping[str, object], name: str) -> str | None:
    value = problem.get(name)
    return value if isinstance(value, str) else None


def _number(problem: Mapping[str, object], name: str) -> int | None:
    value = problem.get(name)
    return value if type(value) is int else None
