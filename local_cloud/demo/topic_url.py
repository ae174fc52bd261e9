"""Asks the Lambda URL for the topics of documents."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from local_cloud.function_urls import FunctionUrl
from local_cloud.shared.errors import LocalCloudError

DOCUMENTS_A_REQUEST: Final = 500
_TIMEOUT_S: Final = 90

Weights = list[float]


def ask(url: FunctionUrl, texts: Sequence[str], credentials: Mapping[str, str]) -> list[Weights]:
    """Return the topic weights of each text, by one signed request.

    Raises:
        LocalCloudError: the URL refused, or answered with another number of documents.
    """
    body = json.dumps({"documents": list(texts)}).encode()
    address, headers = url.signed("POST", "/", body, {"Content-Type": "application/json"}, credentials)
    request = urllib.request.Request(address, data=body, headers=headers, method="POST")  # noqa: S310 (loopback)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 (loopback)
            predictions = json.load(answer)["predictions"]
    except urllib.error.HTTPError as error:
        raise LocalCloudError(f"the URL answered {error.code}: {error.read().decode(errors='replace')[:500]}") from None
    weights = [prediction["topic_weights"] for prediction in predictions]
    if len(weights) != len(texts):
        raise LocalCloudError(f"the URL answered {len(weights)} documents of {len(texts)}")
    return weights


def ask_all(
    url: FunctionUrl, texts: Sequence[str], credentials: Mapping[str, str], tell: Callable[[str], None]
) -> list[Weights]:
    """Return the topic weights of any number of texts, in as many requests as it takes."""
    weights: list[Weights] = []
    for batch in _batches(texts):
        weights += ask(url, batch, credentials)
        tell(f"{len(weights):,} of {len(texts):,} documents")
    return weights


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), DOCUMENTS_A_REQUEST):
        yield texts[start : start + DOCUMENTS_A_REQUEST]
