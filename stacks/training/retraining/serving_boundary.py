"""What no role of the serving stack can ever do more than, whoever wrote its policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk

from stacks.shared.acknowledgments import acknowledge
from stacks.shared.alarms import URL_ALIAS
from stacks.shared.bucket_layout import CAPTURED_PREFIX, TRANSFORM_PREFIX
from stacks.shared.model_parameters import FIELDS_OF_A_MODEL, parameters_arn
from stacks.shared.names import (
    STAGE_TAG,
    endpoint_name,
    function_name,
    job_name_prefix,
    serving_boundary_name,
    serving_stack_name,
    stack_prefix,
    transform_pipeline_name,
)
from stacks.shared.roles.job_pipeline_role import allow_sync_events
from stacks.shared.roles.service_role import INTERFACES, NO_RESOURCE, SAGEMAKER_INTERFACES, Rights

if TYPE_CHECKING:
    from constructs import Construct

    from stacks.data.shared_data import SharedData
    from stacks.settings.stage import StageSettings
    from stacks.shared.registry_image import RegistryImage

_LOG_DELIVERY: Final = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)
_TRACING: Final = (
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)
_STAGES_OWN: Final = "A boundary allows nothing by itself: it bounds every role of the stack to the stage's own things."


class ServingBoundary(Rights):
    """The permissions boundary of the serving stack's roles.

    Whoever may update the stack decides what its roles' policies say. So that this makes nobody an administrator, the
    role that updates it can only make roles that have this boundary.

    It is there where the stage does not retrain, too: roles that were made while it did are in it until the serving
    stack, which is deployed later, has been updated.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        data: SharedData,
        image: RegistryImage,
        settings: StageSettings,
    ) -> None:
        stage = data.platform.stage
        super().__init__(
            scope,
            construct_id,
            name=serving_boundary_name(stage, cdk.Aws.REGION),
            description=f"Topic model, stage {stage}: what no role of the serving stack can do more than",
        )
        self._stack = cdk.Stack.of(self)
        self._data(data, stage, settings.keys.capture)
        self._sagemaker(stage, image, watched=settings.rollout.rollback_on_alarm)
        self._logs(stage)
        if settings.transform.schedule is not None:
            self._scheduled(data, stage)
        if settings.similar is not None:
            self._similar(stage, vectors=settings.similar.store == "s3-vectors")
        self.allow(
            *INTERFACES,
            *SAGEMAKER_INTERFACES,
            *_LOG_DELIVERY,
            *_TRACING,
            "ecr:GetAuthorizationToken",
            on=["*"],
            because=NO_RESOURCE,
        )
        acknowledge(self, dict.fromkeys(("CKV_AWS_109", "CKV_AWS_111"), NO_RESOURCE))

    def _data(self, data: SharedData, stage: str, capture_key: str | None) -> None:
        artifacts, corpus = data.artifacts, data.corpus
        self.allow(
            "s3:GetObject",
            on=[
                artifacts.arn_for_objects("*"),
                corpus.bucket.arn_for_objects(f"{corpus.corpora_prefix}*"),
            ],
            because=_STAGES_OWN,
        )
        written = [artifacts.arn_for_objects(f"{TRANSFORM_PREFIX}*")]
        for_resources = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
        if data.captures:
            # By what their names and tags are, not by reference: an export in use would keep capture from being
            # turned off.
            written.append(f"arn:{cdk.Aws.PARTITION}:s3:::{stack_prefix(stage).lower()}-data-*/{CAPTURED_PREFIX}*")
            keys = [self._stack.format_arn(service="kms", resource="key", resource_name="*")]
            tagged = {"StringEquals": {f"aws:ResourceTag/{STAGE_TAG}": stage}}
            self.allow("kms:GenerateDataKey", on=keys, because=_STAGES_OWN, when=tagged)
            self.allow("kms:CreateGrant", on=keys, because=_STAGES_OWN, when={**tagged, **for_resources})
        if capture_key is not None:
            # A key that is named has no tag of the stage. The right by tag stays for hosts that are still on the last.
            self.allow("kms:GenerateDataKey", on=[capture_key])
            self.allow("kms:CreateGrant", on=[capture_key], when=for_resources)
        self.allow("s3:AbortMultipartUpload", "s3:PutObject", on=written, because=_STAGES_OWN)
        self.allow("s3:ListBucket", on=[artifacts.bucket_arn])
        key = data.key.key_arn
        self.allow("kms:CreateGrant", on=[key], when=for_resources)
        own = [key, data.platform.operations_key_arn]
        own += [corpus.key.key_arn] if corpus.key is not None else []
        self.allow("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", on=list(dict.fromkeys(own)))
        self.allow("sqs:SendMessage", on=[data.platform.lost_events.queue_arn])
        self.allow(
            "ssm:GetParameter", "ssm:PutParameter", on=[parameters_arn(self._stack, stage)], because=FIELDS_OF_A_MODEL
        )

    def _sagemaker(self, stage: str, image: RegistryImage, *, watched: bool) -> None:
        arn = self._stack.format_arn
        self.allow(
            "sagemaker:DescribeEndpoint",
            "sagemaker:InvokeEndpoint",
            on=[arn(service="sagemaker", resource="endpoint", resource_name=endpoint_name(stage))],
        )
        self.allow(
            "sagemaker:AddTags",
            "sagemaker:CreateTransformJob",
            "sagemaker:DescribeTransformJob",
            "sagemaker:ListTags",
            "sagemaker:StopTransformJob",
            on=[arn(service="sagemaker", resource="transform-job", resource_name=f"{job_name_prefix(stage)}*")],
            because=_STAGES_OWN,
        )
        allow_sync_events(self, "SageMakerTransformJobs")
        if watched:
            alarms = self._colon("cloudwatch", "alarm", f"{serving_stack_name(stage)}-*")
            self.allow("cloudwatch:DescribeAlarms", on=[alarms], because=_STAGES_OWN)
        self.allow(
            "cloudwatch:PutMetricData",
            on=["*"],
            because=NO_RESOURCE,
            when={
                "StringEquals": {"cloudwatch:namespace": ["/aws/sagemaker/Endpoints", "/aws/sagemaker/TransformJobs"]}
            },
        )
        self.allow(
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
            on=[image.repository_arn],
        )

    def _scheduled(self, data: SharedData, stage: str) -> None:
        """Allow what the transform's schedule and its runs on the corpus take."""
        machine = self._colon("states", "stateMachine", transform_pipeline_name(stage))
        self.allow("states:StartExecution", on=[machine])
        self.allow("s3:ListBucket", on=[data.corpus.bucket.bucket_arn])

    def _similar(self, stage: str, *, vectors: bool) -> None:
        """Allow what the function for similar documents calls."""
        topics = self._colon("lambda", "function", f"{function_name(stage)}:{URL_ALIAS}")
        self.allow("lambda:InvokeFunction", on=[topics])
        if vectors:
            # A bucket has no name of ours; its indexes have those of the stage's models.
            indexes = self._stack.format_arn(
                service="s3vectors", resource="bucket", resource_name=f"*/index/{job_name_prefix(stage)}*"
            )
            self.allow("s3vectors:GetVectors", "s3vectors:QueryVectors", on=[indexes], because=_STAGES_OWN)

    def _logs(self, stage: str) -> None:
        # SageMaker's own group, which no stack declares: all other groups the stack makes, and takes away for good.
        transforms = self._colon("logs", "log-group", "/aws/sagemaker/TransformJobs*")
        declared = (f"{serving_stack_name(stage)}-*", f"/aws/sagemaker/Endpoints/{endpoint_name(stage)}*")
        self.allow("logs:CreateLogGroup", on=[transforms], because=_STAGES_OWN)
        self.allow(
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
            on=[*(self._colon("logs", "log-group", group) for group in declared), transforms],
            because=_STAGES_OWN,
        )

    def _colon(self, service: str, resource: str, name: str) -> str:
        return self._stack.format_arn(
            service=service,
            resource=resource,
            resource_name=name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
