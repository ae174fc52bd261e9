"""What no setting can close: said, so that nobody takes it for covered."""

from __future__ import annotations

from typing import Final, NamedTuple

from audit.assembly import Assembly
from audit.tables import Row, Table

_DOCS: Final = "https://docs.aws.amazon.com"


class Limit(NamedTuple):
    """A limit, the type of the resource that it is about, and what there is instead."""

    resource_type: str
    limit: str
    instead: str
    source: str


LIMITS: Final = (
    Limit(
        "AWS::Lambda::Url",
        "The Function URL is reached from the public internet: it cannot be put into a VPC, and no firewall before it.",
        "Requests are signed by IAM, and the function's concurrency is bounded.",
        f"{_DOCS}/lambda/latest/dg/urls-auth.html",
    ),
    Limit(
        "AWS::SageMaker::Endpoint",
        "CloudTrail does not record InvokeEndpoint.",
        "Data capture keeps what the endpoint is asked and answers, by its sampling; the function logs each request.",
        f"{_DOCS}/sagemaker/latest/dg/logging-using-cloudtrail.html",
    ),
    Limit(
        "AWS::SageMaker::EndpointConfig",
        "Captured documents are word counts of what clients sent: a second copy of it.",
        "A bucket of its own, with a key, an expiry and a list of readers of its own.",
        f"{_DOCS}/sagemaker/latest/dg/model-monitor-data-capture.html",
    ),
    Limit(
        "AWS::StepFunctions::StateMachine",
        "SageMaker writes logs of training and transform jobs to groups that are one per account and region.",
        "No stack owns them: their key and retention are the account owner's to set, also by the setting account_logs.",
        f"{_DOCS}/sagemaker/latest/dg/logging-cloudwatch.html",
    ),
    Limit(
        "AWS::IAM::ManagedPolicy",
        "Some actions take no resource in their ARN: they stand on every resource (*).",
        "Each is on the list of TM-IAM-NO-WILD-RESOURCE, acknowledged where it stands.",
        f"{_DOCS}/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html",
    ),
    Limit(
        "AWS::SageMaker::ModelPackageGroup",
        "Who may update a stack decides what its template says: IAM cannot hold UpdateStack to the previous template.",
        "The serving stack has a CloudFormation role of its own, whose roles are made within a permissions boundary.",
        f"{_DOCS}/service-authorization/latest/reference/list_awscloudformation.html",
    ),
    Limit(
        "AWS::S3::Bucket",
        "S3 delivers access logs only into a bucket under its own keys (SSE-S3).",
        "That bucket holds access logs and nothing else; the finding is acknowledged.",
        f"{_DOCS}/AmazonS3/latest/userguide/enable-server-access-logging.html",
    ),
    Limit(
        "AWS::EC2::VPC",
        "CloudFormation cannot close the default security group of a VPC.",
        "Nothing is in it: every function, job, model and endpoint names a group of its own.",
        f"{_DOCS}/vpc/latest/userguide/default-security-group.html",
    ),
    Limit(
        "AWS::SSM::Parameter",
        "CloudFormation makes plain String parameters only, which take no customer-managed key.",
        "They hold names and hashes; TM-SSM-NO-SECRET refuses those that are named like secrets.",
        f"{_DOCS}/AWSCloudFormation/latest/TemplateReference/aws-resource-ssm-parameter.html",
    ),
    Limit(
        "AWS::KMS::Key",
        "A key's policy lets the account's own administrators do everything with it.",
        "Without that nobody could mend a key's policy; who administers the account is outside of the templates.",
        f"{_DOCS}/kms/latest/developerguide/key-policy-default.html",
    ),
    Limit(
        "",
        "Controls on the account and its people (CloudTrail, Config, GuardDuty, MFA, training, physical access).",
        "They are in the matrix as not checked: the templates cannot tell.",
        f"{_DOCS}/securityhub/latest/userguide/fsbp-standard.html",
    ),
)


def limits(assembly: Assembly) -> Table:
    """Return the table of limits that concern what the templates have, each at the resource that it is about."""
    rows = []
    for limit in LIMITS:
        found = next(assembly.resources(limit.resource_type), None) if limit.resource_type else None
        if found is not None or not limit.resource_type:
            stack, logical_id = (found[0], found[1].logical_id) if found else (assembly.templates[0].stack, "")
            rows.append(Row((limit.limit, limit.instead, limit.source), assembly.place(stack, logical_id)))
    about = "What no setting of these templates can close, and what there is instead."
    return Table("limits", "What no setting closes", about, ("limit", "instead", "source"), tuple(rows))
