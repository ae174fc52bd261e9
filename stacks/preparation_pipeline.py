"""The state machine that prepares corpora on Spark: its role, its job's role, and the function that publishes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks import algorithm_images, preparation_job
from stacks.code_upload import CODE_PREFIX
from stacks.deployment_function import DeploymentFunction
from stacks.names import job_name_prefix, newest_corpus_parameter, preparation_name
from stacks.preparation_job import PREPARING_PREFIX
from stacks.registry_image import RegistryImage
from stacks.service_role import NO_RESOURCE, ServiceRole, service_principal
from stacks.training_role import SAGEMAKER, encrypt_volumes, pull_image, put_metrics, write_sagemaker_logs
from training_scripts.corpus.manifest import VOCABULARY_PATH

if TYPE_CHECKING:
    from stacks.code_upload import CodeLocation
    from stacks.data_stack import DataStack
    from stacks.preparation_settings import DocumentsInS3, PreparationStep

METRICS_NAMESPACE: Final = "/aws/sagemaker/ProcessingJobs"
A_RUNS_FOLDER: Final = "A run writes under its own name, which it gets when it is started."


class PreparationPipeline(Construct):
    """From raw documents in S3 to a corpus beside the stage's others, and to the next retraining if there is one."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: str,
        step: PreparationStep,
        data: DataStack,
        code: CodeLocation,
        retrains: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        stack, platform, corpus = cdk.Stack.of(self), data.platform, data.corpus
        image = RegistryImage(self, "SparkImage", algorithm_images.SPARK)
        job_role = self._job_role(step, data, code, image)
        publish = self._publisher(stage, data, retrains=retrains)
        placement = platform.placement.substitutions() if platform.placement is not None else {}
        bucket = corpus.bucket.bucket_name
        deployed = f"s3://{bucket}/{corpus.prefix}{VOCABULARY_PATH}"
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=preparation_name(stage),
            comment=f"Prepares a corpus of stage {stage} on Spark",
            definition_body=sfn.DefinitionBody.from_string(
                json.dumps(preparation_job.definition(step, stage=stage, placeholders=list(placement)))
            ),
            definition_substitutions={
                "Partition": stack.partition,
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
            role=self._role(stage, job_role, publish, data.key),
            logs=sfn.LogOptions(
                destination=platform.log_group(self, "Logs"), level=sfn.LogLevel.ALL, include_execution_data=False
            ),
            tracing_enabled=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )

    def _job_role(
        self, step: PreparationStep, data: DataStack, code: CodeLocation, image: RegistryImage
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
            vocabulary = f"{data.corpus.prefix}{VOCABULARY_PATH}"
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

    def _publisher(self, stage: str, data: DataStack, *, retrains: bool) -> DeploymentFunction:
        platform, corpus, stack = data.platform, data.corpus, cdk.Stack.of(self)
        pointer = newest_corpus_parameter(stage)
        function = DeploymentFunction(
            self,
            "Publish",
            handler="corpus_publisher.handle",
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

    def _role(self, stage: str, job_role: iam.IRole, publish: DeploymentFunction, key: kms.IKey) -> ServiceRole:
        stack = cdk.Stack.of(self)
        role = ServiceRole(
            self,
            "Role",
            assumed_by=service_principal("states.amazonaws.com", stack),
            description="The preparation: start, watch and stop this stage's processing jobs, and publish",
        )
        role.allow(
            "sagemaker:AddTags",
            "sagemaker:CreateProcessingJob",
            "sagemaker:DescribeProcessingJob",
            "sagemaker:ListTags",
            "sagemaker:StopProcessingJob",
            on=[
                stack.format_arn(
                    service="sagemaker", resource="processing-job", resource_name=f"{job_name_prefix(stage)}*"
                )
            ],
            because="A job is named by its run, behind the stage's own prefix.",
        )
        role.allow("iam:PassRole", on=[job_role.role_arn], when={"StringEquals": {"iam:PassedToService": SAGEMAKER}})
        # How `.sync` learns of the job's end: one rule an account, made and owned by Step Functions.
        role.allow(
            "events:DescribeRule",
            "events:PutRule",
            "events:PutTargets",
            on=[
                stack.format_arn(
                    service="events",
                    resource="rule",
                    resource_name="StepFunctionsGetEventsForSageMakerProcessingJobsRule",
                )
            ],
        )
        # SageMaker makes the grant for a job's volumes on behalf of whoever creates the job.
        encrypt_volumes(role, key)
        role.allow("lambda:InvokeFunction", on=[publish.function.function_arn])
        # What CDK allows a state machine that logs and is traced.
        role.acknowledge_wildcard("*", because=NO_RESOURCE)
        return role
