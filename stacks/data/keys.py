"""The stage's keys: one for data, one for operations, one for what is captured. Its own, or named by the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from stacks.data import policy_statements

if TYPE_CHECKING:
    from constructs import Construct

    from stacks.settings.stage import StageSettings


def stage_key(scope: Construct, construct_id: str, *, purpose: str, settings: StageSettings, says: str) -> kms.IKey:
    """Return the key that the settings name for `purpose`, or a new one, rotated every year.

    Args:
        scope: the parent.
        construct_id: of the new key.
        purpose: `data`, `operations` or `capture`.
        settings: the stage's.
        says: the new key's description.
    """
    stack = cdk.Stack.of(scope)
    home = policy_statements.Home(cdk.Aws.PARTITION, stack.region, stack.account, cdk.Aws.URL_SUFFIX)
    named = settings.keys.named.get(purpose)
    if named is not None:
        cdk.CfnOutput(
            stack,
            f"{construct_id}Policy",
            value=stack.to_json_string(policy_statements.of_named_key(purpose, settings, home)),
            description=f"Statements that the policy of {named} must have",
        )
        return kms.Key.from_key_arn(scope, f"Named{construct_id}", named)
    removal_policy = cdk.RemovalPolicy(settings.removal_policy.upper())
    key = kms.Key(scope, construct_id, description=says, enable_key_rotation=True, removal_policy=removal_policy)
    for statement in policy_statements.of_own_key(purpose, settings, home):
        key.add_to_resource_policy(iam.PolicyStatement.from_json(statement))
    return key
