"""What a trained model says of itself: the description in its archive."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployment_functions.archives import ArchiveError, read_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployment_functions.ports import S3

ARTIFACT_FILE: Final = "model.tar.gz"
DESCRIPTION: Final = "model.json"
"""What the open NTM says of itself, at the archive's root. The built-in image's archive holds nothing of the kind."""


def describe(s3: S3, artifact_uri: str) -> Mapping[str, object] | None:
    """Return the description of the model in an artifact, or None where its archive holds none.

    Raises:
        ArchiveError: the artifact is no archive of a model, or its description is no JSON object.
    """
    bucket, _, key = artifact_uri.removeprefix("s3://").partition("/")
    with tempfile.NamedTemporaryFile() as downloaded:
        s3.download_file(bucket, key, downloaded.name)
        content = read_file(Path(downloaded.name), DESCRIPTION)
    if content is None:
        return None
    try:
        description = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ArchiveError(f"{DESCRIPTION} in {artifact_uri} is no JSON: {error}") from None
    if not isinstance(description, dict):
        raise ArchiveError(f"{DESCRIPTION} in {artifact_uri} is no JSON object")
    return description
