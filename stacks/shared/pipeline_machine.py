"""The state machine of every pipeline: from its definition, logged without its data, and traced."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as sfn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_iam as iam
    from constructs import Construct

    from stacks.shared.platform import Platform


def pipeline_machine(
    scope: Construct,
    *,
    name: str,
    comment: str,
    definition: Mapping[str, object],
    substitutions: Mapping[str, str],
    role: iam.IRole,
    platform: Platform,
    optional: bool = True,
) -> sfn.StateMachine:
    """Declare the state machine `StateMachine` of a pipeline.

    Args:
        scope: the pipeline.
        name: of the state machine.
        comment: what it is for.
        definition: in Amazon States Language.
        substitutions: values of the definition's placeholders, but for `Partition`, which every definition has.
        role: that it runs under.
        platform: of the stage, which declares what it logs to.
        optional: whether a setting adds and removes the pipeline.
    """
    log_group = platform.machine_log_group(scope, name, optional=optional)
    return sfn.StateMachine(
        scope,
        "StateMachine",
        state_machine_name=name,
        comment=comment,
        definition_body=sfn.DefinitionBody.from_string(json.dumps(_tagged(definition, platform.tags))),
        definition_substitutions={"Partition": cdk.Stack.of(scope).partition, **substitutions},
        role=role,
        logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
        tracing_enabled=True,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )


def _tagged(definition: object, tags: Sequence[tuple[str, str]]) -> object:
    """Add the organisation's tags to those of each job that a state machine starts."""
    if isinstance(definition, dict):
        added = [{"Key": key, "Value": value} for key, value in tags]
        return {name: [*part, *added] if name == "Tags" else _tagged(part, tags) for name, part in definition.items()}
    if isinstance(definition, list):
        return [_tagged(part, tags) for part in definition]
    return definition
