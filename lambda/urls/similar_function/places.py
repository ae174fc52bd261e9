"""Where the index of a model is: names that the command which publishes it and the function agree on. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

PREFIX: Final = "similar/"
"""Where in the artifacts bucket the indexes are, a folder a model."""
INDEX_FILE: Final = "index.zip"
PUBLISHED_FILE: Final = "published.json"
"""Of an index in S3 Vectors: written when all its vectors are there, and gone while they are not."""

PUT_AT_ONCE: Final = 500
"""Most vectors of one PutVectors or DeleteVectors request."""
LABEL: Final = "label"
"""The one metadata of a vector."""

_MODEL: Final = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9]){0,62}")


@dataclass(frozen=True)
class Published:
    """What the command that published the vectors wrote when all were there."""

    model: str
    corpus: str
    documents: int
    topics: int

    @classmethod
    def from_json(cls, data: bytes) -> Published:
        """Read it.

        Raises:
            ValueError: it is something else.
        """
        try:
            told = json.loads(data)
            return cls(str(told["model"]), str(told["corpus"]), int(told["documents"]), int(told["topics"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from None

    def to_json(self) -> bytes:
        """Return what is written."""
        return json.dumps(
            {"model": self.model, "corpus": self.corpus, "documents": self.documents, "topics": self.topics}
        ).encode()


def is_model(model: str) -> bool:
    """Tell whether a model version can be part of a key: it is the name of its training job."""
    return _MODEL.fullmatch(model) is not None


def index_key(model: str) -> str:
    """Return the key of a model's index."""
    return f"{PREFIX}{model}/{INDEX_FILE}"


def published_key(model: str) -> str:
    """Return the key of what tells that a model's vectors are all in S3 Vectors."""
    return f"{PREFIX}{model}/{PUBLISHED_FILE}"
