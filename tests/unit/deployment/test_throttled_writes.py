"""What is approved when SSM stops taking writes after any number of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from tests.unit.deployment.fakes import MACHINE, FakeSsm, FakeStepFunctions, custom_resource_event, model

from deployment_functions.deploy import approval_guard, training_gate
from deployment_functions.deploy.cloudformation import Request
from deployment_functions.ledger import Ledger, LedgerError
from deployment_functions.model_fields import APPROVED, CANDIDATE, FIELDS, PREVIOUS
from deployment_functions.pipeline import pipeline_record

PREFIX = "/topic-model/dev"
OLDEST, OLD, NEW = model("oldest", definition="d0"), model("old", definition="d1"), model("new", definition="d2")


def asks(definition: str) -> dict[str, object]:
    return {
        "StateMachineArn": MACHINE,
        "Parameters": PREFIX,
        "CorpusHash": "c1",
        "DefinitionHash": definition,
        "RunOnDeploy": "true",
        "Approval": "automatic",
    }


def update(to: dict[str, object], of: dict[str, object]) -> Request:
    return Request.parse(custom_resource_event("Update", to, of))


def record_new(ledger: Ledger) -> None:
    pipeline_record.record(ledger, NEW, approval="automatic")


def approve_new(ledger: Ledger) -> None:
    ledger.approve(NEW)


def guard_takes_back(ledger: Ledger) -> None:
    approval_guard.act(update({"Model": NEW}, {"Model": OLD}), ledger)


def gate_restores_previous(ledger: Ledger) -> None:
    training_gate.act(update(asks("d2"), asks("d1")), ledger, FakeStepFunctions())


def gate_takes_candidate(ledger: Ledger) -> None:
    training_gate.act(update(asks("d2"), asks("d1")), ledger, FakeStepFunctions())


def stage(**sets: dict[str, str]) -> FakeSsm:
    ssm = FakeSsm()
    for which, fields in sets.items():
        Ledger(ssm, PREFIX).write(which, fields)
    return ssm


def read_by_serving(ssm: FakeSsm) -> dict[str, str]:
    """What a deploy of the serving stack reads: the one parameter, and values by their places in it."""
    values = ssm.values[f"{PREFIX}/approved/model"].split(",")
    return {field: values[place] for place, field in enumerate(FIELDS)}


WRITERS = [
    pytest.param(record_new, {CANDIDATE: OLD, APPROVED: OLD, PREVIOUS: OLDEST}, id="pipeline records and approves"),
    pytest.param(approve_new, {CANDIDATE: NEW, APPROVED: OLD}, id="a person or a retraining approves"),
    pytest.param(guard_takes_back, {CANDIDATE: OLD, APPROVED: OLD}, id="a rollout is rolled back"),
    pytest.param(gate_restores_previous, {CANDIDATE: OLD, APPROVED: OLD, PREVIOUS: NEW}, id="a deploy is rolled back"),
    pytest.param(gate_takes_candidate, {CANDIDATE: NEW, APPROVED: OLD}, id="a deploy takes the candidate"),
]
Write = Callable[[Ledger], None]


def writes_of(write: Write, sets: dict[str, dict[str, str]]) -> int:
    ssm = stage(**sets)
    ssm.writes_left = many = 1000
    write(Ledger(ssm, PREFIX))
    return many - ssm.writes_left


@pytest.mark.parametrize(("write", "sets"), WRITERS)
def test_after_any_number_of_writes_serving_reads_one_model(write: Write, sets: dict[str, dict[str, str]]) -> None:
    writes = writes_of(write, sets)
    assert writes >= len(FIELDS) + 1
    for let_through in range(writes):
        ssm = stage(**sets)
        ssm.writes_left = let_through

        with pytest.raises(ClientError, match="Rate exceeded"):
            write(Ledger(ssm, PREFIX))

        assert read_by_serving(ssm) in (OLD, NEW), let_through
        for which in sets:
            assert Ledger(ssm, PREFIX).read(which) in (OLDEST, OLD, NEW), (let_through, which)


@pytest.mark.parametrize(("write", "sets"), WRITERS)
def test_the_next_try_after_any_number_of_writes_ends_as_if_none_had_failed(
    write: Write, sets: dict[str, dict[str, str]]
) -> None:
    for let_through in range(writes_of(write, sets)):
        ssm = stage(**sets)
        ssm.writes_left = let_through
        with pytest.raises(ClientError):
            write(Ledger(ssm, PREFIX))
        ssm.writes_left = -1
        ledger = Ledger(ssm, PREFIX)

        write(ledger)

        assert read_by_serving(ssm) == NEW
        assert ledger.astray(APPROVED) == []


def test_what_a_throttle_has_left_astray_is_named_and_mended() -> None:
    ssm = stage(approved=OLD)
    ssm.writes_left = 2
    ledger = Ledger(ssm, PREFIX)
    with pytest.raises(ClientError):
        ledger.write(APPROVED, NEW)
    ssm.writes_left = -1
    half_written = [f"{PREFIX}/approved/artifact_uri", f"{PREFIX}/approved/job_name"]

    assert ledger.astray(APPROVED) == half_written
    assert ledger.mend(APPROVED) == half_written
    assert ledger.single_fields(APPROVED) == OLD


def of_an_earlier_release(**sets: dict[str, str]) -> FakeSsm:
    ssm = stage(**sets)
    for which in sets:
        del ssm.values[f"{PREFIX}/{which}/model"]
    return ssm


def test_seeding_gives_each_set_of_an_earlier_release_its_record() -> None:
    ssm = of_an_earlier_release(candidate=NEW, approved=OLD, previous=OLDEST)

    Ledger(ssm, PREFIX).seed()

    assert read_by_serving(ssm) == OLD
    assert [Ledger(ssm, PREFIX).astray(which) for which in (CANDIDATE, APPROVED, PREVIOUS)] == [[], [], []]


def test_seeding_takes_the_single_fields_for_newer_than_a_record_from_before_a_downgrade() -> None:
    ssm = stage(approved=OLD)
    for field in FIELDS:
        ssm.values[f"{PREFIX}/approved/{field}"] = NEW[field]

    Ledger(ssm, PREFIX).seed()

    assert read_by_serving(ssm) == NEW


@pytest.mark.parametrize("fields_written", range(1, len(FIELDS)))
def test_a_mix_that_an_earlier_release_left_is_refused_and_not_made_a_record(fields_written: int) -> None:
    ssm = of_an_earlier_release(candidate=NEW, approved=OLD, previous=OLD)
    for field in FIELDS[:fields_written]:
        ssm.values[f"{PREFIX}/approved/{field}"] = NEW[field]
    if Ledger(ssm, PREFIX).single_fields(APPROVED) == NEW:
        return  # The fields that were not written are the same.

    with pytest.raises(LedgerError, match="is a mix of two"):
        Ledger(ssm, PREFIX).seed()

    assert f"{PREFIX}/approved/model" not in ssm.values


def test_a_mix_that_an_earlier_release_left_is_put_right_by_an_approval() -> None:
    ssm = of_an_earlier_release(candidate=NEW, approved=OLD, previous=OLD)
    ssm.values[f"{PREFIX}/approved/artifact_uri"] = NEW["artifact_uri"]
    ledger = Ledger(ssm, PREFIX)

    ledger.approve(NEW)
    ledger.seed()

    assert read_by_serving(ssm) == NEW
