"""Promotion of an approved model: an update of the serving stack by its own template, and how it went.

CloudFormation stays the only owner of what serves: nothing here touches the endpoint.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from deployment_functions import clients
from deployment_functions.environment import FromEnvironment
from deployment_functions.ledger import Ledger, contradictions
from deployment_functions.model_fields import APPROVED
from deployment_functions.registry import REJECTED, Registry
from deployment_functions.retrainings.retraining import RetrainingError, Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployment_functions.ports import CloudFormation, Ssm, Stack

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

NO_UPDATES: Final = "No updates are to be performed"
UNDER_WAY: Final = "_IN_PROGRESS"
UPDATED: Final = ("UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
CAPABILITIES: Final = ("CAPABILITY_NAMED_IAM",)
"""The template declares roles; CloudFormation asks for this word also where none of them changes."""


class StackBusyError(Exception):
    """Somebody else's operation on the stack is under way; the state machine tries again."""


@dataclass(frozen=True)
class Settings(FromEnvironment):
    """What the stack tells the function."""

    stage: str
    serving_stack: str
    serving_role: str
    """Empty: CloudFormation goes on by the role that the stack has."""
    parameters: str
    in_service: str


def handle(event: Mapping[str, str], _context: object) -> Step:
    """Begin the update, or look how it goes: as `step` says."""
    settings = Settings.from_environment()
    package = event.get("package", "")
    if event["step"] == "begin":
        return begin(settings, clients.cloudformation(), clients.ssm(), package=package)
    registry = Registry(clients.sagemaker(), os.environ["REGISTRY"])
    return look(settings, clients.cloudformation(), clients.ssm(), registry, package=package)


def begin(settings: Settings, cloudformation: CloudFormation, ssm: Ssm, *, package: str) -> Step:
    """Update the serving stack by the template that it has and the parameters that it has.

    The approved model's parameter is the name of an SSM parameter, whose value CloudFormation reads anew in every
    update, also where the name is passed as it was.

    Raises:
        StackBusyError: another operation on the stack is under way.
    """
    # The stack's template may be one that reads the single fields: they must be the record's before it does.
    if astray := Ledger(ssm, settings.parameters).mend(APPROVED):
        logger.warning("written again as the record of the approved model says: %s", ", ".join(astray))
    stack = _stack(settings, cloudformation)
    parameters: list[dict[str, object]] = [
        {"ParameterKey": parameter["ParameterKey"], "UsePreviousValue": True}
        for parameter in stack.get("Parameters", [])
    ]
    try:
        cloudformation.update_stack(
            StackName=settings.serving_stack,
            UsePreviousTemplate=True,
            Parameters=parameters,
            Capabilities=list(CAPABILITIES),
            **({"RoleARN": settings.serving_role} if settings.serving_role else {}),
        )
    except ClientError as error:
        said = error.response["Error"]["Message"]
        if NO_UPDATES in said:
            return _promoted(settings, ssm, package=package)
        if UNDER_WAY in said:
            raise StackBusyError(said) from error
        raise
    return Step(next="wait", package=package)


def look(settings: Settings, cloudformation: CloudFormation, ssm: Ssm, registry: Registry, *, package: str) -> Step:
    """Tell whether the update is under way, done, or taken back; what was taken back is rejected."""
    stack = _stack(settings, cloudformation)
    status = stack["StackStatus"]
    if status in UPDATED:
        return _promoted(settings, ssm, package=package)
    if status.endswith(UNDER_WAY):
        return Step(next="wait", package=package)
    reason = stack.get("StackStatusReason") or "its events say why"
    message = f"The update of {settings.serving_stack} ended {status}: {reason}. The model in service stays."
    if package:
        registry.settle(package, REJECTED, because=message)
    return Step(next="fail", subject=f"Topic model {settings.stage}: a promotion was rolled back", message=message)


def _promoted(settings: Settings, ssm: Ssm, *, package: str) -> Step:
    approved = Ledger(ssm, settings.parameters).read(APPROVED)
    in_service = json.loads(ssm.get_parameter(Name=settings.in_service)["Parameter"]["Value"])
    served = in_service["model"]
    if approved is None or approved["job_name"] != served:
        named = approved["job_name"] if approved else "none"
        raise RetrainingError(f"{settings.serving_stack} is updated, but serves {served} and not {named}")
    if differing := contradictions(approved, in_service):
        raise RetrainingError(
            f"{settings.serving_stack} serves a mix of two models: {', '.join(differing)} differ from {served}'s"
        )
    return Step(
        next="tell",
        subject=f"Topic model {settings.stage}: a retrained model is in service",
        message=f"{served} is in service, of corpus {approved['corpus_hash']}.",
        package=package,
    )


def _stack(settings: Settings, cloudformation: CloudFormation) -> Stack:
    return cloudformation.describe_stacks(StackName=settings.serving_stack)["Stacks"][0]
