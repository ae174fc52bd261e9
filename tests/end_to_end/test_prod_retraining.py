"""Stage prod, set to promote by itself, from its first deploy to its destruction; each fixture is a step, in order.

Its rollouts wait by the clock of the local cloud, which goes faster than the wall's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cloud.cloud import LocalCloud
from rules.log_groups import SHARED
from tests.end_to_end.account import found, retained
from tests.end_to_end.deployment import Deployment, Run
from tests.end_to_end.retrainings import NEVER, Retraining, listen, prepare_split, retrain, upload

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow]

STAGE = "prod"
SERVING = f"TopicModel-{STAGE}-Serving"
PROMOTES = {"retraining": NEVER, "approval": "automatic"}


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory, split_corpus: Path) -> Iterator[Deployment]:
    """A local cloud with nothing deployed yet."""
    folder = tmp_path_factory.mktemp("prod")
    with LocalCloud(home=folder / "home") as cloud:
        yield Deployment(cloud, folder, split_corpus, stage=STAGE)


@pytest.fixture(scope="module")
def first(prod: Deployment) -> Run:
    """The first deploy."""
    run = prod.deploy(**PROMOTES)
    assert run.exit_code == 0, run.output
    listen(prod)
    return run


@pytest.fixture(scope="module")
def promoted(
    prod: Deployment, first: Run, split_corpus: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Retraining]:
    """What was in service before, and a retraining on more documents."""
    newer = prepare_split(tmp_path_factory.mktemp("newer"), "more", "--vocabulary", str(split_corpus), new=600)
    before, done = prod.served_artifact(), upload(prod, newer)
    assert done.returncode == 0, done.stderr
    return before, retrain(prod)


@pytest.fixture(scope="module")
def worse(
    prod: Deployment, promoted: tuple[str, Retraining], split_corpus: Path, tmp_path_factory: pytest.TempPathFactory
) -> Retraining:
    """A retraining on documents that have lost their themes."""
    noise = prepare_split(tmp_path_factory.mktemp("noise"), "noise", "--vocabulary", str(split_corpus), noise=True)
    done = upload(prod, noise)
    assert done.returncode == 0, done.stderr
    return retrain(prod)


@pytest.fixture(scope="module")
def destroyed(prod: Deployment, worse: Retraining) -> tuple[Run, dict[str, list[str]]]:
    """The end, and what the templates had said outlives it."""
    promised = retained(prod)
    return prod.destroy(), promised


def test_a_better_model_goes_into_service_by_an_update_of_the_hardened_serving_stack(
    prod: Deployment, promoted: tuple[str, Retraining]
) -> None:
    before, retraining = promoted

    assert retraining.status == "SUCCEEDED", retraining.cause
    assert retraining.served == retraining.approved["artifact_uri"] != before
    [stack] = prod.client("cloudformation").describe_stacks(StackName=SERVING)["Stacks"]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"


def test_no_request_fails_while_the_canary_and_then_the_fleet_are_replaced(
    promoted: tuple[str, Retraining],
) -> None:
    _, retraining = promoted

    assert len(retraining.traffic.statuses) > 20
    assert retraining.traffic.problems == []


def test_the_promoted_model_is_an_approved_version_and_somebody_is_told(promoted: tuple[str, Retraining]) -> None:
    _, retraining = promoted

    assert retraining.packages == [(retraining.approved["job_name"], "Approved")]
    assert [subject for subject, _ in retraining.told] == ["Topic model prod: a retrained model is in service"]


def test_a_worse_model_fails_the_gate_and_never_reaches_the_endpoint(
    promoted: tuple[str, Retraining], worse: Retraining
) -> None:
    _, good = promoted

    assert worse.status == "SUCCEEDED", worse.cause
    assert (worse.approved, worse.served) == (good.approved, good.served)
    assert [subject for subject, _ in worse.told] == ["Topic model prod: the retrained model is worse"]
    assert [status for _, status in worse.packages] == ["Rejected", "Approved"]


def test_destroying_leaves_what_the_templates_retain_and_no_registered_model(
    prod: Deployment, destroyed: tuple[Run, dict[str, list[str]]]
) -> None:
    run, promised = destroyed
    assert run.exit_code == 0, run.output
    there = found(prod)
    # One an account and region, everybody's: no stack's to delete.
    there["AWS::Logs::LogGroup"] = [name for name in there["AWS::Logs::LogGroup"] if name not in SHARED]

    assert there == {kind: names for kind, names in promised.items() if kind != "AWS::S3::BucketPolicy"}
    sagemaker = prod.client("sagemaker")
    assert sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"] == []
    assert sagemaker.list_model_packages(ModelPackageType="Both")["ModelPackageSummaryList"] == []
