"""Finds the corpus that the stage's settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stacks.settings.errors import SynthError
from stacks.shared.bucket_layout import LocalCorpus
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.manifest import MANIFEST_NAME, PREPARE_COMMAND, CorpusManifest

if TYPE_CHECKING:
    from pathlib import Path

    from stacks.settings.stage import S3Corpus, StageSettings, TrainingSettings

PREPARE: Final = f"`make corpus`, or see `.venv/bin/{PREPARE_COMMAND} --help` for your own documents"


def sized(settings: StageSettings, *, root: Path) -> StageSettings:
    """Return the settings with what goes by the size of the corpus; as they are of one in S3, which no synth reads."""
    if settings.corpus.s3 is not None:
        return settings
    try:
        return settings.for_documents(CorpusManifest.load(root / settings.corpus.path).documents.train)
    except CorpusError:
        # `find` says what is wrong.
        return settings


def find(settings: StageSettings, *, root: Path) -> LocalCorpus | S3Corpus:
    """Return the corpus in S3 that the settings name, or else the prepared folder.

    Raises:
        SynthError: there is no prepared corpus, it is broken, or it is too small for the instances or their batches.
    """
    if settings.corpus.s3 is not None:
        return settings.corpus.s3
    folder = root / settings.corpus.path
    if not (folder / MANIFEST_NAME).is_file():
        raise SynthError(f"there is no prepared corpus in {settings.corpus.path}: make one with {PREPARE}")
    try:
        # Its hash names it in S3, for good: a folder that was changed since must not get there under that name.
        manifest = CorpusManifest.load_whole(folder)
    except CorpusError as error:
        raise SynthError(
            f"the corpus in {settings.corpus.path} is broken ({error}): make it again with {PREPARE}"
        ) from None
    training = settings.training
    shards = manifest.shards.train
    if training.train_distribution == "ShardedByS3Key" and shards < training.instance_count:
        raise SynthError(
            f"setting training.instance_count is {training.instance_count}, but the corpus in {settings.corpus.path} "
            f"has {shards} train shards: lower it, or prepare it with --train-shards {training.instance_count}"
        )
    batch, fewest = training.hyperparameters.mini_batch_size, _fewest_documents(manifest, training)
    if fewest < batch:
        or_one = " or training.instance_count to 1" if manifest.documents.train >= batch else ""
        raise SynthError(
            f"setting training.hyperparameters.mini_batch_size is {batch}, but of the {manifest.documents.train} "
            f"training documents in {settings.corpus.path} an instance may get {fewest}, which fill no batch: lower it "
            f"to {fewest}{or_one}, or prepare more documents"
        )
    files = (*sorted(manifest.files), MANIFEST_NAME)
    return LocalCorpus(folder, manifest.corpus_hash, shards, files, manifest.left_aside(folder))


def _fewest_documents(manifest: CorpusManifest, training: TrainingSettings) -> int:
    """Return how many training documents an instance gets at least, whichever shards it is dealt."""
    if training.train_distribution != "ShardedByS3Key":
        return manifest.documents.train
    shards = manifest.shards.train
    # Shards are of even size.
    return manifest.documents.train // shards * (shards // training.instance_count)
