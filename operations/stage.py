"""What a deployed stage says of itself: the outputs of its stacks, and how its state machines are defined."""

from __future__ import annotations

import json
from typing import Any

from explore.errors import ExploreError
from stacks.shared.names import stack_prefix


def outputs_of(stacks: Any, name: str, *parts: str) -> dict[str, str]:  # noqa: ANN401 -- boto3's CloudFormation client
    """Return the outputs of a stage's stacks, by their names.

    Args:
        stacks: boto3's CloudFormation client.
        name: of the stage.
        parts: of the stage's stacks, such as Data.

    Raises:
        ExploreError: it is not deployed.
    """
    outputs: dict[str, str] = {}
    for part in parts:
        stack = f"{stack_prefix(name)}-{part}"
        try:
            described = stacks.describe_stacks(StackName=stack)["Stacks"][0]
        except stacks.exceptions.ClientError:
            raise ExploreError(f"there is no stack {stack} in this account and region: deploy stage {name!r}") from None
        outputs |= {item["OutputKey"]: item["OutputValue"] for item in described.get("Outputs", [])}
    return outputs


def reason_of(cause: str) -> str:
    """Return SageMaker's own sentence, where the cause is a description of the job."""
    try:
        return str(json.loads(cause)["FailureReason"])
    except (KeyError, TypeError, ValueError):
        return cause
