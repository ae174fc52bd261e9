"""The inference contract: /ping, /invocations and /execution-parameters over one model. No JAX."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Final

import numpy as np
import orjson

from training_scripts.content_types import APPLICATION_JSON
from training_scripts.ntm.artifact import ArtifactError
from training_scripts.ntm.inference import NtmInference
from training_scripts.ntm.reading import csv_counts
from training_scripts.ntm.reading.counts import CountsError
from training_scripts.ntm.serving.messages import Request, Response
from training_scripts.ntm.serving.requests import (
    ROWS_AT_ONCE,
    NotAcceptableError,
    UnsupportedMediaTypeError,
    asks_for_raw_weights,
    decode,
    encode,
    response_type,
)

if TYPE_CHECKING:
    from training_scripts.ntm.artifact import Artifact

CUSTOM_ATTRIBUTES: Final = "X-Amzn-SageMaker-Custom-Attributes"
PING, INVOCATIONS, EXECUTION_PARAMETERS = "/ping", "/invocations", "/execution-parameters"
_METHODS: Final = {PING: "GET", INVOCATIONS: "POST", EXECUTION_PARAMETERS: "GET"}
_MEGABYTE: Final = 1 << 20


class Service:
    """Answers requests with topic weights, and every request with which model, corpus and vocabulary it was."""

    def __init__(self, artifact: Artifact, *, workers: int, max_body_bytes: int) -> None:
        """Take a model; `workers` and `max_body_bytes` are what batch transform is told.

        Raises:
            ArtifactError: the model cannot be right.
        """
        document = artifact.document
        self._inference = NtmInference(artifact)
        self._corpus: str | None = document.get("corpus_hash")
        self._workers = workers
        self._max_body_bytes = max_body_bytes
        # The first use of each library routine is slow: better now than in the first caller's request.
        width = self._inference.feature_dim
        weights = self._inference.topic_weights(csv_counts.parse(b",".join([b"1"] * width), feature_dim=width))
        if not np.isfinite(weights).all():
            raise ArtifactError(
                "the model's numbers are too large: a document with each word once has no topic weights"
            )
        versions = {
            "model": document["model_version"],
            "corpus": self._corpus or "",
            "vocabulary": document.get("vocabulary_hash") or "",
        }
        self._headers = {CUSTOM_ATTRIBUTES: ";".join(f"{name}={value}" for name, value in versions.items())}

    def answer(self, request: Request) -> Response:
        """Return the answer to any request; what a caller did wrong is told, never a stack trace."""
        if request.path not in _METHODS:
            return self.refusal(404, "not_found", f"there is no {request.path[:80]}; POST to {INVOCATIONS}")
        if request.method != _METHODS[request.path]:
            allowed = _METHODS[request.path]
            return self.refusal(
                405, "method_not_allowed", f"{request.path} answers {allowed}, not {request.method[:20]}"
            )
        if request.path == INVOCATIONS:
            return self._invocation(request)
        return (
            self._execution_parameters() if request.path == EXECUTION_PARAMETERS else Response(200, b"", self._headers)
        )

    def refusal(
        self, status: int, code: str, message: str, *, row: int | None = None, column: int | None = None
    ) -> Response:
        """Return an error answer; `row` and `column` count from 1."""
        error = {"code": code, "message": message, "row": row, "column": column, "corpus": self._corpus}
        return Response(status, orjson.dumps({"error": error}), {**self._headers, "Content-Type": APPLICATION_JSON})

    def _invocation(self, request: Request) -> Response:
        try:
            return self._weighed(request)
        except CountsError as fault:
            return self.refusal(400, fault.code, str(fault), row=fault.row, column=fault.column)
        except UnsupportedMediaTypeError as fault:
            return self.refusal(415, "unsupported_media_type", str(fault))
        except NotAcceptableError as fault:
            return self.refusal(406, "not_acceptable", str(fault))
        except ArithmeticError as fault:
            sys.stderr.write(f"serve: {fault}\n")
            return self.refusal(500, "not_finite", str(fault))
        except Exception as error:  # noqa: BLE001 (one request's failure must not end the worker)
            sys.excepthook(type(error), error, error.__traceback__)
            return self.refusal(500, "internal_error", "the model could not answer; the endpoint's log says why")

    def _weighed(self, request: Request) -> Response:
        started = time.perf_counter()
        accept = request.headers.get("accept", "")
        kind, raw = response_type(accept), asks_for_raw_weights(accept)
        counts = decode(request.body, request.headers.get("content-type", ""), feature_dim=self._inference.feature_dim)
        weights = np.concatenate(
            [
                self._inference.topic_weights(counts[begin : begin + ROWS_AT_ONCE], raw=raw)
                for begin in range(0, counts.shape[0], ROWS_AT_ONCE)
            ]
        )
        if not np.isfinite(weights).all():
            raise ArithmeticError("the model gives topic weights that are no numbers for these documents")
        body = encode(weights, kind)
        milliseconds = (time.perf_counter() - started) * 1000
        # A log that nobody reads any more, as when the parent was killed, is no reason to refuse.
        with contextlib.suppress(OSError):
            sys.stdout.write(f"{counts.shape[0]} documents, {len(request.body)} bytes, {milliseconds:.1f} ms\n")
        return Response(200, body, {**self._headers, "Content-Type": kind})

    def _execution_parameters(self) -> Response:
        parameters = {
            "MaxConcurrentTransforms": self._workers,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": self._max_body_bytes // _MEGABYTE,
        }
        return Response(200, orjson.dumps(parameters), {**self._headers, "Content-Type": APPLICATION_JSON})
