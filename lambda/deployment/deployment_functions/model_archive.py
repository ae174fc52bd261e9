"""What a trained model says of itself: the description in its archive."""

from __future__ import annotations

import json
import tarfile
import tempfile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployment_functions.ports import S3

ARTIFACT_FILE: Final = "model.tar.gz"
DESCRIPTION: Final = "model.json"
"""What the open NTM says of itself, at the archive's root. The built-in image's archive holds nothing of the kind."""


def describe(s3: S3, artifact_uri: str) -> Mapping[str, object] | None:
    """Return the description of the model in an artifact, or None where its archive holds none."""
    bucket, _, key = artifact_uri.removeprefix("s3://").partition("/")
    with tempfile.NamedTemporaryFile() as downloaded:
        s3.download_file(bucket, key, downloaded.name)
        with tarfile.open(downloaded.name) as archive:
            for member in archive:
                if member.name.removeprefix("./") == DESCRIPTION:
                    stream = archive.extractfile(member)
                    content: dict[str, object] | None = json.load(stream) if stream is not None else None
                    return content
    return None
