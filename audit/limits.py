"""What no setting can close: said, so that nobody takes it for covered."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from audit.controls import Judge
from audit.stores import BUCKET, CONFIG
from audit.tables import Row, Table
from rules.buckets import log_targets
from rules.functions import URL, functions_with_url
from rules.model import JsonValue

_DOCS: Final = "https://docs.aws.amazon.com"


Holds: TypeAlias = Callable[[Judge], bool]
"""Whether the templates hold what a measure says."""


class Limit(NamedTuple):
    """A limit, the type of the resource that it is about, and each measure against it, with whether it is there."""

    resource_type: str
    limit: str
    measures: tuple[tuple[str, Holds], ...]
    source: str
    applies: Holds = lambda _: True


def _every(resource_type: str, *path: str, value: JsonValue = None) -> Holds:
    """Return whether all resources of a type have a property, with `value` where one is given."""

    def holds(judge: Judge) -> bool:
        values = [resource.get(*path) for _, resource in judge.assembly.resources(resource_type)]
        return bool(values) and all(each == value if value is not None else bool(each) for each in values)

    return holds


def _some(*resource_types: str) -> Holds:
    return lambda judge: any(True for _ in judge.assembly.resources(*resource_types))


def _no_finding(*rules: str) -> Holds:
    """Return whether these own rules find nothing."""
    return lambda judge: not any(finding.rule_id in rules for finding in judge.findings)


def _bounded(judge: Judge) -> bool:
    """Tell whether the functions that a URL calls have a bound of concurrency."""
    return all(
        (function := template.resource(name)) is not None and function.get("ReservedConcurrentExecutions") is not None
        for template in judge.assembly.templates
        for name in functions_with_url(template)
    )


def _captures(judge: Judge) -> bool:
    return _every(CONFIG, "DataCaptureConfig", "EnableCapture", value=True)(judge)


def _always(_: Judge) -> bool:
    return True


LIMITS: Final = (
    Limit(
        URL,
        "The Function URL is reached from the public internet: it cannot be put into a VPC, nor a firewall before it.",
        (
            ("requests are signed by IAM", _every(URL, "AuthType", value="AWS_IAM")),
            ("the function's concurrency is bounded", _bounded),
        ),
        f"{_DOCS}/lambda/latest/dg/urls-auth.html",
    ),
    Limit(
        "AWS::SageMaker::Endpoint",
        "CloudTrail does not record InvokeEndpoint.",
        (
            ("data capture keeps what the endpoint is asked and answers, by its sampling", _captures),
            ("the function logs each request", _some(URL)),
        ),
        f"{_DOCS}/sagemaker/latest/dg/logging-using-cloudtrail.html",
    ),
    Limit(
        CONFIG,
        "Captured documents are word counts of what clients sent: a second copy of it.",
        (
            ("their bucket has a key and an expiry of its own", _no_finding("TM-ENDPOINT-CAPTURE")),
            ("it has a list of readers of its own", _no_finding("TM-CAPTURE-READERS")),
        ),
        f"{_DOCS}/sagemaker/latest/dg/model-monitor-data-capture.html",
        _captures,
    ),
    Limit(
        "AWS::StepFunctions::StateMachine",
        "SageMaker writes logs of training and transform jobs to groups that are one per account and region.",
        (
            (
                "no stack owns them: their key and retention are the account owner's to set, also by account_logs",
                _no_finding("TM-LOGS-NOT-SHARED"),
            ),
        ),
        f"{_DOCS}/sagemaker/latest/dg/logging-cloudwatch.html",
    ),
    Limit(
        "AWS::IAM::ManagedPolicy",
        "Some actions take no resource in their ARN: they are allowed on every resource (*).",
        (("each is on the list of TM-IAM-NO-WILD-RESOURCE", _no_finding("TM-IAM-NO-WILD-RESOURCE")),),
        f"{_DOCS}/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html",
    ),
    Limit(
        "AWS::SageMaker::ModelPackageGroup",
        "Who may update a stack decides what its template says: IAM cannot hold UpdateStack to the previous template.",
        (
            (
                "the serving stack has a CloudFormation role, whose roles are made within a permissions boundary",
                lambda judge: any(
                    "cloudformation" in json.dumps(role.get("AssumeRolePolicyDocument"))
                    for _, role in judge.assembly.resources("AWS::IAM::Role")
                ),
            ),
        ),
        f"{_DOCS}/service-authorization/latest/reference/list_awscloudformation.html",
    ),
    Limit(
        BUCKET,
        "S3 delivers access logs only into a bucket under its own keys (SSE-S3).",
        (
            (
                "that bucket takes access logs under SSE-S3",
                lambda judge: (
                    any(log_targets(each) for each in judge.assembly.templates)
                    and _no_finding("TM-BUCKET-LOG-TARGET")(judge)
                ),
            ),
        ),
        f"{_DOCS}/AmazonS3/latest/userguide/enable-server-access-logging.html",
    ),
    Limit(
        "AWS::EC2::VPC",
        "CloudFormation cannot close the default security group of a VPC.",
        (
            (
                "functions, jobs and models name groups of their own",
                _no_finding("TM-VPC-GROUPS", "TM-JOB-VPC", "TM-MODEL-VPC"),
            ),
        ),
        f"{_DOCS}/vpc/latest/userguide/default-security-group.html",
    ),
    Limit(
        "AWS::SSM::Parameter",
        "CloudFormation makes plain String parameters only, which take no customer-managed key.",
        (("they hold names and hashes, and none is named like a secret", _no_finding("TM-SSM-NO-SECRET")),),
        f"{_DOCS}/AWSCloudFormation/latest/TemplateReference/aws-resource-ssm-parameter.html",
    ),
    Limit(
        "AWS::KMS::Key",
        "A key's policy lets the account's own administrators do everything with it: else nobody could mend it.",
        (("no key is open to everybody", _no_finding("TM-KEY-NOT-PUBLIC")),),
        f"{_DOCS}/kms/latest/developerguide/key-policy-default.html",
    ),
    Limit(
        "",
        "Controls on the account and its people (CloudTrail, Config, GuardDuty, MFA, training, physical access).",
        (("the matrix lists them as not checked: the templates cannot tell", _always),),
        f"{_DOCS}/securityhub/latest/userguide/fsbp-standard.html",
    ),
)


def limits(judge: Judge) -> Table:
    """Return the table of limits that concern what the templates have, each at the resource that it is about."""
    assembly = judge.assembly
    rows = []
    for limit in LIMITS:
        about = next(assembly.resources(limit.resource_type), None) if limit.resource_type else None
        if limit.applies(judge) and (about is not None or not limit.resource_type):
            holding = [text for text, holds in limit.measures if holds(judge)]
            missing = [text for text, holds in limit.measures if not holds(judge)]
            place = assembly.place(about[0], about[1].logical_id) if about else assembly.start
            cells = (limit.limit, "; ".join(holding) or "nothing", "; ".join(missing), limit.source)
            rows.append(Row(cells, place))
    return Table(
        "limits",
        "What no setting closes",
        "What no setting of these templates can close, the measures against it that these templates hold, and those "
        "that this stage goes without.",
        ("limit", "in place", "not in this stage", "source"),
        tuple(rows),
    )
