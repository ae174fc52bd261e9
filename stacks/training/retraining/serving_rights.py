"""What CloudFormation may do for the serving stack: make, change and remove what that one template declares.

By type of resource, what its handler needs (https://docs.aws.amazon.com/service-authorization). A type that the stack
declares and that is not here fails the local cloud's deploy, and the test of the template.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk

from stacks.shared.model_parameters import FIELDS_OF_A_MODEL, parameters_arn
from stacks.shared.names import (
    STAGE_TAG,
    data_parameters_prefix,
    endpoint_name,
    function_name,
    in_service_parameter,
    job_name_prefix,
    machine_logs_prefix,
    serving_stack_name,
    similar_function_name,
    transform_pipeline_name,
)
from stacks.shared.roles.service_role import NO_RESOURCE, Rights
from stacks.shared.variant import LINKED_ROLE

from deployment_functions.model_fields import APPROVED

if TYPE_CHECKING:
    from stacks.data.shared_data import SharedData
    from stacks.settings.endpoint import EndpointSettings
    from stacks.settings.stage import StageSettings
    from stacks.shared.roles.service_role import ServiceRole

BY_THE_STACKS_NAME: Final = (
    "CloudFormation names what it makes by the stack, the logical id and a suffix that is not known before."
)
UNNAMED_MODELS: Final = (
    "Models, endpoint configs and vector buckets have no names of ours, so that the next is made before the last is "
    "removed, or one can be kept; the tag of the stage is what binds the right."
)
PASSED_TO: Final = ["events.amazonaws.com", "lambda.amazonaws.com", "sagemaker.amazonaws.com", "states.amazonaws.com"]
"""CloudFormation passes the role of a schedule's rule when it removes the rule, too."""
INDEXES: Final = "A vector index has its model's name, and a model is approved after the role was made."
PROBED: Final = (
    "Application Auto Scaling asks whether whoever registers a target may do this, by a name that it makes up."
)


class _Arns:
    """ARNs of this account and region."""

    def __init__(self, stack: cdk.Stack) -> None:
        self._stack = stack

    def slash(self, service: str, resource: str, name: str, *, region: bool = True) -> str:
        """Return `service:…:resource/name`."""
        return self._stack.format_arn(
            service=service, resource=resource, resource_name=name, region=None if region else ""
        )

    def colon(self, service: str, resource: str, name: str) -> str:
        """Return `service:…:resource:name`."""
        return self._stack.format_arn(
            service=service, resource=resource, resource_name=name, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
        )


def allow_serving_stack(role: ServiceRole, boundary: Rights, *, data: SharedData, settings: StageSettings) -> None:
    """Allow the role what a deploy, an update and a destroy of the serving stack take.

    What the settings put in, it may make. What they may have put in before, it may still read and remove: the role
    is updated before the stack.
    """
    stage, similar = data.platform.stage, settings.similar
    arns = _Arns(cdk.Stack.of(role))
    # A policy has 6,144 characters at most, so that the rights are in three.
    functions, state = (
        Rights(role, name, roles=[role], description=f"CloudFormation, for the serving stack: {what}")
        for name, what in (("Functions", "functions"), ("State", "parameters, state machines, rules, logs, alarms"))
    )
    _roles(role.rights, boundary, arns, f"{serving_stack_name(stage)}-*")
    _hosting(role.rights, arns, stage, data)
    _scaling(state, arns, stage, settings.endpoint)
    _functions(functions, arns, data, finds_similar=similar is not None)
    _state(state, arns, stage)
    _watching(state, arns, stage)
    _vectors(state, arns, data, stores=similar is not None and similar.store == "s3-vectors")


