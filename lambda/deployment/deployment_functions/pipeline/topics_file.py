"""The topics of a trained model, published beside its artifact for those who will not open an archive."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployment_functions.ports import S3

TOPICS_FILE: Final = "topics.json"

logger = logging.getLogger(__name__)


def publish(s3: S3, artifact_uri: str, description: Mapping[str, object] | None) -> bool:
    """Write topics.json beside the artifact if the model's description has topics; return whether it has."""
    topics = description.get("topics") if description is not None else None
    if not isinstance(topics, list) or not topics:
        logger.info("%s describes no topics: none are published", artifact_uri)
        return False
    # A topic's share is its mean weight over the training documents.
    content = {"topics": topics, "mean_weights": [topic["share"] for topic in topics]}
    bucket, _, key = artifact_uri.removeprefix("s3://").partition("/")
    s3.put_object(
        Bucket=bucket,
        Key=f"{key.rpartition('/')[0]}/{TOPICS_FILE}",
        Body=json.dumps(content, ensure_ascii=False).encode(),
        ContentType="application/json",
    )
    return True
