"""Settings of the step that prepares corpora on Spark, as a processing job."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, model_validator

from stacks.settings import instance_types
from stacks.settings.frozen import Frozen
from stacks.settings.instance_types import InstanceType
from stacks.settings.place_names import BucketName, KeyArn
from training_scripts.corpus.settings import PreparationSettings
from training_scripts.hyperparameters import Int

FROM_FILES: Final = ("stop_words", "keep_words", "vocabulary", "vocabulary_rule")
"""What the command reads from files, which the job has none of."""
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/@+-]+$")]
"""Spark's container passes arguments through a shell."""


class DocumentsInS3(Frozen):
    """Raw documents: JSON Lines, also compressed, straight under a prefix. A run may name a part of it."""

    bucket: BucketName
    prefix: Annotated[str, Field(pattern=r"^([A-Za-z0-9!_.'()-]+/)+$")]
    """Ends with a slash."""
    kms_key_arn: KeyArn | None = None
    """The customer-managed key that they are encrypted with, if any: the job must be allowed to decrypt."""

    @property
    def uri(self) -> str:
        """What a run reads that names nothing else."""
        return f"s3://{self.bucket}/{self.prefix}"


class PreparationStep(Frozen):
    """A Spark cluster for as long as a preparation takes: from documents in S3 to the next corpus of the stage."""

    documents: DocumentsInS3
    instance_type: InstanceType = "ml.m5.xlarge"
    instance_count: Annotated[Int, Field(ge=1, le=20)] = 2
    volume_size_gb: Annotated[Int, Field(ge=1, le=16_384)] = 100
    """Of each instance: it holds all documents, and Spark's own files beside."""
    max_runtime_s: Annotated[Int, Field(ge=60, le=432_000)] = 14_400
    text_field: Word = "text"
    label_field: Word | None = None
    id_field: Word | None = None
    split_field: Word | None = None
    source_name: Word | None = None
    licence: Word | None = None
    max_rejected: Annotated[Int, Field(ge=0)] = 1000
    """Most lines that may be no documents."""
    keep_vocabulary: bool = True
    """Count by the words of the stage's deployed corpus, as its model does; false chooses new ones."""
    settings: PreparationSettings = PreparationSettings()
    """As the command's options; those that it reads from files are not taken."""

    @model_validator(mode="after")
    def _a_job_has_no_files(self) -> PreparationStep:
        for name in FROM_FILES:
            if getattr(self.settings, name):
                raise ValueError(f"settings.{name} is set, which a job takes from nowhere: leave it out")
        return self

    @model_validator(mode="after")
    def _the_volume_fits(self) -> PreparationStep:
        instance_types.check_volume(self.instance_type, self.volume_size_gb)
        return self