def _roles(rights: Rights, boundary: Rights, arns: _Arns, names: str) -> None:
    roles = [arns.slash("iam", "role", names, region=False)]
    policies = [arns.slash("iam", "policy", names, region=False)]
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary.managed_policy_arn}}
    rights.allow("iam:CreateRole", "iam:PutRolePermissionsBoundary", on=roles, because=BY_THE_STACKS_NAME, when=bounded)
    rights.allow(
        "iam:AttachRolePolicy",
        "iam:DetachRolePolicy",
        on=roles,
        because=BY_THE_STACKS_NAME,
        when={"ArnLike": {"iam:PolicyARN": policies[0]}},
    )
    rights.allow(
        "iam:DeleteRole",
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListRolePolicies",
        "iam:TagRole",
        "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole",
        "iam:UpdateRoleDescription",
        on=roles,
        because=BY_THE_STACKS_NAME,
    )
    rights.allow(
        "iam:CreatePolicy",
        "iam:CreatePolicyVersion",
        "iam:DeletePolicy",
        "iam:DeletePolicyVersion",
        "iam:GetPolicy",
        "iam:GetPolicyVersion",
        "iam:ListEntitiesForPolicy",
        "iam:ListPolicyVersions",
        "iam:TagPolicy",
        on=policies,
        because=BY_THE_STACKS_NAME,
    )
    rights.allow(
        "iam:PassRole",
        on=roles,
        because=BY_THE_STACKS_NAME,
        when={"StringEquals": {"iam:PassedToService": PASSED_TO}},
    )


def _hosting(rights: Rights, arns: _Arns, stage: str, data: SharedData) -> None:
    unnamed = [arns.slash("sagemaker", "model", "*"), arns.slash("sagemaker", "endpoint-config", "*")]
    endpoint = arns.slash("sagemaker", "endpoint", endpoint_name(stage))
    rights.allow(
        "sagemaker:CreateEndpointConfig",
        "sagemaker:CreateModel",
        on=unnamed,
        because=UNNAMED_MODELS,
        when={"StringEquals": {f"aws:RequestTag/{STAGE_TAG}": stage}},
    )
    rights.allow(
        "sagemaker:DeleteEndpointConfig",
        "sagemaker:DeleteModel",
        "sagemaker:DeleteTags",
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:DescribeModel",
        on=unnamed,
        because=UNNAMED_MODELS,
        when={"StringEquals": {f"aws:ResourceTag/{STAGE_TAG}": stage}},
    )
    # Tags come with the creation; a name of its own bounds the endpoint's.
    rights.allow("sagemaker:AddTags", "sagemaker:ListTags", on=[*unnamed, endpoint], because=UNNAMED_MODELS)
    # An endpoint is made and changed on behalf of its config too.
    rights.allow(
        "sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint", on=[endpoint, unnamed[1]], because=UNNAMED_MODELS
    )
    rights.allow("sagemaker:DeleteEndpoint", "sagemaker:DeleteTags", "sagemaker:DescribeEndpoint", on=[endpoint])
    rights.allow("kms:CreateGrant", on=[data.key.key_arn], when={"Bool": {"kms:GrantIsForAWSResource": "true"}})
    rights.allow("kms:DescribeKey", on=[data.key.key_arn])


def _scaling(rights: Rights, arns: _Arns, stage: str, endpoint: EndpointSettings) -> None:
    scales = endpoint.scales
    rights.allow(
        "application-autoscaling:DeleteScalingPolicy",
        "application-autoscaling:DeleteScheduledAction",
        "application-autoscaling:DeregisterScalableTarget",
        "application-autoscaling:ListTagsForResource",
        *(
            (
                "application-autoscaling:PutScalingPolicy",
                "application-autoscaling:RegisterScalableTarget",
                "application-autoscaling:TagResource",
                "application-autoscaling:UntagResource",
            )
            if scales
            else ()
        ),
        *(("application-autoscaling:PutScheduledAction",) if endpoint.schedule is not None else ()),
        on=[arns.slash("application-autoscaling", "scalable-target", "*")],
        because="Application Auto Scaling names its targets by ids of its own.",
    )
    rights.allow(
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:DescribeScheduledActions",
        on=["*"],
        because=NO_RESOURCE,
    )
    if not scales:
        return
    # What Application Auto Scaling asks of whoever registers a target; names that it makes up are of no stage.
    rights.allow(
        "sagemaker:DescribeEndpointConfig", on=[arns.slash("sagemaker", "endpoint-config", "*")], because=PROBED
    )
    rights.allow(
        "cloudwatch:DeleteAlarms",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:PutMetricAlarm",
        on=[arns.colon("cloudwatch", "alarm", "*")],
        because=PROBED,
    )
    rights.allow(
        "sagemaker:UpdateEndpointWeightsAndCapacities", on=[arns.slash("sagemaker", "endpoint", endpoint_name(stage))]
    )
    service = "sagemaker.application-autoscaling.amazonaws.com"
    rights.allow(
        "iam:CreateServiceLinkedRole",
        on=[arns.slash("iam", "role", f"aws-service-role/{service}/{LINKED_ROLE}", region=False)],
        when={"StringEquals": {"iam:AWSServiceName": service}},
    )


