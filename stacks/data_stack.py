"""Data: the key and the buckets, and the corpus in its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3

from stacks.corpus_upload import CORPORA_PREFIX, CorpusUpload
from stacks.policies import retention_days
from stacks.private_bucket import AccessLogBucket, BucketEmptier, PrivateBucket

if TYPE_CHECKING:
    from pathlib import Path

    from constructs import Construct

    from stacks.settings import S3Corpus, StageSettings


@dataclass(frozen=True)
class LocalCorpus:
    """A corpus prepared on this machine, as far as the stacks need to know it."""

    folder: Path
    corpus_hash: str
    train_shards: int


@dataclass(frozen=True)
class CorpusLocation:
    """Where the pipeline finds the corpus: a bucket, and the prefix under which corpora are named by their hash."""

    bucket: s3.IBucket
    corpora_prefix: str
    corpus_hash: str
    own: bool
    """Whether the bucket is this stage's, so that its key is too."""

    @property
    def prefix(self) -> str:
        """This corpus's own folder."""
        return f"{self.corpora_prefix}{self.corpus_hash}/"


class DataStack(cdk.Stack):
    """Key, corpus bucket, artifacts bucket, access logs; and the corpus, uploaded when it was prepared here."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        corpus: LocalCorpus | S3Corpus,
        description: str,
    ) -> None:
        super().__init__(scope, construct_id, description=description)
        removal_policy = cdk.RemovalPolicy(settings.removal_policy.upper())
        retention = retention_days(settings.log_retention_days)
        self.key = kms.Key(
            self,
            "Key",
            description=f"Encrypts corpora, models and transform output of {construct_id}",
            enable_key_rotation=True,
            removal_policy=removal_policy,
        )
        access_logs = AccessLogBucket(self, "AccessLogs", removal_policy=removal_policy)
        corpora = PrivateBucket(self, "Corpora", key=self.key, access_logs=access_logs, removal_policy=removal_policy)
        self.artifacts = PrivateBucket(
            self, "Artifacts", key=self.key, access_logs=access_logs, removal_policy=removal_policy
        )
        emptied: cdk.CustomResource | None = None
        if removal_policy is cdk.RemovalPolicy.DESTROY:
            emptier = BucketEmptier(self, "OnDestroy", retention=retention)
            emptied = emptier.empty(corpora)
            emptier.empty(self.artifacts)
            logs_emptied = emptier.empty(access_logs)
            for bucket in (corpora, self.artifacts):
                # Deleted after them, as long as they are there they are logged.
                bucket.node.add_dependency(logs_emptied)
        self.corpus = self._corpus(corpus, corpora, retention, emptied)
        self._describe(corpora)

    def _corpus(
        self,
        corpus: LocalCorpus | S3Corpus,
        corpora: s3.Bucket,
        retention: logs.RetentionDays,
        emptied: cdk.CustomResource | None,
    ) -> CorpusLocation:
        if isinstance(corpus, LocalCorpus):
            upload = CorpusUpload(
                self,
                "CorpusUpload",
                folder=corpus.folder,
                corpus_hash=corpus.corpus_hash,
                bucket=corpora,
                retention=retention,
            )
            if emptied is not None:
                # Gone before the bucket is emptied, no upload can come after.
                upload.resource.node.add_dependency(emptied)
            return CorpusLocation(corpora, CORPORA_PREFIX, corpus.corpus_hash, own=True)
        named = s3.Bucket.from_bucket_attributes(
            self,
            "NamedCorpora",
            bucket_name=corpus.bucket,
            encryption_key=(
                kms.Key.from_key_arn(self, "NamedCorporaKey", corpus.kms_key_arn) if corpus.kms_key_arn else None
            ),
        )
        parent = corpus.prefix.rstrip("/").removesuffix(corpus.corpus_hash)
        return CorpusLocation(named, parent, corpus.corpus_hash, own=False)

    def _describe(self, corpora: s3.Bucket) -> None:
        cdk.CfnOutput(self, "CorporaBucket", value=corpora.bucket_name, description="Prepared corpora, a folder a hash")
        cdk.CfnOutput(
            self, "ArtifactsBucket", value=self.artifacts.bucket_name, description="Models and batch transform output"
        )
        cdk.CfnOutput(
            self,
            "CorpusUri",
            value=f"s3://{self.corpus.bucket.bucket_name}/{self.corpus.prefix}",
            description="The corpus that the next training reads",
        )


def grant_corpus_read(grantee: iam.IGrantable, corpus: CorpusLocation, *, pattern: str) -> None:
    """Allow `grantee` to read the objects of every corpus that match `pattern`, and to decrypt them."""
    corpus.bucket.grant_read(grantee, f"{corpus.corpora_prefix}{pattern}")
