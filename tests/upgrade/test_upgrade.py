"""What an earlier release deployed, and this one is deployed over: `-k dev` or another name runs one stage alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local_cloud.cloud import LocalCloud
from stacks.shared.names import endpoint_name, stack_prefix
from tests.end_to_end.deployment import ROOT, Answer, Deployment
from tests.end_to_end.retrainings import NEVER
from tests.upgrade.earlier import take_open_bundle, take_similar_asset

from deployment_functions.model_fields import APPROVED, CANDIDATE, FIELDS, RECORD

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow, pytest.mark.flaky(reruns=0)]

PARTS = ("Data", "Training", "Serving")
MADE_ANEW = {
    "AWS::Lambda::Version",
    "AWS::SageMaker::EndpointConfig",
    "AWS::SageMaker::Model",
    "Custom::CDKBucketDeployment",
}
"""Types whose resources an upgrade may replace: versions of code, and what an endpoint is updated to."""
MACHINE_LOGS = re.compile("(Training (Pipeline|Retraining)|Serving Transform)Logs[0-9A-F]{8}")
"""The log groups of state machines: only their names change."""


@dataclass(frozen=True)
class Stage:
    """A stage with its settings, and what of it an upgrade may change."""

    name: str = "dev"
    settings: dict[str, object] = field(default_factory=dict)
    prepare: Callable[[Path], None] = lambda _: None
    """Makes what a synth of the earlier tree needs."""
    candidate: bool = False
    """Whether a newer model waits for somebody's approval."""
    retrains: bool = False
    """Whether the upgrade trains: the code that `algorithm: open` takes along is part of its jobs."""


STAGES = {
    "dev": Stage(),
    "prod": Stage(name="prod", candidate=True),
    "similar": Stage(settings={"similar": {}}, prepare=take_similar_asset),
    # The serving stack's role of the earlier release lacks the rights for the second function, and is not held there.
    "retraining": Stage(settings={"retraining": NEVER, "similar": {}}, prepare=take_similar_asset),
    "open": Stage(settings={"algorithm": "open"}, prepare=take_open_bundle, retrains=True),
}


@dataclass(frozen=True)
class Seen:
    """What can be seen of a deployed stage."""

    url: str
    endpoint: dict[str, Any]
    scaling: list[dict[str, Any]]
    policies: list[dict[str, Any]]
    models: dict[str, dict[str, str] | None]
    imported: dict[str, str]
    """The exports that another stack imports, with their values."""
    exported: dict[str, str]
    resources: dict[str, str]
    """Physical ids by stack and logical id, of what an upgrade may not replace."""
    jobs: list[str]
    answer: Answer


@dataclass(frozen=True)
class Upgrade:
    """A stage before and after."""

    stage: Stage
    deployment: Deployment
    before: Seen
    after: Seen


def seen(deployment: Deployment) -> Seen:
    scaling, sagemaker = deployment.client("application-autoscaling"), deployment.client("sagemaker")
    endpoint = sagemaker.describe_endpoint(EndpointName=endpoint_name(deployment.stage))
    exports = exports_of(deployment)
    return Seen(
        url=deployment.url(),
        endpoint={name: endpoint[name] for name in ("EndpointArn", "CreationTime")},
        scaling=scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"],
        policies=scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"],
        models={which: deployment.ledger().read(which) for which in (APPROVED, CANDIDATE)},
        imported={name: value for name, value in exports.items() if is_imported(deployment, name)},
        exported=exports,
        resources=resources_of(deployment),
        jobs=[job["TrainingJobName"] for job in sagemaker.list_training_jobs()["TrainingJobSummaries"]],
        answer=deployment.ask_documents("butter bread oven", "sail ship tide"),
    )


def exports_of(deployment: Deployment) -> dict[str, str]:
    return {item["Name"]: item["Value"] for item in deployment.client("cloudformation").list_exports()["Exports"]}


def is_imported(deployment: Deployment, name: str) -> bool:
    client = deployment.client("cloudformation")
    try:
        return bool(client.list_imports(ExportName=name)["Imports"])
    except client.exceptions.ClientError as error:
        if "is not imported by any stack" not in str(error):
            raise
        return False


