from __future__ import annotations

import json

import pytest

from tests.unit.deployment.fakes import MACHINE, FakeSsm, FakeStepFunctions, custom_resource_event, model

from deployment_functions.deploy import training_gate
from deployment_functions.deploy.cloudformation import Callback, DeployError, Request
from deployment_functions.ledger import Ledger
from deployment_functions.model_fields import APPROVED, CANDIDATE, FIELDS, RECORDS
from deployment_functions.retrainings.retraining import ONLY_STOPS


def properties(
    definition: str = "d1", corpus: str = "c1", run_on_deploy: str = "true", approval: str = "automatic"
) -> dict[str, object]:
    return {
        "StateMachineArn": MACHINE,
        "Parameters": "/topic-model/dev",
        "CorpusHash": corpus,
        "DefinitionHash": definition,
        "RunOnDeploy": run_on_deploy,
        "Approval": approval,
    }


def request(kind: str, now: dict[str, object], before: dict[str, object] | None = None) -> Request:
    return Request.parse(custom_resource_event(kind, now, before))


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(FakeSsm(), "/topic-model/dev")


def test_a_first_deploy_starts_a_run_and_leaves_the_answer_to_its_end(ledger: Ledger) -> None:
    machine = FakeStepFunctions()

    done = training_gate.act(request("Create", properties()), ledger, machine)

    assert not done
    [(name, run_input)] = machine.started
    assert name.startswith("deploy-d1-")
    assert json.loads(run_input)["cloudformation"]["response_url"] == "http://127.0.0.1:9/answer"


def test_the_same_request_twice_is_the_same_run(ledger: Ledger) -> None:
    machine = FakeStepFunctions()

    training_gate.act(request("Create", properties()), ledger, machine)
    training_gate.act(request("Create", properties()), ledger, machine)

    assert machine.started[0] == machine.started[1]


@pytest.mark.parametrize("changed", [properties(definition="d2"), properties(corpus="c2")])
def test_a_changed_definition_or_corpus_trains_again(ledger: Ledger, changed: dict[str, object]) -> None:
    ledger.approve(model("first"))
    machine = FakeStepFunctions()

    training_gate.act(request("Update", changed, properties()), ledger, machine)

    assert len(machine.started) == 1


def test_going_back_to_the_model_in_service_after_a_failed_training_trains_nothing(ledger: Ledger) -> None:
    ledger.approve(model("first"))
    machine = FakeStepFunctions()

    done = training_gate.act(request("Update", properties(), properties(definition="d2")), ledger, machine)

    assert done
    assert machine.started == []


def test_a_candidate_that_waits_for_approval_is_not_trained_again(ledger: Ledger) -> None:
    ledger.approve(model("first"))
    ledger.write(CANDIDATE, model("second", definition="d2"))
    machine = FakeStepFunctions()

    wanted = properties(definition="d2", approval="manual")

    assert training_gate.act(request("Update", wanted, properties()), ledger, machine)
    assert machine.started == []
    assert ledger.read(APPROVED) == model("first")


def test_a_candidate_whose_rollout_failed_is_approved_again_when_it_is_asked_for_once_more(ledger: Ledger) -> None:
    ledger.approve(model("first"))
    ledger.write(CANDIDATE, model("second", definition="d2"))
    machine = FakeStepFunctions()

    assert training_gate.act(request("Update", properties(definition="d2"), properties("d3")), ledger, machine)
    assert machine.started == []
    assert ledger.read(APPROVED) == model("second", definition="d2")


def test_rolling_back_after_an_approved_training_approves_the_previous_model_again(ledger: Ledger) -> None:
    ledger.approve(model("first"))
    ledger.write(CANDIDATE, model("second", definition="d2"))
    ledger.approve(model("second", definition="d2"))
    machine = FakeStepFunctions()

    done = training_gate.act(request("Update", properties(), properties(definition="d2")), ledger, machine)

    assert done
    assert machine.started == []
    assert ledger.read(APPROVED) == model("first")


def test_a_stage_that_does_not_train_on_deploy_starts_nothing(ledger: Ledger) -> None:
    machine = FakeStepFunctions()

    assert training_gate.act(request("Create", properties(run_on_deploy="false")), ledger, machine)
    assert machine.started == []


