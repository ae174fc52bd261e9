"""Batch transform: the state machine that runs it, and the model with the role that it runs under."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.serving.transform import transform_job
from stacks.shared.alarms import watch_machine
from stacks.shared.bucket_layout import MODELS_PREFIX, TRANSFORM_PREFIX, grant_corpus_read
from stacks.shared.names import job_name_prefix, transform_pipeline_name
from stacks.shared.pipeline_machine import pipeline_machine
from stacks.shared.roles.job_pipeline_role import JobPipelineRole
from stacks.shared.roles.sagemaker_rights import (
    SAGEMAKER,
    encrypt_volumes,
    pull_image,
    put_metrics,
    write_sagemaker_logs,
)
from stacks.shared.roles.service_role import ServiceRole, service_principal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

    from stacks.data.shared_data import SharedData
    from stacks.settings.stage import TransformSettings
    from stacks.shared.bucket_layout import CorpusLocation
    from stacks.shared.platform import Platform
    from stacks.shared.registry_image import RegistryImage

METRICS_NAMESPACE: Final = "/aws/sagemaker/TransformJobs"


class TransformPipeline(Construct):
    """Model, state machine, and a role for each."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: TransformSettings,
        approved: Mapping[str, str],
        data: SharedData,
        image: RegistryImage,
        environment: Mapping[str, str] | None,
    ) -> None:
        super().__init__(scope, construct_id)
        artifacts, key, platform = data.artifacts, data.key, data.platform
        stack, stage = cdk.Stack.of(self), platform.stage
        read = data.corpus if settings.schedule is not None else None
        container = sagemaker.CfnModel.ContainerDefinitionProperty(
            image=image.uri, model_data_url=approved["artifact_uri"], environment=environment
        )
        model = self._model(container, artifacts, key, image, platform=platform, corpus=read)
        role = JobPipelineRole(
            self,
            kind="Transform",
            job_name_prefix=job_name_prefix(stage),
            named="A job is named by its run, behind the stage's own prefix.",
            description="The transform pipeline: start, watch and stop this stage's transform jobs",
            key=key,
            reads_tags=True,
        )
        self.state_machine = pipeline_machine(
            self,
            name=transform_pipeline_name(stage),
            comment=f"Batch transform by the approved topic model of stage {stage}",
            definition=transform_job.definition(settings, stage=stage),
            substitutions={
                "ModelName": model.attr_model_name,
                "ModelVersion": approved["job_name"],
                "ArtifactUri": approved["artifact_uri"],
                "CorpusHash": approved["corpus_hash"],
                "KeyArn": key.key_arn,
                **({} if read is None else _places(read, artifacts)),
            },
            role=role,
            platform=platform,
            optional=False,
        )
        says = "a batch transform failed or was given up; its last event says why"
        watch_machine(self, platform, self.state_machine, says=says)
        if settings.schedule is not None:
            self._schedule(settings.schedule, platform)
        cdk.CfnOutput(
            stack,
            "TransformStateMachineArn",
            value=self.state_machine.state_machine_arn,
            description="Batch transform: python -m operations.transform starts it",
        )

    def _schedule(self, expression: str, platform: Platform) -> None:
        # Only here: a stage without a schedule loads nothing of it.
        from aws_cdk import aws_events as events  # noqa: PLC0415
        from aws_cdk import aws_events_targets as targets  # noqa: PLC0415
        from aws_cdk import aws_sqs as sqs  # noqa: PLC0415

        role = ServiceRole(
            self,
            "ScheduleRole",
            assumed_by=service_principal("events.amazonaws.com", cdk.Stack.of(self)),
            description="The schedule of batch transform: start its state machine",
        )
        lost = sqs.Queue.from_queue_arn(self, "LostEvents", platform.lost_events.queue_arn)
        events.Rule(
            self,
            "Schedule",
            description="The approved model's corpus is transformed",
            schedule=events.Schedule.expression(expression),
            targets=[
                targets.SfnStateMachine(
                    self.state_machine,
                    role=role,
                    dead_letter_queue=lost,
                    input=events.RuleTargetInput.from_object({}),
                )
            ],
        )

    def _model(
        self,
        container: sagemaker.CfnModel.ContainerDefinitionProperty,
        artifacts: s3.IBucket,
        key: kms.IKey,
        image: RegistryImage,
        *,
        platform: Platform,
        corpus: CorpusLocation | None,
    ) -> sagemaker.CfnModel:
        """Declare the approved model once more: the endpoint's role must not read and write what runs bring."""
        role = ServiceRole(
            self,
            "ModelRole",
            assumed_by=service_principal(SAGEMAKER, cdk.Stack.of(self)),
            description="Batch transform by the topic model: read its artifact and the input, write the output, log",
        )
        role.allow(
            "s3:GetObject",
            on=[artifacts.arn_for_objects(f"{MODELS_PREFIX}*"), artifacts.arn_for_objects(f"{TRANSFORM_PREFIX}*")],
            because="Which model is approved, and which input a run brings, is decided after the role was made.",
        )
        role.allow(
            "s3:PutObject",
            "s3:AbortMultipartUpload",
            on=[artifacts.arn_for_objects(f"{TRANSFORM_PREFIX}*")],
            because="A run's output has the run's name behind this one prefix.",
        )
        role.allow(
            "s3:ListBucket",
            on=[artifacts.bucket_arn],
            when={"StringLike": {"s3:prefix": f"{TRANSFORM_PREFIX}*"}},
        )
        if corpus is not None:
            grant_corpus_read(role, corpus, pattern="*")
            role.allow(
                "s3:ListBucket",
                on=[corpus.bucket.bucket_arn],
                when={"StringLike": {"s3:prefix": f"{corpus.corpora_prefix}*"}},
            )
        role.allow("kms:Decrypt", "kms:GenerateDataKey", on=[key.key_arn])
        encrypt_volumes(role, key)
        write_sagemaker_logs(role, "TransformJobs")
        put_metrics(role, METRICS_NAMESPACE)
        pull_image(role, image)
        if platform.placement is not None:
            role.allow_interfaces(sagemaker=True)
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=role.role_arn,
            enable_network_isolation=True,
            vpc_config=platform.placement.of_model() if platform.placement is not None else None,
            primary_container=container,
        )
        model.node.add_dependency(role)
        return model


def _places(corpus: CorpusLocation, artifacts: s3.IBucket) -> dict[str, str]:
    """Return where a scheduled run reads and writes, by the names that the definition has for them."""
    return {
        "CorporaUri": f"s3://{corpus.bucket.bucket_name}/{corpus.corpora_prefix}",
        "ArtifactsUri": f"s3://{artifacts.bucket_name}/",
    }
