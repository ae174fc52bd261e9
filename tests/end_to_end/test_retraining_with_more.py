"""A stage that retrains, finds similar documents and transforms on a schedule, deployed by the role of its own.

Each fixture is a step, in order: the first deploy, one that fails and its repetition, retraining off and on again.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from stacks.shared.names import retraining_name
from tests.end_to_end.deployment import FOUR_TOPICS, SERVING, STAGE, Deployment, Run
from tests.end_to_end.retrainings import NEVER
from tests.local_cloud.support import until

from deployment_functions.model_fields import APPROVED, CANDIDATE

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow]

BESIDE = {"similar": {"store": "s3-vectors"}, "transform": {"schedule": "rate(365 days)", "instance_count": 1}}
ROLE = f"topic-model-{STAGE}-serving-us-east-1"
BOUNDARY = f"arn:aws:iam::000000000000:policy/topic-model-{STAGE}-serving-boundary-us-east-1"


def bounds(deployment: Deployment) -> set[str | None]:
    """The boundaries of the serving stack's roles."""
    iam = deployment.client("iam")
    names = [role["RoleName"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    own = [iam.get_role(RoleName=name)["Role"] for name in names if name.startswith(SERVING)]
    return {role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn") for role in own}


@pytest.fixture(scope="module")
def first(deployment: Deployment) -> Run:
    """The first deploy."""
    return deployment.deploy(retraining=NEVER, **BESIDE)


@pytest.fixture(scope="module")
def after_a_failure(deployment: Deployment, first: Run) -> tuple[Run, Run, list[str]]:
    """A deploy of another model that fails for a right, the same again when that is there, and what doctor says."""
    iam = deployment.client("iam")
    [policy] = [
        each["PolicyArn"]
        for each in iam.list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"]
        if "RoleState" in each["PolicyName"]
    ]
    changes = {"retraining": NEVER, **BESIDE, **FOUR_TOPICS, "rollout": {"max_server_errors": 6, "wait_s": 0}}
    iam.detach_role_policy(RoleName=ROLE, PolicyArn=policy)
    failed = deployment.deploy(**changes)
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=policy)
    again = deployment.deploy(**changes)
    said = deployment.command("operations.doctor", "--stage", STAGE).stdout.splitlines()
    return failed, again, [line for line in said if "  deployed: " in line]


@pytest.fixture(scope="module")
def off_and_on(deployment: Deployment, after_a_failure: object) -> list[tuple[Run, set[str | None]]]:
    """Retraining, and what is beside it, turned off, and on again; each with the boundaries of the roles after it."""
    runs = []
    for changes in ({}, {"retraining": NEVER, **BESIDE}):
        run = deployment.deploy(**FOUR_TOPICS, **changes)
        runs.append((run, bounds(deployment)))
    return runs


@pytest.fixture(scope="module")
def destroyed(deployment: Deployment, off_and_on: object) -> Run:
    """The end."""
    return deployment.destroy()


def test_the_role_makes_what_the_settings_put_into_the_stack(deployment: Deployment, first: Run) -> None:
    assert first.exit_code == 0, first.output
    assert bounds(deployment) == {BOUNDARY}
    assert deployment.outputs("Serving")["SimilarUrl"]


def fired(deployment: Deployment, machine: str) -> dict[str, Any]:
    """Let the rule that starts a state machine fire on its schedule; return what is told of the run, at its end."""
    events, states = deployment.client("events"), deployment.client("stepfunctions")
    [name] = events.list_rule_names_by_target(TargetArn=machine)["RuleNames"]
    rule = events.describe_rule(Name=name)
    asked = {key: rule[key] for key in ("Name", "Description", "State")}
    before = states.list_executions(stateMachineArn=machine)["executions"]
    # Older than a minute, it is due at once; the rule keeps its target, and the target its role.
    events.put_rule(**asked, ScheduleExpression="rate(1 minute)")
    try:
        until(lambda: len(states.list_executions(stateMachineArn=machine)["executions"]) > len(before), 90)
    finally:
        events.put_rule(**asked, ScheduleExpression=rule["ScheduleExpression"])
    return deployment.end_of(
        states.list_executions(stateMachineArn=machine)["executions"][0]["executionArn"], timeout_s=300
    )


def test_the_retrainings_schedule_starts_it_by_its_rules_own_role(deployment: Deployment, first: Run) -> None:
    run = fired(deployment, f"arn:aws:states:us-east-1:000000000000:stateMachine:{retraining_name(STAGE)}")

    assert run["status"] == "SUCCEEDED", run.get("cause")
    assert "message" in json.loads(run["output"])


def test_what_the_transforms_schedule_starts_runs_within_the_boundary(deployment: Deployment, first: Run) -> None:
    run = fired(deployment, deployment.outputs("Serving")["TransformStateMachineArn"])

    assert run["status"] == "SUCCEEDED", run.get("cause")
    assert len(json.loads(run["output"])["parts"]) == 3


def test_after_a_failed_rollout_the_next_deploy_says_which_model_it_keeps_and_doctor_which_waits(
    deployment: Deployment, after_a_failure: tuple[Run, Run, list[str]]
) -> None:
    failed, again, said = after_a_failure
    approved, candidate = (deployment.ledger().read(which) or {} for which in (APPROVED, CANDIDATE))

    assert (failed.exit_code, again.exit_code) == (1, 0), again.output
    assert approved["job_name"] != candidate["job_name"]
    assert f"ModelInService = {approved['job_name']}" in again.output
    assert any(candidate["job_name"] in line and "operations.pipeline approve" in line for line in said), said


def test_roles_leave_the_boundary_when_retraining_is_turned_off_and_are_in_it_when_it_is_on_again(
    off_and_on: list[tuple[Run, set[str | None]]],
) -> None:
    assert [run.exit_code for run, _ in off_and_on] == [0, 0], "\n".join(run.output for run, _ in off_and_on)
    assert [found for _, found in off_and_on] == [{None}, {BOUNDARY}]


def test_destroying_leaves_no_boundary(deployment: Deployment, destroyed: Run) -> None:
    assert destroyed.exit_code == 0, destroyed.output
    listed = deployment.client("iam").list_policies(Scope="Local")["Policies"]
    assert BOUNDARY not in [policy["Arn"] for policy in listed]
