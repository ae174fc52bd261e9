"""The store of what the endpoint was asked and answered: documents' word counts, for whoever is on its list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.data.keys import stage_key
from stacks.data.private_bucket import PrivateBucket
from stacks.shared.bucket_layout import CAPTURED_PREFIX

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

    from stacks.data.access_logs import AccessLogs
    from stacks.settings.endpoint import CaptureSettings
    from stacks.settings.stage import StageSettings
    from stacks.shared.roles.service_role import ServiceRole


@dataclass(frozen=True)
class CaptureLocation:
    """Where SageMaker puts what the endpoint was asked and answered, and how much of it."""

    settings: CaptureSettings
    bucket: s3.IBucket
    key: kms.IKey

    @property
    def uri(self) -> str:
        """The folder of all that is captured."""
        return self.bucket.s3_url_for_object(CAPTURED_PREFIX.rstrip("/"))

    def grant_write(self, role: ServiceRole) -> None:
        """Allow SageMaker, acting under the model's role, to add to the store; it can read nothing of it."""
        role.allow(
            "s3:PutObject",
            on=[self.bucket.arn_for_objects(f"{CAPTURED_PREFIX}*")],
            because="SageMaker names the files of captured requests by the hour and a random number.",
        )
        role.allow("kms:GenerateDataKey", on=[self.key.key_arn])
        role.allow("kms:CreateGrant", on=[self.key.key_arn], when={"Bool": {"kms:GrantIsForAWSResource": "true"}})


class CapturedRequests(Construct):
    """A bucket with a key, a lifecycle and an access list of its own."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: str,
        settings: StageSettings,
        capture: CaptureSettings,
        access_logs: AccessLogs,
    ) -> None:
        super().__init__(scope, construct_id)
        says = f"Topic model, stage {stage}: what the endpoint was asked and answered"
        self.key = stage_key(self, "CaptureKey", purpose="capture", settings=settings, says=says)
        self.bucket = PrivateBucket(
            self,
            "Captured",
            key=self.key,
            access_logs=access_logs,
            removal_policy=cdk.RemovalPolicy(settings.removal_policy.upper()),
            expire_after_days=capture.keep_days,
        )
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="OnlyReadersOnTheList",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:GetObject", "s3:GetObjectVersion"],
                resources=[self.bucket.arn_for_objects("*")],
                conditions=({"ArnNotEquals": {"aws:PrincipalArn": list(capture.readers)}} if capture.readers else None),
            )
        )
        self.location = CaptureLocation(capture, self.bucket, self.key)
