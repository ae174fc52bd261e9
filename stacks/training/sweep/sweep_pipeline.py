"""The state machine that trains the jobs of a sweep, its role, and the role of its jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs import Construct

from stacks.shared import open_training
from stacks.shared.alarms import watch_machine
from stacks.shared.bucket_layout import SWEEP_PREFIX
from stacks.shared.names import sweep_job_name_prefix, sweep_pipeline_name
from stacks.shared.pipeline_machine import pipeline_machine
from stacks.shared.roles.job_pipeline_role import JobPipelineRole
from stacks.training.sweep import sweep_job
from stacks.training.training_role import TrainingRole

if TYPE_CHECKING:
    from stacks.data.shared_data import SharedData
    from stacks.settings.stage import StageSettings
    from stacks.shared.registry_image import RegistryImage


class SweepPipeline(Construct):
    """What a sweep's jobs write is no candidate: it lies apart, and neither role can touch a model in service."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        data: SharedData,
        image: RegistryImage,
    ) -> None:
        super().__init__(scope, construct_id)
        platform, stage = data.platform, data.platform.stage
        jobs_role = TrainingRole(
            self,
            "JobsRole",
            data=data,
            image=image,
            prefix=SWEEP_PREFIX,
        )
        placement = platform.placement.substitutions() if platform.placement is not None else {}
        self.state_machine = pipeline_machine(
            self,
            name=sweep_pipeline_name(stage),
            comment=f"Trains the topic model of stage {stage} with many hyperparameters, to choose by",
            definition=sweep_job.definition(settings, stage=stage, placeholders=list(placement)),
            substitutions={
                "TrainingRoleArn": jobs_role.role_arn,
                "TrainingImage": image.uri,
                "OutputPath": data.artifacts.s3_url_for_object(SWEEP_PREFIX.rstrip("/")),
                "KeyArn": data.key.key_arn,
                "CorpusUri": f"s3://{data.corpus.bucket.bucket_name}/{data.corpus.prefix}",
                "CorpusHash": data.corpus.corpus_hash,
                **({open_training.CODE_URI: data.code.uri} if data.code is not None else {}),
                **placement,
            },
            role=JobPipelineRole(
                self,
                kind="Training",
                job_name_prefix=sweep_job_name_prefix(stage),
                named="A job is named by its execution and its number in it, behind the prefix of this stage's sweeps.",
                description="The sweep: start, watch and stop the training jobs of this stage's sweeps",
                key=data.key,
                passes=jobs_role,
            ),
            platform=platform,
        )
        watch_machine(
            self, platform, self.state_machine, says="a sweep failed or was given up; its last event says why"
        )
