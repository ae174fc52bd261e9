from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from botocore.exceptions import ClientError

from tests.unit.deployment.fakes import FakeSsm
from tests.unit.deployment.retraining_fakes import (
    GROUP,
    IN_SERVICE,
    NEW,
    OLD,
    PARAMETERS,
    FakeRegistry,
    made,
    stage_in_service,
)

from deployment_functions.ledger import Ledger
from deployment_functions.model_fields import APPROVED
from deployment_functions.ports import Stack
from deployment_functions.registry import Registry
from deployment_functions.retrainings.promotion import Settings, StackBusyError, begin, look
from deployment_functions.retrainings.retraining import RetrainingError

ROLE = "arn:aws:iam::111122223333:role/topic-model-dev-serving-eu-west-1"
SETTINGS = Settings("dev", "TopicModel-dev-Serving", ROLE, PARAMETERS, IN_SERVICE)
NAMES = ["ApprovedModel", "BootstrapVersion", "SomebodysOwn"]


class FakeStack:
    """The serving stack: in a state, with an answer to UpdateStack."""

    def __init__(self, status: str = "UPDATE_COMPLETE", *, refuses: str = "", reason: str = "") -> None:
        self.status, self.refuses, self.reason = status, refuses, reason
        self.updates: list[dict[str, object]] = []

    def describe_stacks(self, *, StackName: str) -> Mapping[str, list[Stack]]:
        assert StackName == "TopicModel-dev-Serving"
        parameters = [{"ParameterKey": name, "ParameterValue": f"/value/of/{name}"} for name in NAMES]
        return {"Stacks": [Stack(StackStatus=self.status, StackStatusReason=self.reason, Parameters=parameters)]}

    def update_stack(self, **request: object) -> object:
        if self.refuses:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": self.refuses}}, "UpdateStack")
        self.updates.append(request)
        return {}


def approved_and_served(served: str) -> FakeSsm:
    ssm = stage_in_service(made("old", OLD), newest=NEW)
    Ledger(ssm, PARAMETERS).approve(made("new", NEW))
    ssm.values[IN_SERVICE] = json.dumps({"model": served, "vocabulary": "v"})
    return ssm


def test_the_stack_is_updated_by_its_own_template_parameters_and_role() -> None:
    stack = FakeStack()

    step = begin(SETTINGS, stack, approved_and_served("old"), package="p")

    assert step == {"next": "wait", "package": "p"}
    assert stack.updates == [
        {
            "StackName": "TopicModel-dev-Serving",
            "UsePreviousTemplate": True,
            "Parameters": [{"ParameterKey": name, "UsePreviousValue": True} for name in NAMES],
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
            "RoleARN": ROLE,
        }
    ]


def test_a_stack_with_no_updates_to_be_performed_is_done() -> None:
    stack = FakeStack(refuses="No updates are to be performed.")

    step = begin(SETTINGS, stack, approved_and_served("new"), package="p")

    assert step["next"] == "tell"
    assert step["subject"] == "Topic model dev: a retrained model is in service"


def test_a_stack_that_is_being_deployed_is_waited_for() -> None:
    stack = FakeStack(refuses="Stack is in UPDATE_IN_PROGRESS state and can not be updated.")

    with pytest.raises(StackBusyError):
        begin(SETTINGS, stack, approved_and_served("old"), package="p")


def test_any_other_refusal_is_an_error() -> None:
    with pytest.raises(ClientError, match="not authorized"):
        begin(SETTINGS, FakeStack(refuses="not authorized"), approved_and_served("old"), package="p")


@pytest.mark.parametrize(
    ("status", "comes_next"),
    [
        ("UPDATE_IN_PROGRESS", "wait"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "wait"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "tell"),
        ("UPDATE_COMPLETE", "tell"),
        ("UPDATE_ROLLBACK_COMPLETE", "fail"),
        ("UPDATE_ROLLBACK_FAILED", "fail"),
    ],
)
def test_how_the_update_goes_is_told_by_the_stacks_status(status: str, comes_next: str) -> None:
    registry = Registry(FakeRegistry(), GROUP)

    step = look(SETTINGS, FakeStack(status), approved_and_served("new"), registry, package="")

    assert step["next"] == comes_next


def test_what_was_rolled_back_is_rejected_with_the_reason_and_told() -> None:
    versions = FakeRegistry()
    registry = Registry(versions, GROUP)
    package = registry.register(made("new", NEW), image="ntm:1", validation="x", status="Approved", because="")

    stack = FakeStack("UPDATE_ROLLBACK_COMPLETE", reason="an alarm rang")
    step = look(SETTINGS, stack, approved_and_served("old"), registry, package=package)

    assert step["subject"] == "Topic model dev: a promotion was rolled back"
    assert "ended UPDATE_ROLLBACK_COMPLETE: an alarm rang. The model in service stays." in step["message"]
    assert versions.versions[package]["ModelApprovalStatus"] == "Rejected"
    assert versions.versions[package]["ApprovalDescription"] == step["message"]


def test_an_update_that_serves_another_model_than_the_approved_one_is_no_promotion() -> None:
    registry = Registry(FakeRegistry(), GROUP)

    with pytest.raises(RetrainingError, match="serves old and not new"):
        look(SETTINGS, FakeStack("UPDATE_COMPLETE"), approved_and_served("old"), registry, package="")


def test_single_fields_that_a_throttle_left_astray_are_mended_before_the_previous_template_reads_them() -> None:
    ssm = approved_and_served("old")
    ssm.values[f"{PARAMETERS}/approved/vocabulary_hash"] = "another's"
    read_by_the_update: list[dict[str, str]] = []

    class ReadingStack(FakeStack):
        def update_stack(self, **request: object) -> object:
            read_by_the_update.append(Ledger(ssm, PARAMETERS).single_fields(APPROVED))
            return super().update_stack(**request)

    begin(SETTINGS, ReadingStack(), ssm, package="p")

    assert read_by_the_update == [made("new", NEW)]


def test_an_update_that_serves_a_mix_of_two_models_is_an_error_that_names_the_fields() -> None:
    ssm = approved_and_served("new")
    ssm.values[IN_SERVICE] = json.dumps({"model": "new", "vocabulary": "another's"})

    with pytest.raises(RetrainingError, match="serves a mix of two models: vocabulary_hash differ from new's"):
        look(SETTINGS, FakeStack(), ssm, Registry(FakeRegistry(), GROUP), package="")
