"""What AWS's framework container calls to serve: the functions of its contract, over the open NTM's own service.

https://sagemaker.readthedocs.io/en/stable/frameworks/pytorch/using_pytorch.html#serve-a-pytorch-model
"""

from __future__ import annotations

import os

# Before NumPy: each worker is one core's share of the machine, and its matrices are small.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import http
from pathlib import Path
from typing import Protocol

from training_scripts.ntm import artifact
from training_scripts.ntm.serving.messages import Request
from training_scripts.ntm.serving.service import INVOCATIONS, Service

_CONTENT_TYPE = "Content-Type"


class Context(Protocol):
    """The model server's context of a request, as far as it is used."""

    def set_response_status(self, code: int, phrase: str) -> None:
        """Choose the answer's status."""

    def set_response_header(self, idx: int, key: str, value: str) -> None:
        """Add a header to the answer of the batch's request `idx`; there is one."""


def model_fn(model_dir: str) -> Service:
    """Load the model."""
    # What batch transform asks /execution-parameters for, the model server answers itself; bodies it bounds itself too.
    return Service(artifact.read(Path(model_dir)), workers=1, max_body_bytes=0)


def transform_fn(
    service: Service, body: str | bytes, content_type: str | None, accept: str, context: Context
) -> tuple[bytes, str]:
    """Answer one request as `training_scripts.serve` does: the same bytes, status and headers."""
    request = Request(
        method="POST",
        path=INVOCATIONS,
        headers={"content-type": content_type or "", "accept": accept},
        # The toolkit has decoded what is text by its type.
        body=body.encode("utf-8") if isinstance(body, str) else bytes(body),
    )
    response = service.answer(request)
    context.set_response_status(code=response.status, phrase=http.HTTPStatus(response.status).phrase)
    for name, value in response.headers.items():
        if name != _CONTENT_TYPE:
            context.set_response_header(0, name, value)
    return response.body, response.headers[_CONTENT_TYPE]
