"""What lies where in the stage's buckets, and who may read corpora.

Indexes of similar documents are the function's own business: `similar_function.places`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    import aws_cdk as cdk
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

    from stacks.shared.roles.service_role import ServiceRole

CORPORA_PREFIX: Final = "corpora/"
"""Every corpus is a folder of its own under this prefix, named by its hash; none is ever changed or removed."""
CODE_PREFIX: Final = "code/"
"""In the stage's corpus bucket; a folder a bundle, named by its hash."""
PREPARING_PREFIX: Final = "preparing/"
"""In the stage's corpus bucket; a folder a run."""
PREPARING_KEPT_DAYS: Final = 30
"""How long a run's report and rejected lines stay, and what a run that was broken off left."""
MODELS_PREFIX: Final = "models/"
"""Where in the artifacts bucket training jobs put their model.tar.gz."""
SWEEP_PREFIX: Final = "sweep/"
"""Where in the artifacts bucket the jobs put their models: apart from those that may be approved."""
TRANSFORM_PREFIX: Final = "transform/"
"""Where in the artifacts bucket runs keep their input and output."""
SCHEDULED_PREFIX: Final = f"{TRANSFORM_PREFIX}scheduled/"
CAPTURED_PREFIX: Final = "captured/"
"""In the bucket of what the endpoint was asked and answered."""


@dataclass(frozen=True)
class LocalCorpus:
    """A corpus prepared on this machine, as far as the stacks need to know it."""

    folder: Path
    corpus_hash: str
    train_shards: int
    files: tuple[str, ...]
    """Paths of its own files, the manifest last; nothing else in the folder goes to S3."""
    left_aside: str | None = None
    """A sentence on what else lies in the folder."""


@dataclass(frozen=True)
class CorpusLocation:
    """Where the pipeline finds the corpus: a bucket, and the prefix under which corpora are named by their hash."""

    bucket: s3.IBucket
    corpora_prefix: str
    corpus_hash: str
    key: kms.IKey | None
    """What its objects are encrypted under; None for a key that AWS manages."""
    upload: cdk.CustomResource | None = None
    """What brings it there, where the deploy does."""

    @property
    def prefix(self) -> str:
        """This corpus's own folder."""
        return f"{self.corpora_prefix}{self.corpus_hash}/"


@dataclass(frozen=True)
class CodeLocation:
    """Where the training job finds code and wheels."""

    bucket: s3.IBucket
    bundle_hash: str

    @property
    def uri(self) -> str:
        """The bundle's own folder."""
        return f"s3://{self.bucket.bucket_name}/{CODE_PREFIX}{self.bundle_hash}/"


def grant_corpus_read(role: ServiceRole, corpus: CorpusLocation, *, pattern: str) -> None:
    """Allow `role` to read the objects of every corpus that match `pattern`, and to decrypt them."""
    role.allow(
        "s3:GetObject",
        on=[corpus.bucket.arn_for_objects(f"{corpus.corpora_prefix}{pattern}")],
        because="Every corpus is a folder named by its hash, and a model in service may be of an older one.",
    )
    if corpus.key is not None:
        role.allow("kms:Decrypt", on=[corpus.key.key_arn])
