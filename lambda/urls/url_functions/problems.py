"""What can be wrong with a request, and how it is told: RFC 9457 problem details with a stable code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PROBLEM_TYPE_PREFIX: Final = "urn:topic-model:problem:"


class Code(StrEnum):
    """The stable codes. Callers branch on these, so a code is never renamed and never changes its meaning."""

    NOT_A_URL_EVENT = "not_a_url_event"
    EMPTY_BODY = "empty_body"
    NOT_BASE64 = "not_base64"
    NOT_GZIP = "not_gzip"
    NOT_UTF8 = "not_utf8"
    HEADER_ROW = "header_row"
    NOT_A_NUMBER = "not_a_number"
    INVALID_JSON = "invalid_json"
    DUPLICATE_MEMBER = "duplicate_member"
    INVALID_RECORDIO = "invalid_recordio"
    INVALID_PARAMETER = "invalid_parameter"
    UNKNOWN_ROUTE = "unknown_route"
    TOPICS_UNKNOWN = "topics_unknown"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_ACCEPTABLE = "not_acceptable"
    CORPUS_MISMATCH = "corpus_mismatch"
    BODY_TOO_LARGE = "body_too_large"
    TOO_MANY_ROWS = "too_many_rows"
    ROW_TOO_LARGE = "row_too_large"
    ANSWER_TOO_LARGE = "answer_too_large"
    UNSUPPORTED_CONTENT_TYPE = "unsupported_content_type"
    UNSUPPORTED_CHARSET = "unsupported_charset"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    WRONG_WIDTH = "wrong_width"
    NEGATIVE_COUNT = "negative_count"
    NOT_FINITE = "not_finite"
    COUNT_TOO_LARGE = "count_too_large"
    WRONG_SHAPE = "wrong_shape"
    KEY_OUT_OF_RANGE = "key_out_of_range"
    DUPLICATE_KEY = "duplicate_key"
    CELL_TOO_LONG = "cell_too_long"
    NO_KNOWN_WORDS = "no_known_words"
    UNSEGMENTED_TEXT = "unsegmented_text"
    REFUSED_BY_MODEL = "refused_by_model"
    THROTTLED = "throttled"
    INTERNAL_ERROR = "internal_error"
    ENDPOINT_STARTING = "endpoint_starting"
    ENDPOINT_MISSING = "endpoint_missing"
    ENDPOINT_UNAVAILABLE = "endpoint_unavailable"
    MODEL_FAILED = "model_failed"
    MODEL_CHANGING = "model_changing"
    MODEL_NOT_IN_SERVICE = "model_not_in_service"
    VOCABULARY_UNAVAILABLE = "vocabulary_unavailable"
    TOPICS_UNAVAILABLE = "topics_unavailable"
    SERVICE_MISCONFIGURED = "service_misconfigured"
    CREDENTIALS_REFUSED = "credentials_refused"
    ENDPOINT_TIMEOUT = "endpoint_timeout"


@dataclass(frozen=True, slots=True)
class Kind:
    """What every problem of one code has in common. `retry` says whether the same request may succeed later."""

    status: int
    title: str
    retry: bool = False


KINDS: Final[dict[Code, Kind]] = {
    Code.NOT_A_URL_EVENT: Kind(400, "The event is not a Function URL request of payload version 2.0"),
    Code.EMPTY_BODY: Kind(400, "The body is empty"),
    Code.NOT_BASE64: Kind(400, "The body is said to be base64 and is not"),
    Code.NOT_GZIP: Kind(400, "The body is said to be gzip and is not, or is cut short"),
    Code.NOT_UTF8: Kind(400, "The body is not UTF-8"),
    Code.HEADER_ROW: Kind(400, "The first row is a header"),
    Code.NOT_A_NUMBER: Kind(400, "A cell is not a number"),
    Code.INVALID_JSON: Kind(400, "The body is not JSON"),
    Code.DUPLICATE_MEMBER: Kind(400, "A JSON object names a member twice"),
    Code.INVALID_RECORDIO: Kind(400, "The body is not RecordIO-protobuf"),
    Code.INVALID_PARAMETER: Kind(400, "A query parameter is not understood"),
    Code.UNKNOWN_ROUTE: Kind(404, "There is nothing at this path"),
    Code.TOPICS_UNKNOWN: Kind(404, "The topics of the model in service are not published"),
    Code.METHOD_NOT_ALLOWED: Kind(405, "This path does not take this method"),
    Code.NOT_ACCEPTABLE: Kind(406, "None of the accepted media types can be given"),
    Code.CORPUS_MISMATCH: Kind(409, "The model in service was trained on another corpus"),
    Code.BODY_TOO_LARGE: Kind(413, "The body is too large"),
    Code.TOO_MANY_ROWS: Kind(413, "Too many documents in one request"),
    Code.ROW_TOO_LARGE: Kind(413, "One document is too large for the endpoint"),
    Code.ANSWER_TOO_LARGE: Kind(413, "The answer would be too large"),
    Code.UNSUPPORTED_CONTENT_TYPE: Kind(415, "This content type is not understood"),
    Code.UNSUPPORTED_CHARSET: Kind(415, "This character set is not understood"),
    Code.UNSUPPORTED_ENCODING: Kind(415, "This content encoding is not understood"),
    Code.WRONG_WIDTH: Kind(422, "A row has not as many counts as the vocabulary has words"),
    Code.NEGATIVE_COUNT: Kind(422, "A count is negative"),
    Code.NOT_FINITE: Kind(422, "A count is not finite"),
    Code.COUNT_TOO_LARGE: Kind(422, "A count is too large"),
    Code.WRONG_SHAPE: Kind(422, "The JSON has another shape than this interface takes"),
    Code.KEY_OUT_OF_RANGE: Kind(422, "A key is not the id of a word"),
    Code.DUPLICATE_KEY: Kind(422, "A key is given twice"),
    Code.CELL_TOO_LONG: Kind(422, "A cell is longer than any count"),
    Code.NO_KNOWN_WORDS: Kind(422, "A document has no word of the vocabulary"),
    Code.UNSEGMENTED_TEXT: Kind(422, "The words of a document are not parted, and those of the vocabulary are"),
    Code.REFUSED_BY_MODEL: Kind(422, "The model refuses this request"),
    Code.THROTTLED: Kind(429, "The endpoint takes no more requests at the moment", retry=True),
    Code.INTERNAL_ERROR: Kind(500, "A fault of this service"),
    Code.ENDPOINT_STARTING: Kind(503, "The model is still being loaded", retry=True),
    Code.ENDPOINT_MISSING: Kind(503, "The endpoint does not exist", retry=True),
    Code.ENDPOINT_UNAVAILABLE: Kind(503, "The endpoint cannot be reached", retry=True),
    Code.MODEL_FAILED: Kind(503, "The model failed on this request", retry=True),
    Code.MODEL_CHANGING: Kind(503, "The model is being replaced", retry=True),
    Code.MODEL_NOT_IN_SERVICE: Kind(503, "No model is in service", retry=True),
    Code.VOCABULARY_UNAVAILABLE: Kind(503, "The vocabulary of the model in service cannot be read", retry=True),
    Code.TOPICS_UNAVAILABLE: Kind(503, "The topics of the model in service cannot be read", retry=True),
    Code.SERVICE_MISCONFIGURED: Kind(503, "The service is set up wrongly", retry=True),
    Code.CREDENTIALS_REFUSED: Kind(503, "The service's own credentials were refused", retry=True),
    Code.ENDPOINT_TIMEOUT: Kind(504, "The endpoint did not answer in time", retry=True),
}

DEFAULT_RETRY_AFTER_S: Final = 2


class Problem(Exception):  # noqa: N818 - the name RFC 9457 gives it
    """One refusal, with its place. `row` and `column` count from 1, `pointer` is an RFC 6901 JSON pointer.

    `parameter` names a parameter of the query. `detail` is one sentence, and never holds text of the caller's documents
    beyond the faulty cell of a table.
    """

    kinds: ClassVar[Mapping[str, Kind]] = {str(code): kind for code, kind in KINDS.items()}
    """By code. Another function's problems are of a subclass, whose kinds are these and its own."""

    def __init__(
        self,
        code: StrEnum,
        detail: str,
        *,
        row: int | None = None,
        column: int | None = None,
        pointer: str | None = None,
        parameter: str | None = None,
        allowed: str | None = None,
        retry_after_s: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.row = row
        self.column = column
        self.pointer = pointer
        self.parameter = parameter
        self.allowed = allowed
        self.headers = headers or {}
        kind = self.kinds[code]
        self.status = kind.status
        self.retry_after_s = retry_after_s or (DEFAULT_RETRY_AFTER_S if kind.retry else None)

    def members(self) -> dict[str, object]:
        """Return the members of the problem object, without those that do not apply."""
        kind = self.kinds[self.code]
        members: dict[str, object] = {
            "type": PROBLEM_TYPE_PREFIX + self.code,
            "title": kind.title,
            "status": kind.status,
            "detail": self.detail,
            "code": str(self.code),
        }
        places = {
            "row": self.row,
            "column": self.column,
            "pointer": self.pointer,
            "parameter": self.parameter,
            "allowed": self.allowed,
        }
        members.update({name: value for name, value in places.items() if value is not None})
        members["retry"] = kind.retry
        return members

    def to_json(self, request_id: str | None = None) -> str:
        """Return the body of an `application/problem+json` answer."""
        members = self.members()
        if request_id is not None:
            members["request_id"] = request_id
        return json.dumps(members)
