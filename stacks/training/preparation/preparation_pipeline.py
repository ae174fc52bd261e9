"""The state machine that prepares corpora on Spark: its role, its job's role, and the function that publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from rules import aws_images
from stacks.shared.alarms import watch_machine
from stacks.shared.bucket_layout import CODE_PREFIX, PREPARING_PREFIX
from stacks.shared.deployment_function import DeploymentFunction
from stacks.shared.names import job_name_prefix, newest_corpus_parameter, preparation_name
from stacks.shared.pipeline_machine import pipeline_machine
from stacks.shared.registry_image import RegistryImage
from stacks.shared.roles.job_pipeline_role import JobPipelineRole
from stacks.shared.roles.sagemaker_rights import (
    SAGEMAKER,
    encrypt_volumes,
    pull_image,
    put_metrics,
    write_sagemaker_logs,
)
from stacks.shared.roles.service_role import ServiceRole, service_principal
from stacks.training.preparation import preparation_job
from training_scripts.corpus.manifest import SURFACE_FORMS_PATH

if TYPE_CHECKING:
    from stacks.data.shared_data import SharedData
    from stacks.settings.preparation import DocumentsInS3, PreparationStep
    from stacks.shared.bucket_layout import CodeLocation

METRICS_NAMESPACE: Final = "/aws/sagemaker/ProcessingJobs"
A_RUNS_FOLDER: Final = "A run writes under its own name, which it gets when it is started."


class PreparationPipeline(Construct):
    """From raw documents in S3 to a corpus beside the stage's others, and to the next retraining if there is one."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        step: PreparationStep,
        data: SharedData,
        code: CodeLocation,
        retrains: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        platform, stage, corpus = data.platform, data.platform.stage, data.corpus
        image = RegistryImage(self, "SparkImage", aws_images.SPARK)
        job_role = self._job_role(step, data, code, image)
        publish = self._publisher(data, retrains=retrains)
        role = JobPipelineRole(
            self,
            kind="Processing",
            job_name_prefix=job_name_prefix(stage),
            named="A job is named by its run, behind the stage's own prefix.",
            description="The preparation: start, watch and stop this stage's processing jobs, and publish",
            key=data.key,
            reads_tags=True,
            passes=job_role,
        )
        role.allow("lambda:InvokeFunction", on=[publish.function.function_arn])
        placement = platform.placement.substitutions() if platform.placement is not None else {}
        bucket = corpus.bucket.bucket_name
        deployed = f"s3://{bucket}/{corpus.prefix}{SURFACE_FORMS_PATH}"
        self.state_machine = pipeline_machine(
            self,
            name=preparation_name(stage),
            comment=f"Prepares a corpus of stage {stage} on Spark",
            definition=preparation_job.definition(step, stage=stage, placeholders=list(placement)),
            substitutions={
                "PreparationRoleArn": job_role.role_arn,
                "SparkImage": image.uri,
                "CodeUri": code.uri,
                "DocumentsUri": step.documents.uri,
                "PreparingUri": f"s3://{bucket}/{PREPARING_PREFIX}",
                "KeyArn": data.key.key_arn,
                "PublishFunctionArn": publish.function.function_arn,
                **({"VocabularyUri": deployed} if step.keep_vocabulary else {}),
                **placement,
            },
            role=role,
            platform=platform,
        )
        watch_machine(
            self, platform, self.state_machine, says="a preparation failed or was given up; its last event says why"
        )

    def _job_role(
        self, step: PreparationStep, data: SharedData, code: CodeLocation, image: RegistryImage
    ) -> ServiceRole:
        bucket = data.corpus.bucket
        role = ServiceRole(
            self,
            "JobRole",
            assumed_by=service_principal(SAGEMAKER, cdk.Stack.of(self)),
            description="Preparation on Spark: read documents and code, write under the run's own name, log",
        )
        self._read_documents(role, step.documents)
        listed = [f"{CODE_PREFIX}{code.bundle_hash}/*"]
        role.allow(
            "s3:GetObject",
            on=[bucket.arn_for_objects(listed[0])],
            because="Code and wheels are a folder of files, and all of them are needed.",
        )
        if step.keep_vocabulary:
            vocabulary = f"{data.corpus.prefix}{SURFACE_FORMS_PATH}"
            role.allow("s3:GetObject", on=[bucket.arn_for_objects(vocabulary)])
            listed.append(vocabulary)
        role.allow("s3:ListBucket", on=[bucket.bucket_arn], when={"StringLike": {"s3:prefix": listed}})
        role.allow(
            "s3:PutObject",
            "s3:AbortMultipartUpload",
            on=[bucket.arn_for_objects(f"{PREPARING_PREFIX}*")],
            because=A_RUNS_FOLDER,
        )
        role.allow("kms:Decrypt", "kms:GenerateDataKey", on=[data.key.key_arn])
        encrypt_volumes(role, data.key)
        write_sagemaker_logs(role, "ProcessingJobs")
        put_metrics(role, METRICS_NAMESPACE)
        pull_image(role, image)
        if data.platform.placement is not None:
            role.allow_interfaces(sagemaker=True)
        return role

    def _read_documents(self, role: ServiceRole, documents: DocumentsInS3) -> None:
        bucket = s3.Bucket.from_bucket_name(self, "Documents", documents.bucket)
        role.allow(
            "s3:GetObject",
            on=[bucket.arn_for_objects(f"{documents.prefix}*")],
            because="Documents come as they come, under the one prefix that the stage's settings name.",
        )
        role.allow("s3:ListBucket", on=[bucket.bucket_arn], when={"StringLike": {"s3:prefix": f"{documents.prefix}*"}})
        if documents.kms_key_arn is not None:
            role.allow("kms:Decrypt", on=[documents.kms_key_arn])

    def _publisher(self, data: SharedData, *, retrains: bool) -> DeploymentFunction:
        platform, corpus, stack = data.platform, data.corpus, cdk.Stack.of(self)
        pointer = newest_corpus_parameter(platform.stage)
        function = DeploymentFunction(
            self,
            "Publish",
            handler="pipeline.corpus_publisher.handle",
            description="Publishes the corpus that a run has prepared, and names it the newest",
            platform=platform,
            asynchronous=False,
            timeout=cdk.Duration.minutes(15),
            memory_mb=512,
            environment={
                "BUCKET": corpus.bucket.bucket_name,
                "PREPARING_PREFIX": PREPARING_PREFIX,
                "CORPORA_PREFIX": corpus.corpora_prefix,
                **({"NEWEST_CORPUS": pointer} if retrains else {}),
            },
        )
        of_runs = corpus.bucket.arn_for_objects(f"{PREPARING_PREFIX}*/corpus/*")
        corpora = corpus.bucket.arn_for_objects(f"{corpus.corpora_prefix}*")
        by_hash = "A corpus is a folder named by its hash, which is known when it is prepared."
        function.allow("s3:GetObject", "s3:DeleteObject", on=[of_runs], because=A_RUNS_FOLDER)
        function.allow("s3:PutObject", "s3:AbortMultipartUpload", on=[corpora], because=by_hash)
        function.allow(
            "s3:ListBucket",
            on=[corpus.bucket.bucket_arn],
            when={"StringLike": {"s3:prefix": [f"{PREPARING_PREFIX}*", f"{corpus.corpora_prefix}*"]}},
        )
        function.allow("kms:Decrypt", "kms:GenerateDataKey", on=[data.key.key_arn])
        if retrains:
            name = stack.format_arn(service="ssm", resource="parameter", resource_name=pointer.lstrip("/"))
            function.allow("ssm:PutParameter", on=[name])
        return function
