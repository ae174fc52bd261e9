"""What is known of the approved model, one SSM parameter that the serving template reads, and what is in service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk

from stacks.shared.names import parameters_prefix

from deployment_functions.model_fields import APPROVED, FIELDS, RECORD

if TYPE_CHECKING:
    from collections.abc import Mapping


def parameters_arn(stack: cdk.Stack, stage: str, pattern: str = "*") -> str:
    """Return the ARN of the stage's parameters that match `pattern`."""
    return stack.format_arn(
        service="ssm", resource="parameter", resource_name=f"{parameters_prefix(stage).lstrip('/')}/{pattern}"
    )


FIELDS_OF_A_MODEL: Final = (
    "A model's record, and for one release a parameter a field, are read and written together: the wildcard is the "
    "stage's own path, under which nothing else is."
)


def approved_model(stack: cdk.Stack, *, stage: str) -> Mapping[str, str]:
    """Declare the approved model's record as a template parameter of `stack`, and return its fields by name.

    CloudFormation reads the newest value of such a parameter at every stack update, also when nothing else changes; a
    dynamic reference would not update, and a cross-stack export would block the update.
    """
    record = cdk.CfnParameter(
        stack,
        "ApprovedModel",
        type="AWS::SSM::Parameter::Value<List<String>>",
        default=f"{parameters_prefix(stage)}/{APPROVED}/{RECORD}",
        description=f"The approved model: {', '.join(FIELDS)}",
    ).value_as_list
    return {field: cdk.Fn.select(place, record) for place, field in enumerate(FIELDS)}
