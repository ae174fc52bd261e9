"""What of a deployed stage is gone though no stack deleted it, or says another thing than the rest; changes nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from botocore.exceptions import BotoCoreError, ClientError

from operations.doctor.checks import Answer
from stacks.shared.names import endpoint_name, in_service_parameter, parameters_prefix, serving_stack_name, stack_prefix

from deployment_functions.ledger import SETS, Ledger, LedgerError, contradictions, read_parameter
from deployment_functions.model_fields import APPROVED, RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from operations.doctor.checks import Client

    from deployment_functions.ports import Ssm

CHECK: Final = "deployed"
PARTS: Final = ("Data", "Training", "Serving")
PARAMETER: Final = "AWS::SSM::Parameter"
ENDPOINT: Final = "AWS::SageMaker::Endpoint"
ENDPOINT_CONFIG: Final = "AWS::SageMaker::EndpointConfig"


@dataclass(frozen=True)
class Survey:
    """What a look at a deployed stage has found."""

    serves: bool
    """Whether there is a serving stack."""
    busy: str = ""
    """The stack of which an operation is under way, and its status; nothing else is known then."""
    endpoint_is_gone: bool = False
    endpoint_config: str | None = None
    """The endpoint config of the serving stack, if it is still there."""
    parameters_gone: tuple[str, ...] = ()
    """The names of parameters that a stack made, and of the approved model's record where nothing is left of it."""
    astray: tuple[str, ...] = ()
    """The names of a record's parameters that are missing or say another thing than the record."""
    mixed: tuple[str, ...] = ()
    """The fields that the parameter of what is in service tells otherwise of the approved model."""


@dataclass(frozen=True)
class Clients:
    """boto3's clients of a region."""

    cloudformation: Client
    ssm: Client
    sagemaker: Client
    ledger: Ledger = field(init=False, repr=False)
    stage: str

    def __post_init__(self) -> None:
        """Make the ledger of the stage."""
        object.__setattr__(self, "ledger", Ledger(cast("Ssm", self.ssm), parameters_prefix(self.stage)))

    def parameter(self, name: str) -> str | None:
        """Return a parameter's value, or None."""
        return read_parameter(cast("Ssm", self.ssm), name)


def survey(clients: Clients) -> Survey:
    """Look at what the stage's stacks made.

    Raises:
        BotoCoreError, ClientError: AWS could not be asked.
        LedgerError: a record is none.
    """
    made: dict[str, list[str]] = {}
    for part in PARTS:
        stack = f"{stack_prefix(clients.stage)}-{part}"
        status = _status(clients.cloudformation, stack)
        if status is not None and status.endswith("_IN_PROGRESS"):
            return Survey(serves=False, busy=f"{stack} is {status}")
        if status is not None:
            for kind, name in _resources(clients.cloudformation, stack):
                made.setdefault(kind, []).append(name)
    gone = [name for name in made.get(PARAMETER, []) if clients.parameter(name) is None]
    serves = _status(clients.cloudformation, serving_stack_name(clients.stage)) is not None
    approved = clients.ledger.read(APPROVED)
    if serves and approved is None:
        gone.append(clients.ledger.name(APPROVED, RECORD))
    in_service = clients.parameter(in_service_parameter(clients.stage))
    return Survey(
        serves=serves,
        endpoint_is_gone=bool(made.get(ENDPOINT)) and not _is_there(clients, endpoint_name(clients.stage)),
        endpoint_config=_config_name(clients.sagemaker, made.get(ENDPOINT_CONFIG, [])),
        parameters_gone=tuple(gone),
        astray=tuple(name for which in SETS for name in clients.ledger.astray(which)),
        mixed=tuple(contradictions(approved, json.loads(in_service))) if approved and in_service else (),
    )


def what_was_deployed_is_there(clients: Clients) -> Iterator[Answer]:
    """Name what is gone or astray of a deployed stage, each with the way back."""
    try:
        seen = survey(clients)
    except LedgerError as error:
        yield Answer(CHECK, "bad", f"{error}: approve the candidate, by {_command(clients, 'approve')}")
        return
    except (BotoCoreError, ClientError) as error:
        yield Answer(CHECK, "unknown", f"AWS could not be asked: {error}")
        return
    if seen.busy:
        yield Answer(CHECK, "unknown", f"{seen.busy}: ask again when it has ended")
        return
    faults = list(_faults(clients, seen))
    yield from faults or [
        Answer(CHECK, "good", "all is there" if seen.serves else "the stage has no serving stack yet")
    ]


def redeploy(stage: str) -> str:
    """Return the commands that make the serving stack anew, with another URL."""
    stack = serving_stack_name(stage)
    return f".venv/bin/cdk destroy -c stage={stage} {stack} && .venv/bin/cdk deploy -c stage={stage} {stack}"


def _faults(clients: Clients, seen: Survey) -> Iterator[Answer]:
    restore = _command(clients, "restore")
    if seen.endpoint_is_gone and seen.endpoint_config is not None:
        says = f"endpoint {endpoint_name(clients.stage)} is gone, though its stack is there: {restore}"
        yield Answer(CHECK, "bad", says)
    elif seen.endpoint_is_gone:
        says = f"endpoint {endpoint_name(clients.stage)} and its config are gone; the URL will be another one: "
        yield Answer(CHECK, "bad", says + redeploy(clients.stage))
    for name in seen.parameters_gone:
        yield Answer(CHECK, "bad", f"parameter {name} is gone, though its stack is there: {restore}")
    for name in seen.astray:
        yield Answer(CHECK, "bad", f"parameter {name} is gone or of another model than its record: {restore}")
    if seen.mixed:
        says = f"what is in service is a mix of two models: {', '.join(seen.mixed)} differ from the approved record: "
        stack = serving_stack_name(clients.stage)
        yield Answer(CHECK, "bad", f"{says}.venv/bin/cdk deploy -c stage={clients.stage} {stack}")


def _command(clients: Clients, name: str) -> str:
    return f".venv/bin/python -m operations.pipeline {name} --stage {clients.stage}"


def _status(cloudformation: Client, stack: str) -> str | None:
    try:
        stacks = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise
    [told] = cast("list[Mapping[str, str]]", stacks)
    return None if told["StackStatus"] == "DELETE_COMPLETE" else told["StackStatus"]


def _resources(cloudformation: Client, stack: str) -> Iterator[tuple[str, str]]:
    token: dict[str, str] = {}
    while True:
        page = cloudformation.list_stack_resources(StackName=stack, **token)
        for resource in cast("list[Mapping[str, str]]", page["StackResourceSummaries"]):
            if resource.get("PhysicalResourceId") and resource["ResourceStatus"] != "DELETE_COMPLETE":
                yield resource["ResourceType"], resource["PhysicalResourceId"]
        if not page.get("NextToken"):
            return
        token = {"NextToken": str(page["NextToken"])}


def _config_name(sagemaker: Client, arns: list[str]) -> str | None:
    # A stack knows the ARN, which is in lower case where the name is not.
    token: dict[str, str] = {}
    while arns:
        page = sagemaker.list_endpoint_configs(**token)
        for config in cast("list[Mapping[str, str]]", page["EndpointConfigs"]):
            if config["EndpointConfigArn"] in arns:
                return config["EndpointConfigName"]
        if not page.get("NextToken"):
            break
        token = {"NextToken": str(page["NextToken"])}
    return None


def _is_there(clients: Clients, endpoint: str) -> bool:
    try:
        clients.sagemaker.describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        if "Could not find" in error.response["Error"]["Message"]:
            return False
        raise
    return True
