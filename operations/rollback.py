"""Takes a stage back to the model that was approved before, by the update of its serving stack that promotes one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from operations.errors import OperationError
from operations.stage import DeployedStage
from stacks.shared.names import in_service_parameter, parameters_prefix, registry_name

from deployment_functions.model_fields import APPROVED, PREVIOUS
from deployment_functions.registry import REJECTED, Registry
from deployment_functions.retrainings import promotion
from deployment_functions.retrainings.retraining import RetrainingError

POLL_S: Final = 5.0


def roll_back(
    stage: DeployedStage, *, other_vocabulary: bool = False, pause: Callable[[float], None] = time.sleep
) -> str:
    """Approve the previous model, roll it out and wait for the end; return what is in service then.

    The rollout is any deploy's: its alarms are watched, and take it back. Whatever fails, the record says again what it
    said before.

    Args:
        stage: the stage.
        other_vocabulary: take it also where it counts other words, so that clients' counts change their meaning.
        pause: waits so many seconds between two looks.

    Raises:
        OperationError: there is no previous model, it cannot be served, or the rollout was taken back.
    """
    approved, previous = stage.ledger.read(APPROVED), stage.ledger.read(PREVIOUS)
    _require_previous(stage, approved, previous, other_vocabulary=other_vocabulary)
    assert approved is not None  # noqa: S101 (required above)
    assert previous is not None  # noqa: S101 (required above)
    settings = promotion.Settings(
        stage=stage.name,
        serving_stack=stage.stack("Serving"),
        serving_role="",
        parameters=parameters_prefix(stage.name),
        in_service=in_service_parameter(stage.name),
    )
    cloudformation, ssm = stage.client("cloudformation"), stage.client("ssm")
    registry = Registry(stage.client("sagemaker"), registry_name(stage.name))
    stage.ledger.restore(previous)
    try:
        step = promotion.begin(settings, cloudformation, ssm, package="")
        while step.get("next") == "wait":
            pause(POLL_S)
            step = promotion.look(settings, cloudformation, ssm, registry, package="")
    except (promotion.StackBusyError, RetrainingError, BotoCoreError, ClientError) as error:
        _put_back(stage, approved, previous)
        raise OperationError(f"nothing was rolled back: {error}") from None
    if step.get("next") != "tell":
        _put_back(stage, approved, previous)
        raise OperationError(str(step.get("message")))
    _reject(stage, registry, approved["job_name"])
    return str(step.get("message"))


def _require_previous(
    stage: DeployedStage,
    approved: dict[str, str] | None,
    previous: dict[str, str] | None,
    *,
    other_vocabulary: bool,
) -> None:
    """Refuse what a promotion would refuse, too.

    Raises:
        OperationError: names what is in the way.
    """
    if approved is None or previous is None or previous["job_name"] == approved["job_name"]:
        raise OperationError(f"stage {stage.name!r} has no previous model: one step back is kept, and none was made")
    status = stage.status("Serving")
    if status is None or status.endswith("_IN_PROGRESS") or "FAILED" in status:
        raise OperationError(f"{stage.stack('Serving')} is {status or 'not deployed'}: a rollback needs it at rest")
    in_service = stage.in_service()
    if in_service is None or in_service["model"] != approved["job_name"]:
        raise OperationError(
            f"{approved['job_name']} is approved and not in service, so there is nothing to take back: deploy the "
            "serving stack, or approve the model that you want"
        )
    if previous["vocabulary_hash"] != approved["vocabulary_hash"] and not other_vocabulary:
        raise OperationError(
            f"{previous['job_name']} counts words by another vocabulary, so clients' counts would change their "
            "meaning: say --other-vocabulary if they send texts, or deploy its corpus"
        )
    bucket, _, key = previous["artifact_uri"].removeprefix("s3://").partition("/")
    try:
        stage.client("s3").head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        raise OperationError(f"the artifact {previous['artifact_uri']} cannot be read: {error}") from None


def _put_back(stage: DeployedStage, approved: dict[str, str], previous: dict[str, str]) -> None:
    now = stage.ledger.read(APPROVED)
    # A third one somebody has approved meanwhile, and it stays.
    if now is not None and now["job_name"] in {approved["job_name"], previous["job_name"]}:
        stage.ledger.write(APPROVED, approved)
        stage.ledger.write(PREVIOUS, previous)


def _reject(stage: DeployedStage, registry: Registry, job_name: str) -> None:
    """Let no retraining take the same model into service again."""
    if not stage.has_registry():
        return
    package = registry.newest()
    if package is not None and package["CustomerMetadataProperties"]["job_name"] == job_name:
        registry.settle(package["ModelPackageArn"], REJECTED, because="rolled back by a person")
