"""Deployed scorers: a SageMaker endpoint, and the service's URL. Both give what a model folder gives."""

from __future__ import annotations

import io
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from botocore.exceptions import BotoCoreError, ClientError

from explore.scorers import Scored
from explore.vectors import Matrix
from local_cloud.function_urls import FunctionUrl
from operations.errors import OperationError
from operations.stage import session
from topics_client.signing import sign
from training_scripts import recordio
from training_scripts.content_types import APPLICATION_JSON, RECORDIO_PROTOBUF

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

REQUEST_BYTES: Final = 4_000_000
"""Below the 6,291,456 bytes that an endpoint and a URL take, for what the estimate leaves out."""
REQUEST_ROWS: Final = 2000
"""Keeps the answer, some 13 bytes a topic weight, under the URL's 6 MB for up to 200 topics."""
_BYTES_PER_WORD, _BYTES_PER_RECORD = 9, 64
_TIMEOUT_S: Final = 90
_MODEL_HEADER, _CORPUS_HEADER, _VOCABULARY_HEADER = "x-model-version", "x-corpus-version", "x-vocabulary-version"


class Endpoint:
    """A SageMaker endpoint, of the open NTM or of the built-in algorithm."""

    def __init__(self, name: str, *, client: Any = None, model: str | None = None) -> None:  # noqa: ANN401 -- boto3's
        """Take the endpoint's name; `model` is the version to note where its answers do not say."""
        self._name, self._model = name, model
        self._client = client or session().client("sagemaker-runtime")

    def blocks(self, counts: csr_matrix) -> Iterator[csr_matrix]:
        """Cut documents into requests."""
        return requests(counts)

    def score(self, counts: csr_matrix) -> Scored:
        """Return the topic weights of one request."""
        try:
            answer = self._client.invoke_endpoint(
                EndpointName=self._name,
                ContentType=RECORDIO_PROTOBUF,
                Accept=APPLICATION_JSON,
                Body=_encoded(counts),
            )
        except (ClientError, BotoCoreError) as error:
            raise OperationError(f"endpoint {self._name}: {error}") from None
        pairs = (part.partition("=") for part in answer.get("CustomAttributes", "").split(";"))
        attributes = {name: value for name, _, value in pairs}
        model = self._model or attributes.get("model")
        if not model:
            raise OperationError(
                f"endpoint {self._name} does not say which model it serves: name it with --model-version"
            )
        weights = _weights(answer["Body"].read(), counts.shape[0])
        return Scored(weights, model, attributes.get("corpus", ""), attributes.get("vocabulary", ""))


class Url:
    """The service's Function URL, asked with this machine's AWS credentials."""

    def __init__(self, url: str) -> None:
        """Take the URL as the serving stack's output gives it; in a local cloud its local address is found."""
        own = session()
        self._credentials, self._region = own.get_credentials(), own.region_name
        self._url = _reachable(url)
        if self._credentials is None or self._region is None:
            raise OperationError("there are no AWS credentials or no region to sign requests with: set AWS_PROFILE")

    def blocks(self, counts: csr_matrix) -> Iterator[csr_matrix]:
        """Cut documents into requests."""
        return requests(counts)

    def score(self, counts: csr_matrix) -> Scored:
        """Return the topic weights of one request."""
        body = _encoded(counts)
        headers = {"Content-Type": RECORDIO_PROTOBUF, "Accept": APPLICATION_JSON}
        signed = sign("POST", self._url, body, headers, credentials=self._credentials, region=self._region)
        request = urllib.request.Request(self._url, body, signed, method="POST")  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 -- the caller's own URL
                weights = _weights(answer.read(), counts.shape[0])
                response_headers = answer.headers
                return Scored(
                    weights,
                    response_headers[_MODEL_HEADER],
                    response_headers[_CORPUS_HEADER] or "",
                    response_headers[_VOCABULARY_HEADER] or "",
                )
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:300]
            raise OperationError(f"{self._url} answered {error.code}: {said}") from None
        except OSError as error:
            raise OperationError(f"{self._url} cannot be reached: {error}") from None


def requests(counts: csr_matrix) -> Iterator[csr_matrix]:
    """Cut documents into blocks that fit a request each; one document alone always is a block."""
    sizes = np.diff(counts.indptr) * _BYTES_PER_WORD + _BYTES_PER_RECORD
    first = size = 0
    for row, more in enumerate(sizes):
        if row > first and (size + more > REQUEST_BYTES or row - first == REQUEST_ROWS):
            yield counts[first:row]
            first, size = row, 0
        size += int(more)
    yield counts[first:]


def _encoded(counts: csr_matrix) -> bytes:
    stream = io.BytesIO()
    recordio.write_sparse(stream, counts)
    return stream.getvalue()


def _weights(body: bytes, documents: int) -> Matrix:
    try:
        rows = [prediction["topic_weights"] for prediction in json.loads(body)["predictions"]]
        weights = np.array(rows, dtype=np.float32)
    except (KeyError, TypeError, ValueError) as error:
        raise OperationError(f"the answer is not one of a topic model: {error!r}") from None
    if weights.ndim != 2 or weights.shape[0] != documents:  # noqa: PLR2004 -- documents and topics
        raise OperationError(f"the answer is about {len(rows)} documents of {documents}")
    return weights


def _reachable(url: str) -> str:
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint is None or url.startswith(endpoint):
        return url
    return FunctionUrl.at(url, endpoint).local
