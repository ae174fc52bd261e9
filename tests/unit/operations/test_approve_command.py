from __future__ import annotations

import pytest

from operations import pipeline
from operations.stage import DeployedStage
from tests.unit.deployment.fakes import FakeSsm, model
from tests.unit.deployment.retraining_fakes import GROUP, NEW, PARAMETERS, FakeRegistry, made

from deployment_functions.ledger import Ledger
from deployment_functions.model_fields import APPROVED, CANDIDATE
from deployment_functions.registry import PENDING, Registry


class Account(FakeRegistry):
    """A registry with the stage's group, or without one."""

    def __init__(self, *groups: str) -> None:
        super().__init__()
        self.groups = groups

    def list_model_package_groups(self, *, NameContains: str) -> dict[str, list[dict[str, str]]]:
        return {
            "ModelPackageGroupSummaryList": [
                {"ModelPackageGroupName": group} for group in self.groups if NameContains in group
            ]
        }


def with_candidate(candidate: dict[str, str]) -> FakeSsm:
    ssm = FakeSsm()
    Ledger(ssm, PARAMETERS).write(CANDIDATE, candidate)
    return ssm


def stage(ssm: FakeSsm, account: Account) -> DeployedStage:
    return DeployedStage("dev", {"ssm": ssm, "sagemaker": account}.__getitem__)


def test_approving_a_retrained_candidate_approves_its_version_in_the_registry() -> None:
    account, candidate = Account(f"{GROUP}-2", GROUP), made("new", NEW)
    Registry(account, GROUP).register(candidate, image="ntm:1", validation="x", status=PENDING, because="")
    ssm = with_candidate(candidate)

    assert pipeline.approve(stage(ssm, account)) == 0
    assert Ledger(ssm, PARAMETERS).read(APPROVED) == candidate
    assert account.statuses() == ["Approved"]


def test_approving_another_candidate_leaves_the_registry_alone() -> None:
    account = Account(GROUP)
    Registry(account, GROUP).register(made("older", NEW), image="i", validation="x", status="Rejected", because="")

    assert pipeline.approve(stage(with_candidate(model("deployed")), account)) == 0
    assert account.statuses() == ["Rejected"]


@pytest.mark.parametrize("groups", [(), (f"{GROUP}-2",)])
def test_a_stage_that_does_not_retrain_has_no_registry_to_ask(groups: tuple[str, ...]) -> None:
    ssm = with_candidate(model("deployed"))

    assert pipeline.approve(stage(ssm, Account(*groups))) == 0
    assert Ledger(ssm, PARAMETERS).read(APPROVED) == model("deployed")
