from __future__ import annotations

from pathlib import Path

import pytest

from audit.assembly import Assembly, read
from audit.controls import Judge
from audit.flows import Flow, flows
from audit.limits import limits
from audit.statements import statements
from tests.audit.conftest import synthesized


@pytest.fixture(scope="module")
def retraining(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Prod with retraining on: its synth fails on any finding of a pack or rule that is not acknowledged."""
    return read(synthesized(tmp_path_factory.mktemp("retraining"), corpus_folder, retraining={}))


def seen(found: list[Flow]) -> set[tuple[str, str, str]]:
    """From whom, doing what, to whom."""
    return {(flow.source.name, flow.verb, flow.target.name) for flow in found}


def test_the_audit_draws_the_path_from_the_schedule_to_the_serving_stack(retraining: Assembly) -> None:
    assert {
        ("RetrainingSchedule", "invokes", "RetrainingStateMachine"),
        ("RetrainingStateMachine", "invokes", "RetrainingCheckFunction"),
        ("RetrainingStateMachine", "starts", "PipelineStateMachine"),
        ("RetrainingStateMachine", "invokes", "RetrainingGateFunction"),
        ("RetrainingGateFunction", "registers", "topic-model-prod"),
        ("RetrainingStateMachine", "invokes", "RetrainingPromoteFunction"),
        ("RetrainingPromoteFunction", "updates", "TopicModel-prod-Serving"),
        ("RetrainingStateMachine", "tells", "Alarms"),
    } <= seen(flows(retraining))


def test_the_audit_lists_what_the_promoter_and_the_stacks_own_role_may_do(retraining: Assembly) -> None:
    table = statements(retraining)
    rows = [" ".join(row.cells) for row in table.rows]

    assert any("cloudformation:UpdateStack" in row and "cloudformation:RoleArn" in row for row in rows)
    assert any("iam:CreateRole" in row and "iam:PermissionsBoundary" in row for row in rows)
    assert any("iam:PassRole" in row and "cloudformation.amazonaws.com" in row for row in rows)


def test_the_audit_says_what_iam_cannot_hold_an_update_to(retraining: Assembly, prod: Assembly) -> None:
    def said(assembly: Assembly) -> bool:
        return any("UpdateStack to the previous template" in row.cells[0] for row in limits(Judge(assembly)).rows)

    assert (said(retraining), said(prod)) == (True, False)
