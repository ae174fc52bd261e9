"""Run a stage's training pipeline by hand, and approve what it made: `python -m training_scripts.pipeline`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Protocol

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from stacks.names import parameters_prefix, pipeline_name

from deployment_functions.ledger import Ledger
from deployment_functions.model_fields import CANDIDATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deployment_functions.ledger import Ssm

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


class Paginator(Protocol):
    """A list operation, page by page."""

    def paginate(self) -> Iterator[dict[str, list[dict[str, str]]]]:
        """Return the pages."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code: 0 done, 1 the training failed, 2 it could not be asked for."""
    parser = argparse.ArgumentParser(prog="python -m training_scripts.pipeline", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("run", "train on the stage's corpus and wait for the end"),
        ("approve", "approve the newest candidate, which the next deploy of the serving stack then takes"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--stage", required=True, help="as in cdk.json, for example dev")
    options = parser.parse_args(arguments)
    try:
        if options.command == "run":
            return run(boto3.client("stepfunctions"), options.stage)
        return approve(boto3.client("ssm"), options.stage)
    except (PipelineError, ClientError, BotoCoreError) as error:
        print(f"pipeline: {error}", file=sys.stderr)
        return 2


def run(client: StepFunctions, stage: str) -> int:
    """Start the stage's pipeline, show how it goes, and return 0 if it succeeded."""
    execution = client.start_execution(stateMachineArn=_state_machine_arn(client, stage), input="{}")["executionArn"]
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
        print(json.dumps(json.loads(state["output"])["model"]["value"], indent=2))
        return 0
    reason = state.get("cause") or "no cause was given"
    print(f"pipeline: {state.get('error') or state['status']}: {reason}", file=sys.stderr)
    return 1


def approve(client: Ssm, stage: str) -> int:
    """Approve the newest candidate and return 0.

    Raises:
        PipelineError: the stage has no candidate.
    """
    ledger = Ledger(client, parameters_prefix(stage))
    candidate = ledger.read(CANDIDATE)
    if candidate is None:
        raise PipelineError(f"stage {stage!r} has no trained model to approve: run its pipeline first")
    ledger.approve(candidate)
    print(f"approved {candidate['job_name']}; deploy the serving stack to roll it out", file=sys.stderr)
    return 0


def _state_machine_arn(client: StepFunctions, stage: str) -> str:
    name = pipeline_name(stage)
    for page in client.get_paginator("list_state_machines").paginate():
        for machine in page["stateMachines"]:
            if machine["name"] == name:
                return machine["stateMachineArn"]
    raise PipelineError(f"there is no state machine {name!r} in this account and region: deploy stage {stage!r} first")


if __name__ == "__main__":
    sys.exit(main())
