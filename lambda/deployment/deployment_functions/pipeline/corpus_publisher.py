"""Publishes a corpus that a run has prepared: to the folder of its hash, the manifest last, and then as the newest.

Every step can be done again: a file that is there is not copied, a folder that has its manifest is whole, and the
run's own files are removed when nothing needs them any more. So a call that is broken off, or whose time is not enough,
leaves a folder without a manifest, which nothing reads, and the next call goes on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deployment_functions import clients, corpus_folder
from deployment_functions.corpus_folder import MANIFEST
from deployment_functions.environment import FromEnvironment
from deployment_functions.retrainings.retraining import checked_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployment_functions.ports import S3, Context, Ssm

LEAST_TIME_MS: Final = 120_000
"""With less than that no further file is begun: one of 4 GB takes half as long."""
_AT_ONCE: Final = 1000


class PublishError(Exception):
    """A corpus that cannot be published; the message becomes the run's cause."""


@dataclass(frozen=True)
class Settings(FromEnvironment):
    """What the stack tells the function."""

    bucket: str
    preparing_prefix: str
    corpora_prefix: str
    newest_corpus: str = ""
    """The parameter that retraining reads; none where the stage does not retrain."""


def handle(event: Mapping[str, object], context: Context) -> dict[str, object]:
    """Publish what the run named in the event has prepared; tell whether all of it is done."""
    return publish(clients.s3(), clients.ssm(), Settings.from_environment(), str(event["run"]), context)


def publish(s3: S3, ssm: Ssm, settings: Settings, run: str, context: Context) -> dict[str, object]:
    """Publish a run's corpus, or as much of it as there is time for; `published` says whether that was all.

    Raises:
        PublishError: there is no corpus, it is not whole, or its folder holds something else.
    """
    source = f"{settings.preparing_prefix}{run}/corpus/"
    corpus_hash, sizes = _manifest(s3, settings.bucket, source)
    target = f"{settings.corpora_prefix}{corpus_hash}/"
    there = corpus_folder.listed(s3, settings.bucket, target)
    stranger = corpus_folder.strangers(there, [*sizes, MANIFEST], uri=f"s3://{settings.bucket}/{target}")
    if stranger is not None:
        raise PublishError(stranger)
    if MANIFEST not in there:
        prepared = corpus_folder.listed(s3, settings.bucket, source)
        wrong = corpus_folder.wrong_sizes(sizes, prepared, uri=f"s3://{settings.bucket}/{source}")
        if wrong is not None:
            raise PublishError(f"{wrong}: the run's corpus is not whole")
        for name in [*sorted(sizes), MANIFEST]:
            if there.get(name) == sizes.get(name, -1):
                continue
            if context.get_remaining_time_in_millis() < LEAST_TIME_MS:
                return {"published": False, "corpus_hash": corpus_hash}
            s3.copy({"Bucket": settings.bucket, "Key": f"{source}{name}"}, settings.bucket, f"{target}{name}")
    if settings.newest_corpus:
        ssm.put_parameter(Name=settings.newest_corpus, Value=corpus_hash, Type="String", Overwrite=True)
    _remove(s3, settings.bucket, source, [*sizes, MANIFEST])
    return {"published": True, "corpus_hash": corpus_hash, "corpus_uri": f"s3://{settings.bucket}/{target}"}


def _manifest(s3: S3, bucket: str, source: str) -> tuple[str, dict[str, int]]:
    """Return the corpus's hash, and the size in bytes of each of its files."""
    uri = f"s3://{bucket}/{source}{MANIFEST}"
    try:
        body = s3.get_object(Bucket=bucket, Key=f"{source}{MANIFEST}")["Body"].read()
    except Exception as error:
        code = getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)
        raise PublishError(f"the run has prepared no corpus: {uri} gave {code}") from error
    try:
        manifest = json.loads(body)
        sizes = {str(name): int(entry["bytes"]) for name, entry in manifest["files"].items()}
        return checked_hash(manifest["corpus_hash"]), sizes
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PublishError(f"{uri} is not a corpus manifest: {type(error).__name__} {error}") from None


def _remove(s3: S3, bucket: str, source: str, names: list[str]) -> None:
    """Remove what has been published from the run's folder, the manifest last: a call after this one needs it."""
    for start in range(0, len(names), _AT_ONCE):
        objects = [{"Key": f"{source}{name}"} for name in names[start : start + _AT_ONCE]]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
