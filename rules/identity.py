"""Rules on roles and policies: every statement of every identity policy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from rules.model import Fault, JsonValue, Rule, Template, items, mapping, objects, reference, rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROLE: Final = "AWS::IAM::Role"
POLICIES: Final = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
CONFUSABLE: Final = ("sagemaker.", "states.", "scheduler.")
"""Services that act for whole accounts: a role that trusts one must say for which account."""

TAKES_NO_RESOURCE: Final = frozenset(
    {
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:DescribeScheduledActions",
        "cloudwatch:PutMetricData",
        "ec2:CreateNetworkInterface",
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
        "ec2:DeleteNetworkInterfacePermission",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "ecr:GetAuthorizationToken",
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)
"""Actions that may stand on `*`: by the service authorization reference they take no resource in their ARN, or, for
network interfaces, one that is not known before it is made."""


_STACKS_ROLES: Final = re.compile(r":role/[A-Za-z][A-Za-z0-9-]*-\*")
"""ARNs of the roles that CloudFormation names by a stack."""


class Statement(NamedTuple):
    """One statement, and where it stands."""

    logical_id: str
    path: str
    body: Mapping[str, JsonValue]

    @property
    def actions(self) -> list[str]:
        """What it is about."""
        return [str(action) for action in items(self.body.get("Action"))]

    @property
    def condition(self) -> Mapping[str, JsonValue]:
        """Its condition, empty where it has none."""
        return mapping(self.body.get("Condition"))


def statements(template: Template) -> Iterator[Statement]:
    """Return every statement that some role of the template is allowed something by."""
    for policy in template.resources(*POLICIES):
        for number, body in enumerate(objects(policy.get("PolicyDocument", "Statement"))):
            if body.get("Effect") == "Allow":
                yield Statement(policy.logical_id, f"Properties/PolicyDocument/Statement/{number}", body)
    for role in template.resources(ROLE):
        for place, inline in enumerate(objects(role.get("Policies"))):
            document = mapping(inline.get("PolicyDocument"))
            for number, body in enumerate(objects(document.get("Statement"))):
                if body.get("Effect") == "Allow":
                    path = f"Properties/Policies/{place}/PolicyDocument/Statement/{number}"
                    yield Statement(role.logical_id, path, body)


@rule(
    "TM-IAM-NO-WILD-ACTION", "No statement allows a wildcard of actions", "Actions that AWS adds would be allowed too"
)
def no_wild_action(template: Template) -> Iterator[Fault]:
    """Look for `*` in actions, and for allowances by exception."""
    for statement in statements(template):
        for action in statement.actions:
            if "*" in action:
                yield Fault(statement.logical_id, f"{statement.path}/Action", f"{action} allows more than is needed")
        for exception in ("NotAction", "NotResource"):
            if exception in statement.body:
                path = f"{statement.path}/{exception}"
                yield Fault(statement.logical_id, path, f"{exception} allows everything but what it names")


@rule(
    "TM-IAM-NO-WILD-RESOURCE",
    "Only actions that take no resource stand on every resource",
    "A role of one stage could act on another stage's resources",
)
def no_wild_resource(template: Template) -> Iterator[Fault]:
    """Look for `*` as a resource."""
    for statement in statements(template):
        if "*" not in items(statement.body.get("Resource")):
            continue
        for action in statement.actions:
            if action not in TAKES_NO_RESOURCE:
                path = f"{statement.path}/Resource"
                yield Fault(statement.logical_id, path, f"{action} is allowed on every resource")


@rule("TM-IAM-METRICS", "Metrics are put into one namespace only", "A role could forge the metrics that alarms read")
def metrics(template: Template) -> Iterator[Fault]:
    """Look for the namespace in the condition."""
    for statement in statements(template):
        if "cloudwatch:PutMetricData" in statement.actions and "cloudwatch:namespace" not in str(statement.condition):
            yield Fault(statement.logical_id, f"{statement.path}/Condition", "metrics of every namespace are allowed")


@rule("TM-IAM-PASS-ROLE", "A role is passed by its ARN and to one service only", "Passing a role is having its rights")
def pass_role(template: Template) -> Iterator[Fault]:
    """Look at every iam:PassRole."""
    for statement in statements(template):
        if "iam:PassRole" not in statement.actions:
            continue
        if "iam:PassedToService" not in str(statement.condition):
            yield Fault(statement.logical_id, f"{statement.path}/Condition", "the role may be passed to every service")
        if _of_a_stack_deployer(template, statement):
            continue
        if any("*" in str(resource) for resource in items(statement.body.get("Resource"))):
            yield Fault(statement.logical_id, f"{statement.path}/Resource", "roles are passed by a wildcard")


def _of_a_stack_deployer(template: Template, statement: Statement) -> bool:
    """Tell whether CloudFormation has the right, for roles that it has named by one stack and its boundary binds."""
    policy = template.resource(statement.logical_id)
    roles = [template.resource(reference(role) or "") for role in items(policy.get("Roles"))] if policy else []
    for_cloudformation = bool(roles) and all(
        role is not None and "cloudformation.amazonaws.com" in str(role.get("AssumeRolePolicyDocument"))
        for role in roles
    )
    of_one_stack = all(str(resource).count("*") == 1 and _STACKS_ROLES.search(str(resource))
                       for resource in items(statement.body.get("Resource")))  # fmt: skip
    makes = [other for other in statements(template) if "iam:CreateRole" in other.actions]
    bound = bool(makes) and all("iam:PermissionsBoundary" in str(other.condition) for other in makes)
    return for_cloudformation and of_one_stack and bound


@rule("TM-IAM-GRANTS", "Grants on a key are made for AWS services only", "A grant outlives the policy that allowed it")
def grants(template: Template) -> Iterator[Fault]:
    """Look at every kms:CreateGrant."""
    for statement in statements(template):
        for_services = mapping(statement.condition.get("Bool")).get("kms:GrantIsForAWSResource")
        if "kms:CreateGrant" in statement.actions and str(for_services).lower() != "true":
            yield Fault(statement.logical_id, f"{statement.path}/Condition", "grants may be made to anybody")


@rule("TM-IAM-TRUST", "A role is assumed by services only, for this account", "Somebody else could act with its rights")
def trust(template: Template) -> Iterator[Fault]:
    """Look at whom roles trust."""
    for role in template.resources(ROLE):
        for number, statement in enumerate(objects(role.get("AssumeRolePolicyDocument", "Statement"))):
            path = f"Properties/AssumeRolePolicyDocument/Statement/{number}"
            principal = statement.get("Principal")
            services = items(mapping(principal).get("Service"))
            if not services or len(mapping(principal)) != 1:
                yield Fault(role.logical_id, f"{path}/Principal", "the role is assumed by others than services")
            for service in services:
                if str(service).startswith(CONFUSABLE) and "aws:SourceAccount" not in str(statement.get("Condition")):
                    yield Fault(role.logical_id, f"{path}/Condition", f"{service} may assume it for any account")


@rule("TM-IAM-NO-USERS", "No user, group or access key is made", "A key that never expires is a key that leaks")
def no_users(template: Template) -> Iterator[Fault]:
    """Look for users and their keys."""
    for resource in template.resources("AWS::IAM::User", "AWS::IAM::AccessKey", "AWS::IAM::Group"):
        yield Fault(resource.logical_id, "Type", f"the template makes an {resource.type}")


RULES: Final[tuple[Rule, ...]] = (
    no_wild_action,
    no_wild_resource,
    metrics,
    pass_role,
    grants,
    trust,
    no_users,
)
