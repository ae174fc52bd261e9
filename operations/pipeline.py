"""Run a stage's pipeline, approve what it made, restore what was deleted: `python -m operations.pipeline`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Protocol, cast

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from operations.doctor.deployed import Clients
from operations.restore import RestoreError, restore
from stacks.settings import cdk_json
from stacks.settings.errors import SynthError
from stacks.shared.names import parameters_prefix, pipeline_name, registry_name, retraining_name
from training_scripts.os_errors import in_a_sentence

from deployment_functions.ledger import Ledger, LedgerError
from deployment_functions.model_fields import CANDIDATE
from deployment_functions.ports import SageMaker
from deployment_functions.registry import APPROVED, Registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from operations.doctor.checks import Client

    from deployment_functions.ports import Ssm

POLL_S = 5.0


class PipelineError(Exception):
    """What cannot be done, in one sentence."""


class StepFunctions(Protocol):
    """The operations of boto3's Step Functions client used here."""

    def start_execution(self, *, stateMachineArn: str, input: str) -> dict[str, str]:  # noqa: A002 (boto3's)
        """Start a run."""

    def describe_execution(self, *, executionArn: str) -> dict[str, str]:
        """Tell how a run is doing."""

    def get_paginator(self, operation_name: str) -> Paginator:
        """Return a list operation's pages."""


class RegistryClient(SageMaker, Protocol):
    """boto3's SageMaker client, as far as it tells which groups there are."""

    def list_model_package_groups(self, *, NameContains: str) -> dict[str, list[dict[str, str]]]:
        """List the groups whose name holds this."""


class Paginator(Protocol):
    """A list operation, page by page."""

    def paginate(self) -> Iterator[dict[str, list[dict[str, str]]]]:
        """Return the pages."""


@in_a_sentence("pipeline")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code: 0 done, 1 the training failed, 2 it could not be asked for."""
    parser = argparse.ArgumentParser(prog="python -m operations.pipeline", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("run", "train on the stage's corpus and wait for the end"),
        ("retrain", "retrain as the stage's schedule does, on the newest corpus, and wait for the end"),
        ("approve", "approve the newest candidate, which the next deploy of the serving stack then takes"),
        ("restore", "make again the endpoint and the parameters of a deployed stage that were deleted by hand"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--stage", required=True, help="as in cdk.json, for example dev")
        if name == "restore":
            command.add_argument("--settings", help="JSON file of settings that won over the stage's in the deploy")
    options = parser.parse_args(arguments)
    try:
        if options.command == "approve":
            return approve(boto3.client("ssm"), boto3.client("sagemaker"), options.stage)
        if options.command == "restore":
            return restore_deleted(options.stage, options.settings)
        return run(boto3.client("stepfunctions"), options.stage, retrains=options.command == "retrain")
    except (PipelineError, LedgerError, RestoreError, SynthError, ClientError, BotoCoreError) as error:
        print(f"pipeline: {error}", file=sys.stderr)
        return 2


def run(client: StepFunctions, stage: str, *, retrains: bool = False) -> int:
    """Start the stage's pipeline, or its retraining; show how it goes, and return 0 if it succeeded."""
    machine = _state_machine_arn(client, stage, retraining_name(stage) if retrains else pipeline_name(stage))
    execution = client.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
    print(f"started {execution}", file=sys.stderr)
    started = time.monotonic()
    while True:
        state = client.describe_execution(executionArn=execution)
        waited_s = time.monotonic() - started
        print(f"\r{state['status'].lower()}, {waited_s:.0f} s", end="", file=sys.stderr, flush=True)
        if state["status"] != "RUNNING":
            break
        time.sleep(POLL_S)
    print(file=sys.stderr)
    if state["status"] == "SUCCEEDED":
        output = json.loads(state["output"])
        print(output["message"] if retrains else json.dumps(output["model"]["value"], indent=2))
        return 0
    reason = state.get("cause") or "no cause was given"
    print(f"pipeline: {state.get('error') or state['status']}: {reason}", file=sys.stderr)
    return 1


def approve(client: Ssm, sagemaker: RegistryClient, stage: str) -> int:
    """Approve the newest candidate, and its version in the model registry if a retraining made it; return 0.

    Raises:
        PipelineError: the stage has no candidate.
    """
    ledger = Ledger(client, parameters_prefix(stage))
    candidate = ledger.read(CANDIDATE)
    if candidate is None:
        raise PipelineError(f"stage {stage!r} has no trained model to approve: run its pipeline first")
    ledger.approve(candidate)
    group = registry_name(stage)
    groups = sagemaker.list_model_package_groups(NameContains=group)["ModelPackageGroupSummaryList"]
    if any(known["ModelPackageGroupName"] == group for known in groups):
        registry = Registry(sagemaker, group)
        package = registry.newest()
        if package is not None and package["CustomerMetadataProperties"]["job_name"] == candidate["job_name"]:
            registry.settle(package["ModelPackageArn"], APPROVED, because="approved by a person")
    print(f"approved {candidate['job_name']}; deploy the serving stack to roll it out", file=sys.stderr)
    return 0


def restore_deleted(stage: str, settings: str | None) -> int:
    """Restore what was deleted by hand, and tell it; return 0."""
    stages = json.loads(cdk_json.FILE.read_text(encoding="utf-8"))["context"]["stages"]
    stage, chosen = cdk_json.load(stages, stage=stage, overrides=settings)
    cloudformation, ssm, sagemaker = (
        cast("Client", boto3.client(service)) for service in ("cloudformation", "ssm", "sagemaker")
    )
    clients = Clients(cloudformation, ssm, sagemaker, stage)
    restored = 0
    for restored, thing in enumerate(restore(clients, algorithm=chosen.algorithm), start=1):  # noqa: B007 (counted)
        print(f"restored {thing}")
    if not restored:
        print("nothing is missing")
    return 0


def _state_machine_arn(client: StepFunctions, stage: str, name: str) -> str:
    for page in client.get_paginator("list_state_machines").paginate():
        for machine in page["stateMachines"]:
            if machine["name"] == name:
                return machine["stateMachineArn"]
    raise PipelineError(f"there is no state machine {name!r} in this account and region: deploy stage {stage!r} first")


if __name__ == "__main__":
    sys.exit(main())