@pytest.mark.parametrize("kind", ["Update", "Delete"])
def test_a_run_of_an_earlier_deploy_is_stopped_and_a_persons_run_is_not(ledger: Ledger, kind: str) -> None:
    machine = FakeStepFunctions("deploy-d2-abc", "by-hand")

    training_gate.act(request(kind, properties(), properties(definition="d2")), ledger, machine)

    assert machine.stopped == ["deploy-d2-abc"]


def test_destroying_forgets_every_model(ledger: Ledger) -> None:
    ledger.write(CANDIDATE, model("first"))
    ledger.approve(model("first"))

    training_gate.act(request("Delete", properties()), ledger, FakeStepFunctions())

    assert (ledger.read(CANDIDATE), ledger.read(APPROVED)) == (None, None)


JOB_FAILED = json.dumps(
    {
        "TrainingJobName": "topic-model-dev-deploy-d1-1",
        "TrainingJobStatus": "Failed",
        "FailureReason": "ClientError: mini_batch_size is 9000, more than the 40 documents",
    }
)


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        (
            {"status": "FAILED", "error": "States.TaskFailed", "cause": JOB_FAILED},
            "training job topic-model-dev-deploy-d1-1 failed: "
            "ClientError: mini_batch_size is 9000, more than the 40 documents",
        ),
        (
            {"status": "FAILED", "error": "SageMaker.ResourceLimitExceededException", "cause": "quota is 0"},
            "training pipeline run deploy-1 failed: SageMaker.ResourceLimitExceededException: quota is 0",
        ),
        (
            {"status": "FAILED", "error": "PipelineError", "cause": json.dumps({"errorMessage": "another run"})},
            "training pipeline run deploy-1 failed: another run",
        ),
        (
            {"status": "TIMED_OUT", "error": None, "cause": None},
            "training pipeline run deploy-1 timed out: no cause was given",
        ),
        (
            {"status": "ABORTED", "error": "Superseded", "cause": "a rollback"},
            "training pipeline run deploy-1 aborted: Superseded: a rollback",
        ),
    ],
)
def test_a_waiting_deploy_is_told_why_the_run_failed(
    monkeypatch: pytest.MonkeyPatch, ending: dict[str, object], reason: str
) -> None:
    said: list[str] = []
    monkeypatch.setattr(Callback, "fail", lambda self, reason: said.append(reason))

    training_gate.answer({"detail": {"name": "deploy-1", "input": _waiting(), **ending}}, None)

    assert said == [reason]


