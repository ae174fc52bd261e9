"""Training: the job's role and image, the pipeline that runs it, and the model that a deploy waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from constructs import Construct

from stacks.data.shared_data import SharedData
from stacks.shared import algorithm_images
from stacks.shared.alarms import watch_machine
from stacks.shared.bucket_layout import MODELS_PREFIX, grant_corpus_read
from stacks.shared.deployment_function import DeploymentFunction
from stacks.shared.model_parameters import FIELDS_OF_A_MODEL, parameters_arn
from stacks.shared.names import job_name_prefix, parameters_prefix, pipeline_name
from stacks.shared.registry_image import RegistryImage
from stacks.shared.roles.policies import add_stage_metadata
from stacks.training import training_job
from stacks.training.retraining.serving_boundary import ServingBoundary
from stacks.training.trained_model import TrainedModel
from stacks.training.training_pipeline import TrainingPipeline
from stacks.training.training_role import TrainingRole

from deployment_functions.pipeline.model_archive import ARTIFACT_FILE
from deployment_functions.pipeline.topics_file import TOPICS_FILE

if TYPE_CHECKING:
    from stacks.data.shared_data import DataValues
    from stacks.settings.preparation import PreparationStep
    from stacks.settings.stage import StageSettings
    from stacks.shared.bucket_layout import CodeLocation, CorpusLocation
    from stacks.shared.platform import Platform


class TrainingStack(cdk.Stack):
    """The pipeline and, where the stage trains on deploy, its run."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: str,
        settings: StageSettings,
        values: DataValues,
        description: str,
        env: cdk.Environment | None = None,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description=description)
        add_stage_metadata(self, stage, settings)
        data = SharedData(self, values)
        platform = data.platform
        chosen, code = algorithm_images.training(settings), data.code
        definition_hash = training_job.definition_hash(
            settings.training,
            stage=stage,
            algorithm=settings.algorithm,
            image=f"{chosen.repository}:{chosen.tag}",
            code=code.bundle_hash if code is not None else None,
        )
        image = RegistryImage(self, "NtmImage", chosen)
        role = TrainingRole(
            self,
            "TrainingRole",
            data=data,
            image=image,
        )
        model = TrainedModel(self, "TrainedModel", platform=platform)
        pipeline = TrainingPipeline(
            self,
            "Pipeline",
            settings=settings,
            data=data,
            definition_hash=definition_hash,
            training_role=role,
            image=image,
            begin=self._begin(stage, settings, data.corpus, platform).function,
            record=self._record(stage, settings, data, platform).function,
            answer=model.answer.function,
        )
        model.run(pipeline.state_machine, stage=stage, settings=settings, data=data, definition_hash=definition_hash)
        # What runs is stopped before its roles are gone.
        model.runs.node.add_dependency(role, pipeline)
        says = "a run of the training pipeline failed or was given up; its last event says why"
        watch_machine(self, platform, pipeline.state_machine, says=says, prefix="Training")
        # What serves is not what trains where the algorithm is open.
        hosting = algorithm_images.hosting(settings)
        serves = image if hosting == chosen else RegistryImage(self, "HostingImage", hosting)
        if settings.retraining is None:
            place = Construct(Construct(self, "Retraining"), "Serving")
            ServingBoundary(place, "Boundary", data=data, image=serves, settings=settings)
        else:
            # Not imported where no stage retrains.
            from stacks.training.retraining.retraining import Retraining  # noqa: PLC0415

            Retraining(
                self,
                "Retraining",
                settings=settings,
                retraining=settings.retraining,
                data=data,
                pipeline=pipeline.state_machine,
                definition_hash=definition_hash,
                image=serves,
            )
        if settings.sweep is not None:
            self._sweep(settings, data, image)
        if settings.preparation is not None and data.preparation_code is not None:
            retrains = settings.retraining is not None
            self._preparation(settings.preparation, data, data.preparation_code, retrains=retrains)
        cdk.CfnOutput(
            self,
            "StateMachineArn",
            value=pipeline.state_machine.state_machine_arn,
            description="The training pipeline: python -m operations.pipeline run starts it",
        )

    def _sweep(self, settings: StageSettings, data: SharedData, image: RegistryImage) -> None:
        # Only here: a stage without sweeps loads nothing of them.
        from stacks.training.sweep.sweep_pipeline import SweepPipeline  # noqa: PLC0415

        sweep = SweepPipeline(self, "Sweep", settings=settings, data=data, image=image)
        cdk.CfnOutput(
            self,
            "SweepStateMachineArn",
            value=sweep.state_machine.state_machine_arn,
            description="Training jobs side by side: python -m operations.sweep --on pipeline starts it",
        )

    def _preparation(self, step: PreparationStep, data: SharedData, code: CodeLocation, *, retrains: bool) -> None:
        # Only here: a stage that prepares nothing loads nothing of it.
        from stacks.training.preparation.preparation_pipeline import PreparationPipeline  # noqa: PLC0415

        preparation = PreparationPipeline(self, "Preparation", step=step, data=data, code=code, retrains=retrains)
        cdk.CfnOutput(
            self,
            "PreparationStateMachineArn",
            value=preparation.state_machine.state_machine_arn,
            description="Preparation on Spark: an execution, given {} or a documents_uri, makes a corpus of documents",
        )

    def _begin(
        self, stage: str, settings: StageSettings, corpus: CorpusLocation, platform: Platform
    ) -> DeploymentFunction:
        function = DeploymentFunction(
            self,
            "Begin",
            handler="pipeline.pipeline_begin.handle",
            description="First step of the pipeline: one run at a time, and the corpus's size",
            platform=platform,
            asynchronous=False,
            environment={
                "CORPUS_BUCKET": corpus.bucket.bucket_name,
                "CORPUS_PREFIX": corpus.prefix,
                "CORPUS_HASH": corpus.corpus_hash,
                "JOB_NAME_PREFIX": job_name_prefix(stage),
                "MIN_TRAIN_SHARDS": str(settings.training.instance_count),
            },
        )
        grant_corpus_read(function.role, corpus, pattern="*/corpus.json")
        function.allow(
            "s3:ListBucket",
            on=[corpus.bucket.bucket_arn],
            when={"StringLike": {"s3:prefix": f"{corpus.corpora_prefix}*"}},
        )
        # By name, not by reference: the state machine itself refers to this function.
        return function.allow(
            "states:ListExecutions",
            on=[
                self.format_arn(
                    service="states",
                    resource="stateMachine",
                    resource_name=pipeline_name(stage),
                    arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                )
            ],
        )

    def _record(self, stage: str, settings: StageSettings, data: SharedData, platform: Platform) -> DeploymentFunction:
        function = DeploymentFunction(
            self,
            "Record",
            handler="pipeline.pipeline_record.handle",
            description="Last step of the pipeline: records the candidate, and approves it where the stage says so",
            platform=platform,
            asynchronous=False,
            # The artifact passes through: its parameters, of a million words and a thousand topics, are 4 GB.
            timeout=cdk.Duration.minutes(5),
            memory_mb=512,
            storage_mb=8192,
            environment={"PARAMETERS": parameters_prefix(stage), "APPROVAL": settings.approval, "STAGE": stage},
        ).allow("ssm:GetParameter", "ssm:PutParameter", on=[parameters_arn(self, stage)], because=FIELDS_OF_A_MODEL)
        in_any_folder = "A model lies in a folder named by the job that made it, and every job has a name of its own."
        function.allow(
            "s3:GetObject",
            on=[data.artifacts.arn_for_objects(f"{MODELS_PREFIX}*/output/{ARTIFACT_FILE}")],
            because=in_any_folder,
        ).allow(
            "s3:PutObject",
            on=[data.artifacts.arn_for_objects(f"{MODELS_PREFIX}*/output/{TOPICS_FILE}")],
            because=in_any_folder,
        ).allow("kms:Decrypt", "kms:GenerateDataKey", on=[data.key.key_arn])
        return function
