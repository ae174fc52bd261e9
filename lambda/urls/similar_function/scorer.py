"""Topic weights of a raw document, from the topics function: counting, scoring and versions are its business."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from similar_function.problems import SimilarCode, SimilarProblem
from url_functions.events import UNKNOWN_SHARE_HEADER
from url_functions.media_types import APPLICATION_JSON
from url_functions.problems import Code
from url_functions.versions import MODEL_HEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from url_functions.ports import LambdaClient

logger = logging.getLogger(__name__)

OK: Final = 200
POINTER_THERE, POINTER_HERE = "/documents/0", "/document"
_THROTTLED: Final = frozenset({"TooManyRequestsException", "ThrottlingException", "EC2ThrottledException"})
_MISCONFIGURED: Final = frozenset({"AccessDeniedException", "AccessDenied", "ResourceNotFoundException"})


@dataclass(frozen=True, slots=True)
class Scored:
    """Topic weights of a document, and the model that gave them."""

    weights: list[float]
    model: str | None
    unknown_word_share: str | None


class TopicsFunction:
    """The alias of the topics function, as its URL would call it.

    Args:
        client: gives the Lambda client; its read timeout is longer than the topics function's own time.
        name: ARN of the alias.
    """

    def __init__(self, client: Callable[[], LambdaClient], name: str) -> None:
        self._client = client
        self._name = name

    def weights_of(self, document: str) -> Scored:
        """Return the topic weights of a document.

        Raises:
            SimilarProblem: what the topics function says is wrong, or that it cannot be asked.
        """
        event = {
            "version": "2.0",
            "rawPath": "/",
            "rawQueryString": "",
            "headers": {"content-type": APPLICATION_JSON},
            "requestContext": {"http": {"method": "POST"}, "requestId": ""},
            "body": json.dumps({"documents": [document]}),
            "isBase64Encoded": False,
        }
        try:
            invoked = self._client().invoke(FunctionName=self._name, Payload=json.dumps(event).encode())
            payload = invoked["Payload"].read()
        except (ClientError, BotoCoreError, OSError) as error:
            raise _unreachable(error) from None
        if "FunctionError" in invoked:
            logger.warning("topics_function_failed", extra={"error": invoked["FunctionError"]})
            raise SimilarProblem(SimilarCode.SCORING_UNAVAILABLE, "the function that scores documents failed")
        return _read(payload)


def _read(payload: bytes) -> Scored:
    try:
        answer = json.loads(payload)
        status, headers, body = answer["statusCode"], answer["headers"], json.loads(answer["body"])
        if status != OK:
            raise _passed_on(body, headers)
        weights = [float(weight) for weight in body["predictions"][0]["topic_weights"]]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        detail = "the answer of the function that scores documents cannot be read"
        raise SimilarProblem(SimilarCode.SCORING_UNAVAILABLE, detail) from None
    return Scored(weights, headers.get(MODEL_HEADER), headers.get(UNKNOWN_SHARE_HEADER))


def _passed_on(problem: Mapping[str, object], headers: Mapping[str, str]) -> SimilarProblem:
    """Return the topics function's problem as one of this request; the document is the only one, so it has no row."""
    pointer, allowed, retry_after = problem.get("pointer"), problem.get("allowed"), headers.get("retry-after", "")
    return SimilarProblem(
        Code(str(problem["code"])),
        str(problem["detail"]),
        pointer=pointer.replace(POINTER_THERE, POINTER_HERE) if isinstance(pointer, str) else None,
        allowed=allowed if isinstance(allowed, str) else None,
        retry_after_s=int(retry_after) if retry_after.isascii() and retry_after.isdigit() else None,
    )


def _unreachable(error: Exception) -> SimilarProblem:
    code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
    logger.warning("topics_function_unreachable", extra={"error": code or type(error).__name__})
    if code in _THROTTLED:
        return SimilarProblem(Code.THROTTLED, "the function that scores documents is being called too often")
    if code in _MISCONFIGURED:
        return SimilarProblem(Code.SERVICE_MISCONFIGURED, "the function that scores documents may not be called")
    detail = "the function that scores documents cannot be reached at the moment"
    return SimilarProblem(SimilarCode.SCORING_UNAVAILABLE, detail)
