"""The role of a state machine that runs jobs of one kind and waits for their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import aws_cdk as cdk

from stacks.shared.roles.sagemaker_rights import SAGEMAKER, encrypt_volumes
from stacks.shared.roles.service_role import NO_RESOURCE, ServiceRole, service_principal

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from constructs import Construct

    from stacks.shared.roles.service_role import Rights

JobKind = Literal["Processing", "Training", "Transform"]


class JobPipelineRole(ServiceRole):
    """May start, watch and stop the jobs whose names begin with a prefix, and no others."""

    def __init__(
        self,
        scope: Construct,
        *,
        kind: JobKind,
        job_name_prefix: str,
        named: str,
        description: str,
        key: kms.IKey,
        reads_tags: bool = False,
        passes: iam.IRole | None = None,
    ) -> None:
        """Declare the role `Role` of a pipeline.

        Args:
            scope: the pipeline.
            kind: of the jobs.
            job_name_prefix: what the names of the jobs begin with.
            named: how they are named behind it, for those who sign.
            description: of the role.
            key: what the volumes of the jobs are encrypted with.
            reads_tags: whether the tags of the jobs are read too.
            passes: the role of the jobs, where the request for a job names it.
        """
        stack = cdk.Stack.of(scope)
        super().__init__(
            scope, "Role", assumed_by=service_principal("states.amazonaws.com", stack), description=description
        )
        self.allow(
            "sagemaker:AddTags",
            f"sagemaker:Create{kind}Job",
            f"sagemaker:Describe{kind}Job",
            *(("sagemaker:ListTags",) if reads_tags else ()),
            f"sagemaker:Stop{kind}Job",
            on=[
                stack.format_arn(
                    service="sagemaker", resource=f"{kind.lower()}-job", resource_name=f"{job_name_prefix}*"
                )
            ],
            because=named,
        )
        if passes is not None:
            self.allow("iam:PassRole", on=[passes.role_arn], when={"StringEquals": {"iam:PassedToService": SAGEMAKER}})
        allow_sync_events(self, f"SageMaker{kind}Jobs")
        # SageMaker makes the grant for a job's volumes on behalf of whoever creates the job.
        encrypt_volumes(self, key)
        # What CDK allows a state machine that logs and is traced.
        self.acknowledge_wildcard("*", because=NO_RESOURCE)


def allow_sync_events(rights: ServiceRole | Rights, of: str) -> None:
    """Allow what `.sync` learns of the end of its jobs by: one rule an account, made and owned by Step Functions.

    Args:
        rights: a role, or what bounds roles.
        of: what ends, as the rule's name has it: `SageMakerTrainingJobs`.
    """
    name = f"StepFunctionsGetEventsFor{of}Rule"
    rule = cdk.Stack.of(rights).format_arn(service="events", resource="rule", resource_name=name)
    rights.allow("events:DescribeRule", "events:PutRule", "events:PutTargets", on=[rule])
