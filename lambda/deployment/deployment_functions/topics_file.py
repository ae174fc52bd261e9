"""The topics of a trained model, published beside its artifact for those who will not open an archive."""

from __future__ import annotations

import json
import logging
import tarfile
import tempfile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from deployment_functions.ports import S3

ARTIFACT_FILE: Final = "model.tar.gz"
TOPICS_FILE: Final = "topics.json"
DESCRIPTION: Final = "model.json"
"""What the open NTM says of itself, at the archive's root. The built-in image's archive holds nothing of the kind."""

logger = logging.getLogger(__name__)


def publish(s3: S3, artifact_uri: str) -> bool:
    """Write topics.json beside the artifact if the model describes its topics; return whether it does."""
    bucket, _, key = artifact_uri.removeprefix("s3://").partition("/")
    with tempfile.NamedTemporaryFile() as downloaded:
        s3.download_file(bucket, key, downloaded.name)
        described = read(downloaded.name)
    if described is None:
        logger.info("%s describes no topics: none are published", artifact_uri)
        return False
    folder = key.rpartition("/")[0]
    s3.put_object(Bucket=bucket, Key=f"{folder}/{TOPICS_FILE}", Body=described, ContentType="application/json")
    return True


def read(archive: str) -> bytes | None:
    """Return the content of topics.json for the model in `archive`, or None where it describes no topics."""
    with tarfile.open(archive) as opened:
        for member in opened:
            if member.name.removeprefix("./") == DESCRIPTION:
                stream = opened.extractfile(member)
                topics = json.load(stream).get("topics") if stream is not None else None
                if not topics:
                    return None
                # A topic's share is its mean weight over the training documents.
                content = {"topics": topics, "mean_weights": [topic["share"] for topic in topics]}
                return json.dumps(content, ensure_ascii=False).encode()
    return None
