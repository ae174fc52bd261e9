"""The execution role of the training job: what the container and its agent may do, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

if TYPE_CHECKING:
    from constructs import Construct

    from stacks.data_stack import CorpusLocation
    from stacks.ntm_image import NtmImage

MODELS_PREFIX: Final = "models/"
"""Where in the artifacts bucket training jobs put their model.tar.gz."""
METRICS_NAMESPACE: Final = "/aws/sagemaker/TrainingJobs"


class TrainingRole(iam.Role):
    """Assumed by SageMaker for the training jobs of one stage."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        corpus: CorpusLocation,
        artifacts: s3.IBucket,
        key: kms.IKey,
        image: NtmImage,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            assumed_by=sagemaker_principal(cdk.Stack.of(scope)),
            description="Training jobs of the topic model: read corpora, write models, log",
        )
        self._read(corpus)
        self._write(artifacts)
        use_data_key(self, key)
        encrypt_volumes(self, key)
        write_sagemaker_logs(self, "TrainingJobs")
        put_metrics(self, METRICS_NAMESPACE)
        pull_image(self, image)

    def _read(self, corpus: CorpusLocation) -> None:
        self.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:GetObject"], resources=[corpus.bucket.arn_for_objects(f"{corpus.corpora_prefix}*")]
            )
        )
        self.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[corpus.bucket.bucket_arn],
                conditions={"StringLike": {"s3:prefix": f"{corpus.corpora_prefix}*"}},
            )
        )
        if not corpus.own and corpus.bucket.encryption_key is not None:
            corpus.bucket.encryption_key.grant_decrypt(self)

    def _write(self, artifacts: s3.IBucket) -> None:
        self.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:PutObject", "s3:AbortMultipartUpload"],
                resources=[artifacts.arn_for_objects(f"{MODELS_PREFIX}*")],
            )
        )


def sagemaker_principal(stack: cdk.Stack) -> iam.PrincipalBase:
    """Return SageMaker, acting for this account only: no other account's jobs can borrow the role."""
    return iam.PrincipalWithConditions(
        iam.ServicePrincipal("sagemaker.amazonaws.com"), {"StringEquals": {"aws:SourceAccount": stack.account}}
    )


def use_data_key(role: iam.Role, key: kms.IKey) -> None:
    """Allow reading and writing objects under the data key."""
    role.add_to_policy(iam.PolicyStatement(actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[key.key_arn]))


def encrypt_volumes(role: iam.Role, key: kms.IKey) -> None:
    """Allow SageMaker to attach volumes under the key, and only through AWS resources."""
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["kms:CreateGrant"],
            resources=[key.key_arn],
            conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        )
    )
    role.add_to_policy(iam.PolicyStatement(actions=["kms:DescribeKey"], resources=[key.key_arn]))


def write_sagemaker_logs(role: iam.Role, group: str) -> None:
    """Allow writing to the log group /aws/sagemaker/`group`, which SageMaker creates where it is missing."""
    stack = cdk.Stack.of(role)
    name = f"/aws/sagemaker/{group}"
    arn = stack.format_arn(
        service="logs", resource="log-group", resource_name=name, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
    )
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            resources=[arn, f"{arn}:*"],
        )
    )


def put_metrics(role: iam.Role, namespace: str) -> None:
    """Allow metrics of one namespace. The action takes no resource, so the condition is what bounds it."""
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": namespace}},
        )
    )


def pull_image(role: iam.Role, image: NtmImage) -> None:
    """Allow pulling the NTM image; the token action takes no resource."""
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            resources=[image.repository_arn],
        )
    )
    role.add_to_policy(iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"]))
