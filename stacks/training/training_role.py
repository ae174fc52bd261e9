"""The execution role of the training job: what the container and its agent may do, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk

from stacks.shared.bucket_layout import CODE_PREFIX, MODELS_PREFIX
from stacks.shared.roles.sagemaker_rights import (
    SAGEMAKER,
    encrypt_volumes,
    pull_image,
    put_metrics,
    write_sagemaker_logs,
)
from stacks.shared.roles.service_role import ServiceRole, service_principal

if TYPE_CHECKING:
    from constructs import Construct

    from stacks.data.shared_data import SharedData
    from stacks.shared.bucket_layout import CodeLocation, CorpusLocation
    from stacks.shared.registry_image import RegistryImage

METRICS_NAMESPACE: Final = "/aws/sagemaker/TrainingJobs"


class TrainingRole(ServiceRole):
    """Assumed by SageMaker for the training jobs of one stage."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        data: SharedData,
        image: RegistryImage,
        prefix: str = MODELS_PREFIX,
    ) -> None:
        """Declare the role of jobs that write their models under `prefix` of the artifacts bucket."""
        super().__init__(
            scope,
            construct_id,
            assumed_by=service_principal(SAGEMAKER, cdk.Stack.of(scope)),
            description="Training jobs of the topic model: read corpora, write models, log",
        )
        artifacts, key = data.artifacts, data.key
        self._read(data.corpus)
        if data.code is not None:
            self._read_code(data.code)
        self.allow(
            "s3:PutObject",
            "s3:AbortMultipartUpload",
            on=[artifacts.arn_for_objects(f"{prefix}*")],
            because="SageMaker writes a model to a folder named by its job, and every job has a name of its own.",
        )
        self.allow("kms:Decrypt", "kms:GenerateDataKey", on=[key.key_arn])
        encrypt_volumes(self, key)
        write_sagemaker_logs(self, "TrainingJobs")
        put_metrics(self, METRICS_NAMESPACE)
        pull_image(self, image)
        if data.platform.placement is not None:
            self.allow_interfaces(sagemaker=True)

    def _read(self, corpus: CorpusLocation) -> None:
        self.allow(
            "s3:GetObject",
            on=[corpus.bucket.arn_for_objects(f"{corpus.corpora_prefix}*")],
            because="A corpus is a folder of shards named by its hash, and the next one has another hash.",
        )
        self.allow(
            "s3:ListBucket",
            on=[corpus.bucket.bucket_arn],
            when={"StringLike": {"s3:prefix": f"{corpus.corpora_prefix}*"}},
        )
        if corpus.key is not None:
            self.allow("kms:Decrypt", on=[corpus.key.key_arn])

    def _read_code(self, code: CodeLocation) -> None:
        """Allow the channel of code and wheels. It is under the stage's own key, which the role may use anyway."""
        self.allow(
            "s3:GetObject",
            on=[code.bucket.arn_for_objects(f"{CODE_PREFIX}*")],
            because="Code and wheels are a folder of files named by its hash, and the next one has another hash.",
        )
        self.allow("s3:ListBucket", on=[code.bucket.bucket_arn], when={"StringLike": {"s3:prefix": f"{CODE_PREFIX}*"}})
