"""Media types of the NTM's training channels and inference requests."""

from __future__ import annotations

from typing import Final

TEXT_CSV: Final = "text/csv"
APPLICATION_JSON: Final = "application/json"
APPLICATION_JSONLINES: Final = "application/jsonlines"
RECORDIO_PROTOBUF: Final = "application/x-recordio-protobuf"

INFERENCE_REQUEST_TYPES: Final = (TEXT_CSV, APPLICATION_JSON, APPLICATION_JSONLINES, RECORDIO_PROTOBUF)
INFERENCE_RESPONSE_TYPES: Final = (APPLICATION_JSON, APPLICATION_JSONLINES, RECORDIO_PROTOBUF)
"""https://docs.aws.amazon.com/sagemaker/latest/dg/ntm-in-formats.html: CSV is none of them."""
TRAINING_CHANNEL_TYPES: Final = (RECORDIO_PROTOBUF, TEXT_CSV)


def media_type(header: str) -> str:
    """Return a Content-Type header's media type, lower case, without its parameters (`; label_size=0`)."""
    return header.partition(";")[0].strip().lower()