def _vectors(rights: Rights, arns: _Arns, data: SharedData, *, stores: bool) -> None:
    stage = data.platform.stage
    buckets = arns.slash("s3vectors", "bucket", "*")
    indexes = f"{buckets}/index/{job_name_prefix(stage)}*"
    reading = ("s3vectors:GetIndex", "s3vectors:GetVectorBucket", "s3vectors:ListTagsForResource")
    rights.allow("s3vectors:DeleteIndex", *reading, on=[indexes], because=INDEXES)
    tagged = {"StringEquals": {f"aws:ResourceTag/{STAGE_TAG}": stage}}
    removing = ("s3vectors:DeleteVectorBucket", "s3vectors:UntagResource")
    rights.allow(*removing, *reading, on=[buckets], because=UNNAMED_MODELS, when=tagged)
    if not stores:
        return
    tagging = ("s3vectors:TagResource", "s3vectors:UntagResource")
    rights.allow("s3vectors:CreateIndex", *tagging, on=[indexes], because=INDEXES)
    asked = {"StringEquals": {f"aws:RequestTag/{STAGE_TAG}": stage}}
    rights.allow(
        "s3vectors:CreateVectorBucket", "s3vectors:TagResource", on=[buckets], because=UNNAMED_MODELS, when=asked
    )
    rights.allow("kms:Decrypt", "kms:GenerateDataKey", on=[data.key.key_arn])


def _functions(rights: Rights, arns: _Arns, data: SharedData, *, finds_similar: bool) -> None:
    stack, stage = cdk.Stack.of(rights), data.platform.stage

    def named(*names: str) -> list[str]:
        return [arns.colon("lambda", "function", each) for name in names for each in (name, f"{name}:*")]

    of_the_stack = arns.colon("lambda", "function", f"{serving_stack_name(stage)}-*")
    topics, similar = named(function_name(stage)), named(similar_function_name(stage))
    because = BY_THE_STACKS_NAME
    rights.allow(
        "lambda:DeleteAlias",
        "lambda:DeleteFunction",
        "lambda:DeleteFunctionConcurrency",
        "lambda:DeleteFunctionUrlConfig",
        "lambda:GetAlias",
        "lambda:GetFunction",
        "lambda:GetFunctionCodeSigningConfig",
        "lambda:GetFunctionConfiguration",
        "lambda:GetFunctionRecursionConfig",
        "lambda:GetFunctionUrlConfig",
        "lambda:GetPolicy",
        "lambda:GetProvisionedConcurrencyConfig",
        "lambda:GetRuntimeManagementConfig",
        "lambda:InvokeFunction",
        "lambda:ListTags",
        "lambda:ListVersionsByFunction",
        "lambda:RemovePermission",
        on=[of_the_stack, *topics, *similar],
        because=because,
    )
    rights.allow(
        "lambda:AddPermission",
        "lambda:CreateAlias",
        "lambda:CreateFunction",
        "lambda:CreateFunctionUrlConfig",
        "lambda:PublishVersion",
        "lambda:PutFunctionConcurrency",
        "lambda:TagResource",
        "lambda:UntagResource",
        "lambda:UpdateAlias",
        "lambda:UpdateFunctionCode",
        "lambda:UpdateFunctionConfiguration",
        "lambda:UpdateFunctionUrlConfig",
        on=[of_the_stack, *topics, *(similar if finds_similar else ())],
        because=because,
    )
    # The environment's key is used by whoever makes a function, its code read from the deploy's assets.
    rights.allow(
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        on=[data.platform.operations_key_arn],
    )
    rights.allow(
        "kms:CreateGrant",
        on=[data.platform.operations_key_arn],
        when={"Bool": {"kms:GrantIsForAWSResource": "true"}},
    )
    qualifier = stack.synthesizer.bootstrap_qualifier or cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER
    assets = f"cdk-{qualifier}-assets-{cdk.Aws.ACCOUNT_ID}-{cdk.Aws.REGION}"
    rights.allow(
        "s3:GetObject",
        on=[f"arn:{cdk.Aws.PARTITION}:s3:::{assets}/*"],
        because="Assets are named by the hash of what is in them.",
    )
    if data.platform.placement is not None:
        rights.allow(
            # By its interfaces CloudFormation sees when a deleted function has left its subnets.
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
            on=["*"],
            because=NO_RESOURCE,
        )


