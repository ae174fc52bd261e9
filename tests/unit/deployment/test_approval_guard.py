from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from tests.unit.deployment.fakes import FakeSsm, custom_resource_event, model

from deployment_functions.deploy import approval_guard
from deployment_functions.deploy.cloudformation import DeployError, Request
from deployment_functions.ledger import Ledger
from deployment_functions.model_fields import APPROVED

if TYPE_CHECKING:
    from deployment_functions.ports import Hosting

OLD, NEW, THIRD = model("old"), model("new"), model("third")


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(FakeSsm(), "/topic-model/dev")


def update(to: dict[str, str], *, of: dict[str, str]) -> Request:
    return Request.parse(custom_resource_event("Update", {"Model": to}, {"Model": of}))


def test_a_rollout_leaves_the_approval_as_it_is(ledger: Ledger) -> None:
    ledger.write(APPROVED, NEW)

    approval_guard.act(update(NEW, of=OLD), ledger)

    assert ledger.read(APPROVED) == NEW


def test_a_rolled_back_rollout_approves_the_model_it_goes_back_to(ledger: Ledger) -> None:
    ledger.write(APPROVED, NEW)

    approval_guard.act(update(OLD, of=NEW), ledger)

    assert ledger.read(APPROVED) == OLD


def test_a_model_that_was_approved_meanwhile_stays_approved(ledger: Ledger) -> None:
    ledger.write(APPROVED, THIRD)

    approval_guard.act(update(OLD, of=NEW), ledger)

    assert ledger.read(APPROVED) == THIRD


@pytest.mark.parametrize("kind", ["Create", "Delete"])
def test_creating_and_destroying_change_no_approval(ledger: Ledger, kind: str) -> None:
    ledger.write(APPROVED, NEW)

    approval_guard.act(Request.parse(custom_resource_event(kind, {"Model": OLD})), ledger)

    assert ledger.read(APPROVED) == NEW


class Serving:
    """SageMaker with one endpoint."""

    def __init__(self, config: str, **more: str) -> None:
        self._described = {"EndpointConfigName": config, **more}

    def describe_endpoint(self, *, EndpointName: str) -> dict[str, str]:
        assert EndpointName == "topic-model-dev"
        return self._described


def rolled_out(kind: str = "Update") -> Request:
    return Request.parse(custom_resource_event(kind, {"Endpoint": "topic-model-dev", "EndpointConfig": "new"}, {}))


def test_an_endpoint_that_serves_the_config_of_its_stack_is_rolled_out() -> None:
    assert approval_guard.require_rolled_out(rolled_out(), cast("Hosting", Serving("new")))


def test_a_rollout_that_sagemaker_took_back_fails_the_update_with_its_reason() -> None:
    serving = cast("Hosting", Serving("old", FailureReason="an alarm rang"))

    with pytest.raises(DeployError, match="topic-model-dev serves old, not new: an alarm rang"):
        approval_guard.require_rolled_out(rolled_out(), serving)


def test_destroying_asks_for_no_config() -> None:
    assert approval_guard.require_rolled_out(rolled_out("Delete"), cast("Hosting", Serving("old")))