def resources_of(deployment: Deployment) -> dict[str, str]:
    return {
        f"{part} {resource['LogicalResourceId']}": resource["PhysicalResourceId"]
        for part in PARTS
        for resource in deployment.client("cloudformation").describe_stack_resources(
            StackName=f"{stack_prefix(deployment.stage)}-{part}"
        )["StackResources"]
        if resource["ResourceType"] not in MADE_ANEW
    }  # fmt: skip


@pytest.fixture(scope="module", params=STAGES)
def upgrade(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, corpus: Path, earlier: Path
) -> Iterator[Upgrade]:
    """Deploy the earlier release and then this one into the same account."""
    stage, folder = STAGES[request.param], tmp_path_factory.mktemp(request.param)
    stage.prepare(earlier)
    with LocalCloud(home=folder / "home") as cloud:
        deployment = Deployment(cloud, folder, corpus, stage=stage.name)
        deployment.tree = earlier
        # Its roles lack what CloudFormation's handlers take; this tree's are held to it.
        with cloud.running.stack_roles_not_held():
            deploy(deployment, stage.settings)
        if stage.candidate:
            trained = deployment.command("operations.pipeline", "run", "--stage", stage.name)
            assert trained.returncode == 0, trained.stderr
        before = seen(deployment)
        deployment.tree = ROOT
        deploy(deployment, stage.settings)
        yield Upgrade(stage, deployment, before, seen(deployment))


def deploy(deployment: Deployment, settings: dict[str, object]) -> None:
    run = deployment.deploy(**settings)
    assert run.exit_code == 0, run.output


def test_function_url_and_endpoint_keep_their_addresses(upgrade: Upgrade) -> None:
    assert upgrade.after.url == upgrade.before.url
    assert upgrade.after.endpoint == upgrade.before.endpoint


def test_scaling_survives(upgrade: Upgrade) -> None:
    assert upgrade.before.scaling
    assert (upgrade.after.scaling, upgrade.after.policies) == (upgrade.before.scaling, upgrade.before.policies)


def test_approved_model_and_candidate_survive_unless_the_stage_trains(upgrade: Upgrade) -> None:
    before, after = upgrade.before.models, upgrade.after.models

    assert all(before.values())
    assert (before[APPROVED] != before[CANDIDATE]) is upgrade.stage.candidate
    assert (after != before) is upgrade.stage.retrains


def test_the_record_of_the_approved_model_is_made_from_its_single_fields(upgrade: Upgrade) -> None:
    model, ledger = upgrade.after.models[APPROVED], upgrade.deployment.ledger()
    recorded = upgrade.deployment.client("ssm").get_parameter(Name=ledger.name(APPROVED, RECORD))["Parameter"]

    assert recorded["Type"] == "StringList"
    assert model is not None
    assert recorded["Value"].split(",") == [model[name] for name in FIELDS]
    assert ledger.single_fields(APPROVED) == model


def test_no_export_in_use_is_removed_or_changed(upgrade: Upgrade) -> None:
    assert upgrade.before.imported
    assert upgrade.before.imported.items() <= upgrade.after.exported.items()


def test_nothing_that_holds_data_or_an_address_is_replaced(upgrade: Upgrade) -> None:
    kept = {name: each for name, each in upgrade.before.resources.items() if not MACHINE_LOGS.fullmatch(name)}

    assert kept.items() <= upgrade.after.resources.items()


def test_state_machines_log_under_vended_names_and_prod_keeps_the_earlier_log_groups(upgrade: Upgrade) -> None:
    renamed = [name for name in upgrade.before.resources if MACHINE_LOGS.fullmatch(name)]
    pages = upgrade.deployment.client("logs").get_paginator("describe_log_groups").paginate()
    groups = {group["logGroupName"] for page in pages for group in page["logGroups"]}

    assert len(renamed) == 2 + ("retraining" in upgrade.stage.settings)
    for name in renamed:
        assert upgrade.after.resources[name].startswith("/aws/vendedlogs/states/topic-model-")
        assert upgrade.after.resources[name] in groups
        assert (upgrade.before.resources[name] in groups) is (upgrade.stage.name == "prod")


def test_built_in_stages_do_not_train_again(upgrade: Upgrade) -> None:
    assert len(upgrade.after.jobs) == len(upgrade.before.jobs) + upgrade.stage.retrains


def test_the_url_answers_afterwards(upgrade: Upgrade) -> None:
    before, after = upgrade.before.answer, upgrade.after.answer

    assert (before.status, after.status) == (200, 200), after.body
    if not upgrade.stage.retrains:
        assert after.body == before.body
