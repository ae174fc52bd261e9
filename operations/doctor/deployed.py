"""What of a deployed stage is gone though no stack deleted it, or says another thing than the rest; changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast

from botocore.exceptions import BotoCoreError, ClientError

from operations.doctor.checks import Answer
from operations.ports import Client
from operations.stage import PARTS, DeployedStage
from stacks.shared.names import endpoint_name, serving_stack_name

from deployment_functions.ledger import SETS, LedgerError, contradictions
from deployment_functions.model_fields import APPROVED, CANDIDATE, RECORD

CHECK: Final = "deployed"
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
    waiting: tuple[str, str] | None = None
    """The newest trained model, where it is not the approved one, and the approved one."""


def survey(stage: DeployedStage) -> Survey:
    """Look at what the stage's stacks made.

    Raises:
        BotoCoreError, ClientError: AWS could not be asked.
        LedgerError: a record is none.
    """
    made: dict[str, list[str]] = {}
    for part in PARTS:
        status = stage.status(part)
        if status is not None and status.endswith("_IN_PROGRESS"):
            return Survey(serves=False, busy=f"{stage.stack(part)} is {status}")
        if status is not None:
            for kind, name in stage.resources(part):
                made.setdefault(kind, []).append(name)
    gone = [name for name in made.get(PARAMETER, []) if stage.parameter(name) is None]
    serves = stage.status("Serving") is not None
    approved = stage.ledger.read(APPROVED)
    if serves and approved is None:
        gone.append(stage.ledger.name(APPROVED, RECORD))
    newest = stage.ledger.read(CANDIDATE)
    in_service = stage.in_service()
    return Survey(
        serves=serves,
        endpoint_is_gone=bool(made.get(ENDPOINT)) and not _is_there(stage, endpoint_name(stage.name)),
        endpoint_config=_config_name(stage.client("sagemaker"), made.get(ENDPOINT_CONFIG, [])),
        parameters_gone=tuple(gone),
        astray=tuple(name for which in SETS for name in stage.ledger.astray(which)),
        mixed=tuple(contradictions(approved, in_service)) if approved and in_service else (),
        waiting=(newest["job_name"], approved["job_name"])
        if newest and approved and newest["job_name"] != approved["job_name"]
        else None,
    )


def what_was_deployed_is_there(stage: DeployedStage) -> Iterator[Answer]:
    """Name what is gone or astray of a deployed stage, each with the way back."""
    try:
        seen = survey(stage)
    except LedgerError as error:
        yield Answer(CHECK, "bad", f"{error}: approve the candidate, by {_command(stage, 'approve')}")
        return
    except (BotoCoreError, ClientError) as error:
        yield Answer(CHECK, "unknown", f"AWS could not be asked: {error}")
        return
    if seen.busy:
        yield Answer(CHECK, "unknown", f"{seen.busy}: ask again when it has ended")
        return
    faults = list(_faults(stage, seen))
    yield from faults or [
        Answer(CHECK, "good", "all is there" if seen.serves else "the stage has no serving stack yet")
    ]
    if seen.serves and seen.waiting is not None:
        newest, approved = seen.waiting
        # After a rollout that was taken back this is so, and no deploy that follows would say so.
        yield Answer(
            CHECK,
            "good",
            f"model {newest} is not approved, or its rollout was taken back: a deploy keeps {approved}, until you "
            f"approve it, by {_command(stage, 'approve')}",
        )


def redeploy(stage: str) -> str:
    """Return the commands that make the serving stack anew, with another URL."""
    stack = serving_stack_name(stage)
    return f".venv/bin/cdk destroy -c stage={stage} {stack} && .venv/bin/cdk deploy -c stage={stage} {stack}"


def _faults(stage: DeployedStage, seen: Survey) -> Iterator[Answer]:
    restore = _command(stage, "restore")
    if seen.endpoint_is_gone and seen.endpoint_config is not None:
        says = f"endpoint {endpoint_name(stage.name)} is gone, though its stack is there: {restore}"
        yield Answer(CHECK, "bad", says)
    elif seen.endpoint_is_gone:
        says = f"endpoint {endpoint_name(stage.name)} and its config are gone; the URL will be another one: "
        yield Answer(CHECK, "bad", says + redeploy(stage.name))
    for name in seen.parameters_gone:
        yield Answer(CHECK, "bad", f"parameter {name} is gone, though its stack is there: {restore}")
    for name in seen.astray:
        yield Answer(CHECK, "bad", f"parameter {name} is gone or of another model than its record: {restore}")
    if seen.mixed:
        says = f"what is in service is a mix of two models: {', '.join(seen.mixed)} differ from the approved record: "
        stack = serving_stack_name(stage.name)
        yield Answer(CHECK, "bad", f"{says}.venv/bin/cdk deploy -c stage={stage.name} {stack}")


def _command(stage: DeployedStage, name: str) -> str:
    return f".venv/bin/python -m operations.pipeline {name} --stage {stage.name}"


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


def _is_there(stage: DeployedStage, endpoint: str) -> bool:
    try:
        stage.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        if "Could not find" in error.response["Error"]["Message"]:
            return False
        raise
    return True
