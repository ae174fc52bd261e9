"""Retraining: the schedule, its state machine, the three functions that it calls, and the model registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.shared.alarms import watch_machine
from stacks.shared.bucket_layout import MODELS_PREFIX, grant_corpus_read
from stacks.shared.deployment_function import DeploymentFunction
from stacks.shared.model_parameters import FIELDS_OF_A_MODEL, parameters_arn
from stacks.shared.names import (
    in_service_parameter,
    newest_corpus_parameter,
    parameters_prefix,
    pipeline_name,
    registry_name,
    retraining_name,
    serving_stack_name,
)
from stacks.shared.pipeline_machine import pipeline_machine
from stacks.shared.roles.job_pipeline_role import allow_sync_events
from stacks.shared.roles.service_role import NO_RESOURCE, ServiceRole, service_principal
from stacks.training.retraining import retraining_machine
from stacks.training.retraining.serving_deployment import ServingDeployment

from deployment_functions.corpus_folder import MANIFEST
from deployment_functions.model_fields import APPROVED
from deployment_functions.pipeline.model_archive import ARTIFACT_FILE
from deployment_functions.retrainings.retraining import RETRAINING_RUN_PREFIX

if TYPE_CHECKING:
    from stacks.data.shared_data import SharedData
    from stacks.settings.stage import RetrainingSettings, StageSettings
    from stacks.shared.registry_image import RegistryImage

VERSIONS_OF_THE_GROUP = "Versions of the stage's own group are numbered by SageMaker."


class Retraining(Construct):
    """Looks on a schedule whether a training is due, and takes what passes the gate into service."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        retraining: RetrainingSettings,
        data: SharedData,
        pipeline: sfn.StateMachine,
        definition_hash: str,
        image: RegistryImage,
    ) -> None:
        super().__init__(scope, construct_id)
        self._data, self._platform, self._stage = data, data.platform, data.platform.stage
        self._stack = cdk.Stack.of(self)
        self._group = self._registry()
        check = self._check(settings, definition_hash)
        gate = self._gate(settings, retraining, image)
        promote = self._promote(ServingDeployment(self, "Serving", data=data, image=image, settings=settings))
        machine = self._machine(settings, pipeline, [check, gate, promote])
        # Nothing registers models any more when the group is emptied.
        machine.node.add_dependency(self._emptied)
        self._schedule(retraining, machine)
        says = "a retraining failed or was given up; its last event says why"
        watch_machine(self, self._platform, machine, says=says)

    def _registry(self) -> sagemaker.CfnModelPackageGroup:
        group = sagemaker.CfnModelPackageGroup(
            self,
            "Registry",
            model_package_group_name=registry_name(self._stage),
            model_package_group_description=f"Retrained models of stage {self._stage}, and what became of each",
        )
        function = DeploymentFunction(
            self,
            "Emptier",
            handler="deploy.registry_emptier.handle",
            description="Deletes the versions of the model package group before the group is deleted",
            platform=self._platform,
            timeout=cdk.Duration.minutes(5),
        )
        function.allow("sagemaker:ListModelPackages", on=[self._group_arn()]).allow(
            "sagemaker:DeleteModelPackage", on=[self._versions_arn()], because=VERSIONS_OF_THE_GROUP
        )
        self._emptied = function.custom_resource(
            "Versions", kind="RegistryVersions", properties={"Group": group.model_package_group_name}
        )
        self._emptied.node.add_dependency(group)
        return group

    def _check(self, settings: StageSettings, definition_hash: str) -> DeploymentFunction:
        function = self._function(
            "Check",
            handler="retrainings.retraining_check.handle",
            description="First step of a retraining: is one due, and may it be done by itself",
            environment={
                "NEWEST_CORPUS": newest_corpus_parameter(self._stage),
                "CORPUS_HASH": self._data.corpus.corpus_hash,
                "DEFINITION_HASH": definition_hash,
                "APPROVAL": settings.approval,
                **self._corpora(),
            },
        )
        grant_corpus_read(function.role, self._data.corpus, pattern=f"*/{MANIFEST}")
        function.allow("ssm:GetParameter", on=[parameters_arn(self._stack, self._stage)], because=FIELDS_OF_A_MODEL)
        function.allow("sagemaker:ListModelPackages", on=[self._group_arn()])
        function.allow("sagemaker:DescribeModelPackage", on=[self._versions_arn()], because=VERSIONS_OF_THE_GROUP)
        return function

    def _gate(
        self, settings: StageSettings, retraining: RetrainingSettings, image: RegistryImage
    ) -> DeploymentFunction:
        function = self._function(
            "Gate",
            handler="retrainings.retraining_gate.handle",
            description="Registers a retrained model, compares it with the one in service, approves it or not",
            environment={
                "IMAGE": image.uri,
                "APPROVAL": settings.approval,
                "MAX_LOSS_INCREASE_PERCENT": str(retraining.max_loss_increase_percent),
                **self._corpora(),
            },
        )
        grant_corpus_read(function.role, self._data.corpus, pattern=f"*/{MANIFEST}")
        function.allow(
            "ssm:GetParameter",
            "ssm:PutParameter",
            on=[parameters_arn(self._stack, self._stage)],
            because=FIELDS_OF_A_MODEL,
        )
        function.allow(
            "sagemaker:CreateModelPackage",
            on=[self._group_arn(), self._versions_arn()],
            because=VERSIONS_OF_THE_GROUP,
        )
        # SageMaker looks at the artifact on behalf of whoever registers it.
        function.allow(
            "s3:GetObject",
            on=[self._data.artifacts.arn_for_objects(f"{MODELS_PREFIX}*/output/{ARTIFACT_FILE}")],
            because="A model lies in a folder named by the job that made it, and every job has a name of its own.",
        )
        function.allow("kms:Decrypt", on=[self._data.key.key_arn])
        return function

    def _promote(self, serving: ServingDeployment) -> DeploymentFunction:
        function = self._function(
            "Promote",
            handler="retrainings.promotion.handle",
            description="Updates the serving stack by its own template and role, and looks how that goes",
            environment={
                "SERVING_STACK": serving_stack_name(self._stage),
                "SERVING_ROLE": serving.role.role_arn,
            },
        )
        stack = self._stack.format_arn(
            service="cloudformation", resource="stack", resource_name=f"{serving_stack_name(self._stage)}/*"
        )
        one_stack = "One stack: behind its name stands an id that it gets when it is made."
        function.allow(
            "cloudformation:UpdateStack",
            on=[stack],
            because=one_stack,
            when={"StringEquals": {"cloudformation:RoleArn": serving.role.role_arn}},
        )
        function.allow("cloudformation:DescribeStacks", on=[stack], because=one_stack)
        function.allow(
            "iam:PassRole",
            on=[serving.role.role_arn],
            when={"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
        )
        function.allow(
            "ssm:GetParameter",
            "ssm:GetParameters",
            on=[parameters_arn(self._stack, self._stage)],
            because=FIELDS_OF_A_MODEL,
        )
        # For one release: what a throttle kept from being written for the previous template.
        function.allow(
            "ssm:PutParameter",
            on=[parameters_arn(self._stack, self._stage, f"{APPROVED}/*")],
            because=FIELDS_OF_A_MODEL,
        )
        function.allow("ssm:GetParameters", on=[serving.bootstrap_version_arn])
        function.allow("sagemaker:UpdateModelPackage", on=[self._versions_arn()], because=VERSIONS_OF_THE_GROUP)
        return function

    def _function(
        self, construct_id: str, *, handler: str, description: str, environment: dict[str, str]
    ) -> DeploymentFunction:
        return DeploymentFunction(
            self,
            construct_id,
            handler=handler,
            description=description,
            platform=self._platform,
            asynchronous=False,
            environment={
                "STAGE": self._stage,
                "PARAMETERS": parameters_prefix(self._stage),
                "IN_SERVICE": in_service_parameter(self._stage),
                "REGISTRY": self._group.model_package_group_name,
                **environment,
            },
        )

    def _machine(
        self, settings: StageSettings, pipeline: sfn.StateMachine, functions: list[DeploymentFunction]
    ) -> sfn.StateMachine:
        check, gate, promote = (each.function for each in functions)
        role = ServiceRole(
            self,
            "Role",
            assumed_by=service_principal("states.amazonaws.com", self._stack),
            description="Retraining: call its functions, run the training pipeline, tell the topic",
        )
        role.allow("lambda:InvokeFunction", on=[each.function_arn for each in (check, gate, promote)])
        role.allow("states:StartExecution", on=[pipeline.state_machine_arn])
        role.allow(
            "states:DescribeExecution",
            "states:StopExecution",
            on=[
                self._stack.format_arn(
                    service="states",
                    resource="execution",
                    resource_name=f"{pipeline_name(self._stage)}:{RETRAINING_RUN_PREFIX}*",
                    arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                )
            ],
            because="Runs of this one state machine that a retraining started; each has a name of its own.",
        )
        allow_sync_events(role, "StepFunctionsExecution")
        role.allow("sns:Publish", on=[self._platform.alarms_arn])
        keys = (self._platform.operations_key_arn, self._platform.alarms_key_arn)
        role.allow("kms:Decrypt", "kms:GenerateDataKey", on=[key for key in keys if key is not None])
        # What CDK allows a state machine that logs and is traced.
        role.acknowledge_wildcard("*", because=NO_RESOURCE)
        return pipeline_machine(
            self,
            name=retraining_name(self._stage),
            comment=f"Retrains the topic model of stage {self._stage}, and promotes what passes",
            definition=retraining_machine.definition(settings, stage=self._stage),
            substitutions={
                "CheckFunctionArn": check.function_arn,
                "GateFunctionArn": gate.function_arn,
                "PromoteFunctionArn": promote.function_arn,
                "PipelineArn": pipeline.state_machine_arn,
                "TopicArn": self._platform.alarms_arn,
            },
            role=role,
            platform=self._platform,
        )

    def _schedule(self, retraining: RetrainingSettings, machine: sfn.StateMachine) -> None:
        role = ServiceRole(
            self,
            "StarterRole",
            assumed_by=service_principal("events.amazonaws.com", self._stack),
            description="The retraining's schedule: start its state machine",
        )
        lost = sqs.Queue.from_queue_arn(self, "LostEvents", self._platform.lost_events.queue_arn)
        events.Rule(
            self,
            "Schedule",
            description="Checks whether a retraining is due",
            schedule=events.Schedule.expression(retraining.schedule),
            targets=[targets.SfnStateMachine(machine, role=role, dead_letter_queue=lost)],
        )

    def _corpora(self) -> dict[str, str]:
        corpus = self._data.corpus
        return {"CORPUS_BUCKET": corpus.bucket.bucket_name, "CORPORA_PREFIX": corpus.corpora_prefix}

    def _group_arn(self) -> str:
        return self._stack.format_arn(
            service="sagemaker", resource="model-package-group", resource_name=registry_name(self._stage)
        )

    def _versions_arn(self) -> str:
        return self._stack.format_arn(
            service="sagemaker", resource="model-package", resource_name=f"{registry_name(self._stage)}/*"
        )
