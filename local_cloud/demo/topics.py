"""The topics of a trained model: their words, from its artifact, and the labels most typical of each."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from local_cloud.demo.topic_url import Weights
from local_cloud.shared.errors import LocalCloudError
from training_scripts.archives import ArchiveError, read_file
from training_scripts.ntm.artifact import MODEL_FILE

TYPICAL_LABELS: Final = 3
_FEWEST_DOCUMENTS: Final = 5
"""A label with fewer documents says little about a topic."""


class S3(Protocol):
    """The operation of boto3's S3 client used here."""

    def download_fileobj(self, Bucket: str, Key: str, Fileobj: io.BytesIO) -> None:
        """Fetch an object."""


@dataclass(frozen=True)
class Topic:
    """One topic as the demo shows it."""

    id: int
    share: float
    words: list[str]
    weights: list[float]
    labels: list[str]
    """Of the documents that it weighs most in."""
    label: str = ""
    """What the model calls it."""


def read(s3: S3, artifact_uri: str) -> list[Topic]:
    """Return the topics that the artifact describes.

    Raises:
        LocalCloudError: the artifact tells no topics, as that of the built-in image.
    """
    bucket, _, key = artifact_uri.removeprefix("s3://").partition("/")
    content = io.BytesIO()
    s3.download_fileobj(bucket, key, content)
    content.seek(0)
    try:
        document = read_file(content, MODEL_FILE)
        if document is None:
            raise LocalCloudError(f"{artifact_uri} holds no {MODEL_FILE}: it was not trained by the open NTM")
        return [Topic(labels=[], **topic) for topic in json.loads(document)["topics"]]
    except (ArchiveError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise LocalCloudError(f"{artifact_uri} tells no topics: {error}") from None


def with_labels(topics: Sequence[Topic], labels: Sequence[str], weights: Sequence[Weights]) -> list[Topic]:
    """Return the topics with the labels whose documents they weigh most in."""
    rows = np.asarray(weights)
    of_label: dict[str, list[int]] = defaultdict(list)
    for row, label in enumerate(labels):
        of_label[label].append(row)
    means = {label: rows[chosen].mean(axis=0) for label, chosen in of_label.items() if len(chosen) >= _FEWEST_DOCUMENTS}
    ranked = [sorted(means, key=lambda label: -means[label][topic.id])[:TYPICAL_LABELS] for topic in topics]
    return [
        Topic(topic.id, topic.share, topic.words, topic.weights, best, topic.label)
        for topic, best in zip(topics, ranked, strict=True)
    ]
