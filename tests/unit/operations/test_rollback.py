from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from operations.errors import OperationError
from operations.rollback import roll_back
from operations.stage import DeployedStage
from tests.unit.deployment.fakes import FakeSsm
from tests.unit.deployment.retraining_fakes import IN_SERVICE, NEW, OLD, PARAMETERS, made

from deployment_functions.ledger import Ledger
from deployment_functions.model_fields import APPROVED, PREVIOUS

NOW, BEFORE = made("new", NEW), made("old", OLD)


class Serving:
    """The serving stack: an update goes through the statuses given, and takes the approved model at the last one."""

    def __init__(self, ssm: FakeSsm, *ends: str, refuses: str = "") -> None:
        self.ssm, self.ends, self.refuses = ssm, list(ends), refuses
        self.status = "UPDATE_COMPLETE"
        self.updates: list[dict[str, Any]] = []

    def describe_stacks(self, *, StackName: str) -> Mapping[str, list[dict[str, Any]]]:
        assert StackName == "TopicModel-dev-Serving"
        if self.updates and self.ends:
            self.status = self.ends.pop(0)
            approved = Ledger(self.ssm, PARAMETERS).read(APPROVED)
            if self.status == "UPDATE_COMPLETE":
                self.ssm.values[IN_SERVICE] = json.dumps({"model": approved["job_name"] if approved else ""})
            if self.status == "UPDATE_ROLLBACK_COMPLETE":
                # What the approval guard does.
                Ledger(self.ssm, PARAMETERS).write(APPROVED, NOW)
        return {"Stacks": [{"StackStatus": self.status, "Parameters": [{"ParameterKey": "ApprovedModel"}]}]}

    def update_stack(self, **request: Any) -> None:
        if self.refuses:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": self.refuses}}, "UpdateStack")
        self.updates.append(request)


class Store:
    def __init__(self, *, is_empty: bool = False) -> None:
        self.is_empty = is_empty

    def head_object(self, *, Bucket: str, Key: str) -> None:
        if self.is_empty:
            raise ClientError({"Error": {"Code": "404", "Message": "Not Found"}}, "HeadObject")


class NoRegistry:
    def list_model_package_groups(self, *, NameContains: str) -> dict[str, list[dict[str, str]]]:
        return {"ModelPackageGroupSummaryList": []}


def world(*ends: str, previous: dict[str, str] | None = BEFORE, served: str = "new", refuses: str = "",
          is_empty: bool = False) -> tuple[DeployedStage, Serving, FakeSsm]:  # fmt: skip
    ssm = FakeSsm()
    ledger = Ledger(ssm, PARAMETERS)
    ledger.write(APPROVED, NOW)
    if previous is not None:
        ledger.write(PREVIOUS, previous)
    ssm.values[IN_SERVICE] = json.dumps({"model": served})
    serving = Serving(ssm, *ends, refuses=refuses)
    services = {"ssm": ssm, "cloudformation": serving, "s3": Store(is_empty=is_empty), "sagemaker": NoRegistry()}
    return DeployedStage("dev", services.__getitem__), serving, ssm


def record(ssm: FakeSsm) -> tuple[str, str]:
    approved, previous = (Ledger(ssm, PARAMETERS).read(which) for which in (APPROVED, PREVIOUS))
    assert approved is not None
    assert previous is not None
    return approved["job_name"], previous["job_name"]


def test_the_previous_model_goes_into_service_and_the_one_of_now_becomes_the_previous() -> None:
    stage, serving, ssm = world("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")

    assert roll_back(stage, pause=lambda _: None).startswith("old is in service")
    assert record(ssm) == ("old", "new")
    assert [update["UsePreviousTemplate"] for update in serving.updates] == [True]
    # The role that the stack has: whoever rolls back need not be allowed to pass one.
    assert "RoleARN" not in serving.updates[0]


def test_a_rollout_that_was_taken_back_leaves_the_record_as_it_was() -> None:
    stage, _, ssm = world("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE")

    with pytest.raises(OperationError, match="UPDATE_ROLLBACK_COMPLETE"):
        roll_back(stage, pause=lambda _: None)
    assert record(ssm) == ("new", "old")


def test_an_update_that_is_refused_leaves_the_record_as_it_was() -> None:
    stage, _, ssm = world(refuses="User is not authorized to perform: cloudformation:UpdateStack")

    with pytest.raises(OperationError, match="nothing was rolled back: .*not authorized"):
        roll_back(stage)
    assert record(ssm) == ("new", "old")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"previous": None}, "no previous model"),
        ({"previous": NOW}, "no previous model"),
        ({"served": "old"}, "new is approved and not in service"),
        ({"previous": made("old", OLD, vocabulary="another")}, "another vocabulary.*--other-vocabulary"),
        ({"is_empty": True}, "the artifact .* cannot be read"),
    ],
)
def test_what_cannot_be_taken_back_is_refused_before_anything_changes(changes: dict[str, Any], says: str) -> None:
    stage, serving, ssm = world(**changes)
    before = dict(ssm.values)

    with pytest.raises(OperationError, match=says):
        roll_back(stage)
    assert (ssm.values, serving.updates) == (before, [])


def test_another_vocabulary_is_taken_where_it_is_asked_for() -> None:
    stage, _, ssm = world("UPDATE_COMPLETE", previous=made("old", OLD, vocabulary="another"))

    roll_back(stage, other_vocabulary=True, pause=lambda _: None)
    assert record(ssm) == ("old", "new")


def test_a_stack_that_changes_is_waited_for_by_whoever_changes_it() -> None:
    stage, serving, _ = world()
    serving.status = "UPDATE_IN_PROGRESS"

    with pytest.raises(OperationError, match="is UPDATE_IN_PROGRESS"):
        roll_back(stage)
