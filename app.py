#!/usr/bin/env python3
"""The topic model service: reads the stage's settings, builds its three stacks."""

from __future__ import annotations

import sys
from pathlib import Path

import aws_cdk as cdk

from stacks import corpus, regions, settings
from stacks.data_stack import DataStack
from stacks.errors import SynthError
from stacks.names import stack_prefix
from stacks.serving_stack import ServingStack
from stacks.training_stack import TrainingStack

ROOT = Path(__file__).parent


def build(app: cdk.App) -> None:
    """Add the chosen stage's stacks to `app`.

    Raises:
        SynthError: a setting is wrong, or there is no prepared corpus.
    """
    stage, chosen = settings.load(
        app.node.try_get_context("stages"),
        stage=app.node.try_get_context("stage"),
        overrides=app.node.try_get_context("settings"),
    )
    if chosen.region is not None:
        regions.require_region(chosen.region)
    prepared = corpus.find(chosen, root=ROOT)
    name = stack_prefix(stage)
    data = DataStack(
        app,
        f"{name}-Data",
        settings=chosen,
        corpus=prepared,
        description=f"Topic model service, stage {stage}: key, buckets and corpus",
    )
    training = TrainingStack(
        app,
        f"{name}-Training",
        stage=stage,
        settings=chosen,
        data=data,
        description=f"Topic model service, stage {stage}: training pipeline and the model it made",
    )
    serving = ServingStack(
        app,
        f"{name}-Serving",
        stage=stage,
        settings=chosen,
        data=data,
        description=f"Topic model service, stage {stage}: endpoint and URL",
    )
    serving.add_stack_dependency(training)
    cdk.Tags.of(app).add("topic-model:stage", stage)


def main() -> int:
    """Synthesize; return the exit code."""
    app = cdk.App()
    try:
        build(app)
    except SynthError as error:
        print(f"synth: {error}", file=sys.stderr)
        return 2
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