def _state(rights: Rights, arns: _Arns, stage: str) -> None:
    stack = cdk.Stack.of(rights)
    qualifier = stack.synthesizer.bootstrap_qualifier or cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER
    rights.allow(
        "ssm:GetParameters",
        on=[
            parameters_arn(stack, stage, f"{APPROVED}/*"),
            arns.slash("ssm", "parameter", f"{data_parameters_prefix(stage).lstrip('/')}/*"),
            arns.slash("ssm", "parameter", f"cdk-bootstrap/{qualifier}/version"),
        ],
        because=FIELDS_OF_A_MODEL,
    )
    rights.allow(
        "ssm:AddTagsToResource",
        "ssm:DeleteParameter",
        "ssm:GetParameters",
        "ssm:ListTagsForResource",
        "ssm:PutParameter",
        "ssm:RemoveTagsFromResource",
        on=[arns.slash("ssm", "parameter", in_service_parameter(stage).lstrip("/"))],
    )
    rights.allow(
        "states:CreateStateMachine",
        "states:DeleteStateMachine",
        "states:DescribeStateMachine",
        "states:ListTagsForResource",
        "states:TagResource",
        "states:UntagResource",
        "states:UpdateStateMachine",
        on=[arns.colon("states", "stateMachine", transform_pipeline_name(stage))],
    )
    rights.allow(
        "events:DeleteRule",
        "events:DescribeRule",
        "events:ListTagsForResource",
        "events:ListTargetsByRule",
        "events:PutRule",
        "events:PutTargets",
        "events:RemoveTargets",
        "events:TagResource",
        "events:UntagResource",
        on=[arns.slash("events", "rule", f"{serving_stack_name(stage)}-*")],
        because=BY_THE_STACKS_NAME,
    )


def _watching(rights: Rights, arns: _Arns, stage: str) -> None:
    prefix = f"{serving_stack_name(stage)}-*"
    rights.allow(
        "logs:AssociateKmsKey",
        "logs:CreateLogGroup",
        "logs:DeleteLogGroup",
        "logs:DeleteRetentionPolicy",
        "logs:DescribeIndexPolicies",
        "logs:DisassociateKmsKey",
        "logs:GetDataProtectionPolicy",
        "logs:ListTagsForResource",
        "logs:PutRetentionPolicy",
        "logs:TagResource",
        "logs:UntagResource",
        on=[
            arns.colon("logs", "log-group", prefix),
            arns.colon("logs", "log-group", f"/aws/sagemaker/Endpoints/{endpoint_name(stage)}*"),
            arns.colon("logs", "log-group", f"{machine_logs_prefix(transform_pipeline_name(stage))}*"),
        ],
        because=BY_THE_STACKS_NAME,
    )
    rights.allow("logs:DescribeLogGroups", "logs:DescribeResourcePolicies", on=["*"], because=NO_RESOURCE)
    rights.allow(
        "cloudwatch:DeleteAlarms",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:ListTagsForResource",
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:TagResource",
        "cloudwatch:UntagResource",
        on=[
            arns.colon("cloudwatch", "alarm", prefix),
            # What Application Auto Scaling makes on behalf of whoever asks for target tracking.
            arns.colon("cloudwatch", "alarm", f"TargetTracking-endpoint/{endpoint_name(stage)}/*"),
        ],
        because=BY_THE_STACKS_NAME,
    )
    rights.allow(
        "cloudwatch:DeleteDashboards",
        "cloudwatch:GetDashboard",
        "cloudwatch:ListTagsForResource",
        "cloudwatch:PutDashboard",
        "cloudwatch:TagResource",
        "cloudwatch:UntagResource",
        on=[arns.slash("cloudwatch", "dashboard", endpoint_name(stage), region=False)],
    )
