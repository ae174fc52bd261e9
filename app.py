#!/usr/bin/env python3
"""The topic model service: reads the stage's settings, builds its three stacks."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk

from stacks.checks.policy_packs import hold_to_policies
from stacks.checks.remembered import Remembered
from stacks.checks.template_validation import validators
from stacks.data import corpus, open_bundle
from stacks.data.stack import DataStack
from stacks.serving.stack import ServingStack
from stacks.settings import cdk_json
from stacks.settings.errors import SynthError
from stacks.shared import regions
from stacks.shared.bucket_layout import LocalCorpus
from stacks.shared.names import STAGE_TAG, VALID_TEMPLATES, stack_prefix
from stacks.training.stack import TrainingStack
from training_scripts.command_line import in_a_sentence

if TYPE_CHECKING:
    from stacks.settings.stage import StageSettings

ROOT: Final = Path(__file__).parent


def build(app: cdk.App) -> tuple[str, StageSettings]:
    """Add the chosen stage's stacks to `app`; return its name and settings.

    Raises:
        SynthError: a setting is wrong, or there is no prepared corpus.
    """
    cdk_json.refuse_unknown(app.node.get_all_context())
    stage, chosen = cdk_json.load(
        app.node.try_get_context("stages"),
        stage=app.node.try_get_context("stage"),
        overrides=app.node.try_get_context("settings"),
    )
    if chosen.region is not None:
        regions.require(chosen.region, chosen)
    chosen = corpus.sized(chosen, root=ROOT)
    prepared = corpus.find(chosen, root=ROOT)
    if isinstance(prepared, LocalCorpus) and prepared.left_aside is not None:
        print(f"synth: {prepared.left_aside}", file=sys.stderr)
    bundle = open_bundle.find(chosen, root=ROOT)
    preparation_bundle = open_bundle.find_for_preparation(chosen, root=ROOT)
    name = stack_prefix(stage)
    # Without an account, one template serves every account and region.
    pinned = cdk.Environment(account=chosen.account, region=chosen.region) if chosen.account is not None else None
    data = DataStack(
        app,
        f"{name}-Data",
        stage=stage,
        settings=chosen,
        corpus=prepared,
        bundle=bundle,
        preparation_bundle=preparation_bundle,
        env=pinned,
        description=f"Topic model service, stage {stage}: key, buckets and corpus",
    )
    training = TrainingStack(
        app,
        f"{name}-Training",
        stage=stage,
        settings=chosen,
        values=data.values,
        env=pinned,
        description=f"Topic model service, stage {stage}: training pipeline and the model it made",
    )
    serving = ServingStack(
        app,
        f"{name}-Serving",
        stage=stage,
        settings=chosen,
        values=data.values,
        env=pinned,
        description=f"Topic model service, stage {stage}: endpoint and URL",
    )
    training.add_stack_dependency(data)
    serving.add_stack_dependency(training)
    for key, value in {**chosen.organisation.tags, STAGE_TAG: stage}.items():
        cdk.Tags.of(app).add(key, value)
    if chosen.organisation.names_roles:
        # Imported only where it is set.
        from stacks.shared.roles.role_conventions import hold_roles  # noqa: PLC0415

        hold_roles(app, stage, chosen.organisation)
    return stage, chosen


@in_a_sentence("synth", SynthError)
def main() -> int:
    """Synthesize; return the exit code."""
    # A synth lives for seconds, and what it makes lives as long: there is nothing to collect.
    gc.disable()
    # CDK's validator is given below, in a form that does not repeat itself.
    app = cdk.App(builtin_cloud_formation_validation=False)
    remembered = Remembered(ROOT / VALID_TEMPLATES)
    cdk.Validations.of(app).add_plugins(*validators(remembered))
    stage, chosen = build(app)
    hold_to_policies(app, stage=stage, hardened=chosen.hardened, remembered=remembered)
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
