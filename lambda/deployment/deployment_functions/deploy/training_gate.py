"""The training that a deploy waits for: `start` begins it, `answer` tells CloudFormation how it ended."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import TYPE_CHECKING, Final

from deployment_functions import clients
from deployment_functions.deploy.cloudformation import Callback, DeployError, Request, serve
from deployment_functions.ledger import Ledger, LedgerError
from deployment_functions.model_fields import APPROVED, CANDIDATE, PREVIOUS, RECORDS
from deployment_functions.ports import running
from deployment_functions.retrainings.retraining import ONLY_STOPS, RETRAINING_RUN_PREFIX, has_followed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployment_functions.ports import StepFunctions

logger = logging.getLogger(__name__)

DEPLOY_RUN_PREFIX: Final = "deploy-"
"""Runs that a deploy started bear this name; runs that a person started are never stopped by a deploy."""
CALLBACK: Final = "cloudformation"
"""Where in a run's input the waiting deploy is named."""
ASKED: Final = ("CorpusHash", "DefinitionHash", "RunOnDeploy", "Approval")
"""The properties that say what is asked for."""


def start(event: Mapping[str, object], _context: object) -> None:
    """Answer CloudFormation's request, or start the run whose end answers it."""
    serve(
        event, lambda request: act(request, Ledger(clients.ssm(), request.text("Parameters")), clients.step_functions())
    )


def act(request: Request, ledger: Ledger, step_functions: StepFunctions) -> bool:
    """Do what the request asks; return whether it is done, or a run was started that will answer it."""
    machine = request.text("StateMachineArn")
    if ONLY_STOPS in request.properties:
        if request.kind == "Delete":
            stop_all(step_functions, machine)
        return True
    if request.kind == "Delete":
        stop_all(step_functions, machine)
        ledger.clear()
        return True
    # Whatever runs for an earlier request of this deploy runs in vain: it timed out or is being rolled back.
    cause = f"{request.kind} {request.callback.request_id} takes its place"
    stop_runs(step_functions, machine, (DEPLOY_RUN_PREFIX,), cause=cause)
    if request.kind == "Update" and changes_release(request, ledger):
        return True
    if request.text("RunOnDeploy") != "true" or take_trained(request, ledger):
        return True
    if restore_previous(request, ledger):
        return True
    run = f"{DEPLOY_RUN_PREFIX}{request.text('DefinitionHash')[:12]}-{_short(request.callback.request_id)}"
    step_functions.start_execution(
        stateMachineArn=machine, name=run, input=json.dumps({CALLBACK: request.callback.as_json()})
    )
    logger.info("started %s", run)
    return False


def changes_release(request: Request, ledger: Ledger) -> bool:
    """Seed the records in the first deploy of a release that keeps them; return whether nothing else is asked for.

    An upgrade, and its rollback, train nothing and approve nothing.

    Raises:
        DeployError: the fields that the earlier release wrote are of two models.
    """
    now, before = RECORDS in request.properties, RECORDS in request.old_properties
    if now and not before:
        # Until now the earlier release was in charge: what it wrote, field by field, is what is approved.
        try:
            ledger.seed()
        except LedgerError as error:
            raise DeployError(str(error)) from None
    return now != before and all(request.properties[name] == request.old_properties.get(name) for name in ASKED)


def take_trained(request: Request, ledger: Ledger) -> bool:
    """Tell whether the approved model, or the newest candidate, is what the request asks for: nothing is trained then.

    The approved one is, when a rollback sends the properties of the model that is in service still. The candidate is,
    when it waits for an approval, or when its rollout was rolled back and somebody asks for it once more: where the
    stage approves by itself, it is approved again.
    """
    if stands_for(ledger.read(APPROVED), request.properties):
        return True
    candidate = ledger.read(CANDIDATE)
    if candidate is None or not made_by(candidate, request.properties):
        return False
    if request.text("Approval") == "automatic":
        ledger.approve(candidate)
    return True


def restore_previous(request: Request, ledger: Ledger) -> bool:
    """Approve the previous model again if it is what the request asks for, in place of the one it asked for before.

    So it is when a deploy is rolled back after its training was approved: training the old model anew would take as
    long, and need not give the same one.
    """
    previous = ledger.read(PREVIOUS)
    if previous is None or not stands_for(previous, request.properties):
        return False
    if not stands_for(ledger.read(APPROVED), request.old_properties):
        return False
    ledger.restore(previous)
    return True


def stop_runs(step_functions: StepFunctions, machine: str, prefixes: tuple[str, ...], *, cause: str) -> None:
    """Stop every run of the pipeline whose name begins with one of `prefixes`."""
    for execution in running(step_functions, machine):
        if execution["name"].startswith(prefixes):
            step_functions.stop_execution(executionArn=execution["executionArn"], error="Superseded", cause=cause)


def stop_all(step_functions: StepFunctions, machine: str) -> None:
    """Stop what deploys and retrainings run, for the stack is being deleted."""
    prefixes = (DEPLOY_RUN_PREFIX, RETRAINING_RUN_PREFIX)
    stop_runs(step_functions, machine, prefixes, cause="the stack is being deleted")


def answer(event: Mapping[str, object], _context: object) -> None:
    """Tell the deploy that waits for a run, if one does, how the run ended."""
    detail = event["detail"]
    assert isinstance(detail, dict)  # noqa: S101 (the shape of an EventBridge event)
    waiting = json.loads(detail["input"] or "{}").get(CALLBACK)
    if waiting is None:
        return
    callback = Callback(**waiting)
    if detail["status"] == "SUCCEEDED":
        callback.succeed()
    else:
        callback.fail(failure_reason(detail))


def failure_reason(detail: Mapping[str, object]) -> str:
    """Return why a run ended without a model, in one sentence; the job's own reason if it was the job."""
    name, status = detail["name"], str(detail["status"]).lower().replace("_", " ")
    cause = str(detail.get("cause") or "")
    try:
        job = json.loads(cause)
    except ValueError:
        job = None
    if isinstance(job, dict) and "TrainingJobName" in job:
        return (
            f"training job {job['TrainingJobName']} {str(job.get('TrainingJobStatus', 'failed')).lower()}: "
            f"{job.get('FailureReason') or job.get('SecondaryStatus') or 'no reason was given'}"
        )
    if isinstance(job, dict) and "errorMessage" in job:
        return f"training pipeline run {name} {status}: {job['errorMessage']}"
    known = ": ".join(str(part) for part in (detail.get("error"), cause) if part)
    return f"training pipeline run {name} {status}: {known or 'no cause was given'}"


def made_by(model: Mapping[str, str], properties: Mapping[str, object]) -> bool:
    """Tell whether the model is of the corpus and the definition that the properties ask for."""
    return (model["definition_hash"], model["corpus_hash"]) == (properties["DefinitionHash"], properties["CorpusHash"])


def stands_for(model: Mapping[str, str] | None, properties: Mapping[str, object]) -> bool:
    """Tell whether the model is what the properties ask for, or what retrainings have made of that since.

    A rollback to these properties must neither train anew on the older corpus, nor take the newer model away.
    """
    if model is None or not properties:
        return False
    followed = has_followed(model, str(properties["CorpusHash"]))
    return made_by(model, properties) or (followed and model["definition_hash"] == properties["DefinitionHash"])


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
