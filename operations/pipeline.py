"""Run a stage's pipeline, tell and approve what it made, go back, restore: `python -m operations.pipeline`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from operations import model_status, stage_settings
from operations.command import add_settings, add_stage, command
from operations.errors import OperationError
from operations.ports import StepFunctions
from operations.restore import restore
from operations.rollback import roll_back
from operations.stage import DeployedStage
from stacks.shared.names import pipeline_name, registry_name, retraining_name
from training_scripts.command_line import Parser

from deployment_functions.model_fields import CANDIDATE
from deployment_functions.registry import APPROVED, Registry

POLL_S = 5.0


@command("pipeline")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code: 0 done, 1 the training failed, 2 it could not be asked for."""
    parser = Parser(prog="python -m operations.pipeline", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("run", "train on the stage's corpus and wait for the end"),
        ("retrain", "retrain as the stage's schedule does, on the newest corpus, and wait for the end"),
        ("approve", "approve the newest candidate, which the next deploy of the serving stack then takes"),
        ("status", "tell which models are in service, approved and waiting, and what the next deploy will do"),
        ("rollback", "take the model that was approved before into service again, and wait for the end"),
        ("restore", "make again the endpoint and the parameters of a deployed stage that were deleted by hand"),
    ):
        added = commands.add_parser(name, help=text, description=text)
        add_stage(added)
        if name in {"restore", "status"}:
            add_settings(added)
        if name == "rollback":
            added.add_argument(
                "--other-vocabulary", action="store_true", help="also to a model that counts other words"
            )
    options = parser.parse_args(arguments)
    if options.command == "restore":
        return restore_deleted(options.stage, options.settings)
    stage = DeployedStage(options.stage)
    if options.command == "status":
        chosen = stage_settings.chosen(options.settings, options.stage)
        for line in model_status.lines(model_status.models_of(stage), chosen, stage.name):
            print(line)
        return 0
    if options.command == "rollback":
        print(roll_back(stage, other_vocabulary=options.other_vocabulary))
        return 0
    if options.command == "approve":
        return approve(stage)
    return run(stage, retrains=options.command == "retrain")


def run(stage: DeployedStage, *, retrains: bool = False) -> int:
    """Start the stage's pipeline, or its retraining; show how it goes, and return 0 if it succeeded."""
    machine = stage.state_machine((retraining_name if retrains else pipeline_name)(stage.name))
    client: StepFunctions = stage.client("stepfunctions")
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


def approve(stage: DeployedStage) -> int:
    """Approve the newest candidate, and its version in the model registry if a retraining made it; return 0.

    Raises:
        OperationError: the stage has no candidate.
    """
    candidate = stage.ledger.read(CANDIDATE)
    if candidate is None:
        raise OperationError(f"stage {stage.name!r} has no trained model to approve: run its pipeline first")
    stage.ledger.approve(candidate)
    if stage.has_registry():
        registry = Registry(stage.client("sagemaker"), registry_name(stage.name))
        package = registry.newest()
        if package is not None and package["CustomerMetadataProperties"]["job_name"] == candidate["job_name"]:
            registry.settle(package["ModelPackageArn"], APPROVED, because="approved by a person")
    print(f"approved {candidate['job_name']}; deploy the serving stack to roll it out", file=sys.stderr)
    return 0


def restore_deleted(stage: str, settings: Path | None) -> int:
    """Restore what was deleted by hand, and tell it; return 0."""
    algorithm = stage_settings.chosen(settings, stage).algorithm
    restored = 0
    for restored, thing in enumerate(restore(DeployedStage(stage), algorithm=algorithm), start=1):  # noqa: B007 (counted)
        print(f"restored {thing}")
    if not restored:
        print("nothing is missing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
