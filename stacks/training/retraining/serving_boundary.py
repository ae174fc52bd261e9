"""What no role of the serving stack can ever do more than, whoever wrote its policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk

from stacks.shared.acknowledgments import acknowledge
from stacks.shared.bucket_layout import TRANSFORM_PREFIX
from stacks.shared.job_pipeline_role import learn_of_ends
from stacks.shared.model_parameters import FIELDS_OF_A_MODEL, parameters_arn
from stacks.shared.names import endpoint_name, job_name_prefix, serving_boundary_name, serving_stack_name
from stacks.shared.service_role import INTERFACES, NO_RESOURCE, SAGEMAKER_INTERFACES, Rights

if TYPE_CHECKING:
    from constructs import Construct

    from stacks.data.shared_data import SharedData
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
    """

    def __init__(self, scope: Construct, construct_id: str, *, data: SharedData, image: RegistryImage) -> None:
        stage = data.platform.stage
        super().__init__(
            scope,
            construct_id,
            name=serving_boundary_name(stage, cdk.Aws.REGION),
            description=f"Topic model, stage {stage}: what no role of the serving stack can do more than",
        )
        self._stack = cdk.Stack.of(self)
        self._data(data, stage)
        self._sagemaker(stage, image)
        self._logs(stage)
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

    def _data(self, data: SharedData, stage: str) -> None:
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
        keys = [data.key.key_arn]
        if data.captured is not None:
            written.append(data.captured.bucket.arn_for_objects("*"))
            keys.append(data.captured.key.key_arn)
        self.allow("s3:AbortMultipartUpload", "s3:PutObject", on=written, because=_STAGES_OWN)
        self.allow("s3:ListBucket", on=[artifacts.bucket_arn])
        self.allow("kms:CreateGrant", on=keys, when={"Bool": {"kms:GrantIsForAWSResource": "true"}})
        own = [*keys, data.platform.operations_key.key_arn, *([corpus.key.key_arn] if corpus.key is not None else [])]
        self.allow("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", on=list(dict.fromkeys(own)))
        self.allow("sqs:SendMessage", on=[data.platform.lost_events.queue_arn])
        self.allow(
            "ssm:GetParameter", "ssm:PutParameter", on=[parameters_arn(self._stack, stage)], because=FIELDS_OF_A_MODEL
        )

    def _sagemaker(self, stage: str, image: RegistryImage) -> None:
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
        learn_of_ends(self, "SageMakerTransformJobs")
        self.allow(
            "cloudwatch:DescribeAlarms",
            on=[
                arn(
                    service="cloudwatch",
                    resource="alarm",
                    resource_name=f"{serving_stack_name(stage)}-*",
                    arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                )
            ],
            because=_STAGES_OWN,
        )
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

    def _logs(self, stage: str) -> None:
        groups = (
            f"{serving_stack_name(stage)}-*",
            f"/aws/sagemaker/Endpoints/{endpoint_name(stage)}*",
            "/aws/sagemaker/TransformJobs*",
        )
        self.allow(
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
            on=[
                self._stack.format_arn(
                    service="logs",
                    resource="log-group",
                    resource_name=group,
                    arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                )
                for group in groups
            ],
            because=_STAGES_OWN,
        )
