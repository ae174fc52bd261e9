"""What the steps of a retraining share: how its runs are named, what it compares, and what a step says comes next."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Final, Literal, TypedDict

from deployment_functions.corpus_folder import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployment_functions.ports import S3

RETRAINING_RUN_PREFIX: Final = "retrain-"
"""Runs of the pipeline that a retraining started bear this name."""
ONLY_STOPS: Final = "OnlyStops"
"""The property of the resource that stops runs when it is deleted, and does nothing else."""
REQUEST: Final = "retraining"
"""Where in a run's input, and in what the pipeline passes on, a retraining is told from another training."""
_SHORT_HASH: Final = 12
_CORPUS_HASH: Final = re.compile(r"^[0-9a-f]{64}$")
_VALIDATION: Final = "validation/"

Next = Literal["train", "promote", "wait", "tell", "end", "fail"]


class Step(TypedDict, total=False):
    """What a step of the retraining's state machine answers."""

    next: Next
    subject: str
    message: str
    run: str
    corpus_hash: str
    package: str


class RetrainingError(Exception):
    """A step that cannot be done; the message is what the stage's topic is told."""


def run_name(deployed_corpus_hash: str, execution: str) -> str:
    """Return the pipeline run's name: of the corpus that was last deployed, and of the retraining's own execution.

    A training job bears its run's name. So a model tells which deployed corpus it has followed, and a deploy that is
    rolled back knows it for the successor of the one that it asks for.
    """
    suffix = hashlib.sha256(execution.encode()).hexdigest()[:_SHORT_HASH]
    return f"{RETRAINING_RUN_PREFIX}{deployed_corpus_hash[:_SHORT_HASH]}-{suffix}"


def has_followed(model: Mapping[str, str], deployed_corpus_hash: str) -> bool:
    """Tell whether a retraining made the model while this corpus was the deployed one."""
    return f"-{RETRAINING_RUN_PREFIX}{deployed_corpus_hash[:_SHORT_HASH]}-" in model["job_name"]


def checked_hash(value: object) -> str:
    """Return the hash of a corpus, which becomes a part of a path.

    Raises:
        RetrainingError: it is none.
    """
    if not isinstance(value, str) or not _CORPUS_HASH.fullmatch(value):
        raise RetrainingError(f"{str(value)[:80]!r} is no hash of a corpus, which has 64 hexadecimal digits")
    return value


def validation_version(manifest: Mapping[str, object]) -> str | None:
    """Return a name for a corpus's validation data, to the byte; None where the manifest names none."""
    files = manifest.get("files")
    if not isinstance(files, dict):
        return None
    described = sorted((path, entry["sha256"]) for path, entry in files.items() if path.startswith(_VALIDATION))
    return hashlib.sha256(json.dumps(described).encode()).hexdigest() if described else None


def read_manifest(s3: S3, *, bucket: str, corpora_prefix: str, corpus_hash: str) -> dict[str, object]:
    """Return the corpus.json of a corpus.

    Raises:
        RetrainingError: it cannot be read, or is another corpus's.
    """
    key = f"{corpora_prefix}{checked_hash(corpus_hash)}/{MANIFEST}"
    try:
        content = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except Exception as error:
        code = getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)
        raise RetrainingError(f"corpus {corpus_hash} cannot be read: s3://{bucket}/{key} gave {code}") from error
    if not isinstance(content, dict) or content.get("corpus_hash") != corpus_hash:
        raise RetrainingError(f"s3://{bucket}/{key} is not the manifest of corpus {corpus_hash}")
    return content