def test_a_waiting_deploy_is_told_that_the_run_succeeded(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(Callback, "succeed", lambda self: said.append(self.request_id))

    training_gate.answer({"detail": {"name": "deploy-1", "input": _waiting(), "status": "SUCCEEDED"}}, None)

    assert said == ["request-Create"]


def test_nobody_is_told_of_a_run_that_nobody_waits_for() -> None:
    training_gate.answer({"detail": {"name": "by-hand", "input": "{}", "status": "SUCCEEDED"}}, None)


def _waiting() -> str:
    return json.dumps({"cloudformation": request("Create", properties()).callback.as_json()})


RETRAINED = "topic-model-dev-retrain-c1-0123456789ab"
"""A job of a retraining that followed corpus c1."""


def test_going_back_to_a_corpus_that_a_retraining_has_followed_keeps_the_newer_model(ledger: Ledger) -> None:
    ledger.approve(model("deployed"))
    ledger.approve(model(RETRAINED, corpus="c2"))
    machine = FakeStepFunctions()

    done = training_gate.act(request("Update", properties(), properties(definition="d2")), ledger, machine)

    assert done
    assert machine.started == []
    assert ledger.read(APPROVED) == model(RETRAINED, corpus="c2")


def test_a_rollback_after_its_training_was_approved_restores_the_retrained_model(ledger: Ledger) -> None:
    ledger.approve(model(RETRAINED, corpus="c2"))
    ledger.approve(model("other", definition="d2"))

    done = training_gate.act(request("Update", properties(), properties(definition="d2")), ledger, FakeStepFunctions())

    assert done
    assert ledger.read(APPROVED) == model(RETRAINED, corpus="c2")


def test_a_deploy_of_another_corpus_than_the_one_that_was_followed_trains(ledger: Ledger) -> None:
    ledger.approve(model(RETRAINED, corpus="c2"))
    machine = FakeStepFunctions()

    assert not training_gate.act(request("Update", properties(corpus="c3"), properties()), ledger, machine)
    assert len(machine.started) == 1


def test_a_retrained_model_that_waits_for_approval_is_not_approved_by_a_deploy_of_what_it_followed(
    ledger: Ledger,
) -> None:
    ledger.approve(model("current", definition="d2"))
    ledger.write(CANDIDATE, model(RETRAINED, corpus="c2"))
    machine = FakeStepFunctions()

    assert not training_gate.act(request("Update", properties(), properties(definition="d2")), ledger, machine)
    assert ledger.read(APPROVED) == model("current", definition="d2")


def test_a_destroy_stops_the_runs_of_a_retraining_and_a_deploy_leaves_them_alone(ledger: Ledger) -> None:
    machine = FakeStepFunctions("retrain-c1-1", "persons")
    ledger.approve(model("current"))

    training_gate.act(request("Update", properties(), properties()), ledger, machine)
    assert machine.stopped == []

    training_gate.act(request("Delete", properties()), ledger, machine)
    assert machine.stopped == ["retrain-c1-1"]


KEEPS_RECORDS: dict[str, object] = {RECORDS: "model"}


def of_an_earlier_release(**sets: dict[str, str]) -> FakeSsm:
    ssm = FakeSsm()
    for which, fields in sets.items():
        Ledger(ssm, "/topic-model/dev").write(which, fields)
        del ssm.values[f"/topic-model/dev/{which}/model"]
    return ssm


@pytest.mark.parametrize("run_on_deploy", ["true", "false"])
def test_an_upgrade_seeds_the_record_and_neither_trains_nor_approves(run_on_deploy: str) -> None:
    # What the last deploy asked for is a candidate whose rollout failed: it shall not come back by an upgrade.
    ssm = of_an_earlier_release(candidate=model("failed", definition="d2"), approved=model("first"))
    machine = FakeStepFunctions()
    before = properties("d2", run_on_deploy=run_on_deploy)

    assert training_gate.act(
        request("Update", before | KEEPS_RECORDS, before), Ledger(ssm, "/topic-model/dev"), machine
    )

    assert machine.started == []
    assert ssm.values["/topic-model/dev/approved/model"].split(",") == [model("first")[field] for field in FIELDS]


def test_an_upgrade_that_also_asks_for_another_definition_seeds_and_trains() -> None:
    ssm, machine = of_an_earlier_release(approved=model("first")), FakeStepFunctions()
    now = properties("d2") | KEEPS_RECORDS

    assert not training_gate.act(request("Update", now, properties()), Ledger(ssm, "/topic-model/dev"), machine)

    assert len(machine.started) == 1
    assert "/topic-model/dev/approved/model" in ssm.values


def test_an_upgrade_that_finds_a_mix_of_two_models_fails_in_a_sentence_and_writes_nothing() -> None:
    ssm = of_an_earlier_release(candidate=model("second"), approved=model("first"))
    ssm.values["/topic-model/dev/approved/job_name"] = "second"
    before = dict(ssm.values)

    with pytest.raises(DeployError, match="is a mix of two: its job is second, as that of the candidate model, but"):
        training_gate.act(
            request("Update", properties() | KEEPS_RECORDS, properties()),
            Ledger(ssm, "/topic-model/dev"),
            FakeStepFunctions(),
        )

    assert ssm.values == before


def test_the_rollback_of_an_upgrade_changes_nothing() -> None:
    ssm, machine = of_an_earlier_release(approved=model("first")), FakeStepFunctions()
    before = dict(ssm.values)
    back = request("Update", properties("d2"), properties("d2") | KEEPS_RECORDS)

    assert training_gate.act(back, Ledger(ssm, "/topic-model/dev"), machine)

    assert machine.started == []
    assert ssm.values == before


@pytest.mark.parametrize(
    ("kind", "stopped"), [("Create", []), ("Update", []), ("Delete", ["deploy-d1-abc", "retrain-c1-1"])]
)
def test_the_resource_that_only_stops_runs_stops_them_when_it_is_deleted_and_forgets_no_model(
    ledger: Ledger, kind: str, stopped: list[str]
) -> None:
    machine = FakeStepFunctions("deploy-d1-abc", "retrain-c1-1", "by-hand")
    ledger.approve(model("first"))

    assert training_gate.act(request(kind, properties() | {ONLY_STOPS: "true"}, properties()), ledger, machine)

    assert (machine.started, machine.stopped) == ([], stopped)
    assert ledger.read(APPROVED) == model("first")
