from __future__ import annotations

import json

import pytest

from tests.unit.deployment.fakes import FakeSsm
from tests.unit.deployment.retraining_fakes import (
    GROUP,
    IN_SERVICE,
    LOSS_DEFINITION,
    NEW,
    OLD,
    PARAMETERS,
    FakeCorpora,
    FakeRegistry,
    made,
    manifest,
    stage_in_service,
)

from deployment_functions.ledger import Ledger
from deployment_functions.model_fields import APPROVED, CANDIDATE, NOT_REPORTED
from deployment_functions.registry import Registry
from deployment_functions.retrainings.retraining import RetrainingError, Step
from deployment_functions.retrainings.retraining_gate import Settings, judge

SERVED = made("served", OLD, loss=f"6.9 {LOSS_DEFINITION}")
OTHER_LOSS = "open-ntm-1 document_weight_words=0.0"
SAME_DATA = FakeCorpora(manifest(OLD), manifest(NEW))
OTHER_DATA = FakeCorpora(manifest(OLD), manifest(NEW, validation="y"))


class Stage:
    """A stage that serves a model, and what the gate left of it."""

    def __init__(self, served: dict[str, str] = SERVED) -> None:
        self.ssm = stage_in_service(served, newest=NEW)
        self.ledger = Ledger(self.ssm, PARAMETERS)
        self.registry = FakeRegistry()

    def judge(
        self,
        model: dict[str, str],
        *,
        corpora: FakeCorpora = SAME_DATA,
        approval: str = "automatic",
        max_increase: float = 0,
    ) -> Step:
        settings = Settings("dev", PARAMETERS, IN_SERVICE, "bucket", "corpora/", "ntm:1", approval, max_increase)
        return judge(settings, model, self.ssm, corpora, Registry(self.registry, GROUP))  # type: ignore[arg-type]

    def jobs(self) -> tuple[str, str | None]:
        """The jobs of the approved model and of the candidate."""
        approved, candidate = self.ledger.read(APPROVED), self.ledger.read(CANDIDATE)
        assert approved is not None
        return approved["job_name"], candidate["job_name"] if candidate else None


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize("loss", ["6.8", "6.9"])
def test_a_model_that_is_no_worse_is_approved_and_promoted(stage: Stage, loss: str) -> None:
    step = stage.judge(made("new", NEW, loss=f"{loss} {LOSS_DEFINITION}"))

    assert step["next"] == "promote"
    assert stage.jobs() == ("new", "new")
    assert stage.registry.statuses() == ["Approved"]
    assert step["package"] in stage.registry.versions


def test_a_worse_model_is_rejected_and_is_not_even_a_candidate(stage: Stage) -> None:
    step = stage.judge(made("new", NEW, loss=f"7.0 {LOSS_DEFINITION}"))

    assert step["next"] == "tell"
    assert step["subject"] == "Topic model dev: the retrained model is worse"
    assert stage.jobs() == ("served", None)
    assert stage.registry.statuses() == ["Rejected"]


@pytest.mark.parametrize(("max_increase", "comes_next"), [(1.5, "promote"), (1.4, "tell")])
def test_how_much_worse_a_model_may_be_is_the_stages_setting(
    stage: Stage, max_increase: float, comes_next: str
) -> None:
    assert stage.judge(made("new", NEW, loss=f"7.0 {LOSS_DEFINITION}"), max_increase=max_increase)["next"] == comes_next


@pytest.mark.parametrize(
    ("model", "corpora", "reason"),
    [
        (made("new", NEW, loss=f"1.0 {LOSS_DEFINITION}"), OTHER_DATA, "on other validation data"),
        (made("new", NEW, loss=f"1.0 {LOSS_DEFINITION}", vocabulary="w"), SAME_DATA, "by another vocabulary"),
        (made("new", NEW, loss=NOT_REPORTED), SAME_DATA, "there is nothing to compare"),
        (made("new", NEW, loss=f"1.0 {OTHER_LOSS}"), SAME_DATA, "they measure different things"),
        (made("new", NEW, loss="1.0"), SAME_DATA, "what the loss of new measures was not recorded"),
        (made("new", NEW, loss=f"1.0 {LOSS_DEFINITION}"), FakeCorpora(manifest(NEW)), "on other validation data"),
    ],
    ids=[
        "other validation data",
        "other vocabulary",
        "no loss",
        "another loss",
        "a loss without its definition",
        "the served model's corpus is gone",
    ],
)
def test_losses_that_say_nothing_of_one_another_are_left_to_a_person(
    stage: Stage, model: dict[str, str], corpora: FakeCorpora, reason: str
) -> None:
    step = stage.judge(model, corpora=corpora)

    assert (step["next"], step["subject"]) == ("tell", "Topic model dev: a retrained model waits for approval")
    assert reason in step["message"]
    assert "pipeline approve --stage dev" in step["message"]
    assert stage.jobs() == ("served", "new")
    assert stage.registry.statuses() == ["PendingManualApproval"]


def test_who_is_told_of_two_losses_that_measure_different_things_reads_both(stage: Stage) -> None:
    message = stage.judge(made("new", NEW, loss=f"1.0 {OTHER_LOSS}"))["message"]

    assert message.startswith(
        "new has validation loss 1, served in service 6.9, but they measure different things: "
        f"{OTHER_LOSS} and {LOSS_DEFINITION}. new waits"
    )


@pytest.mark.parametrize("new", ["1.0", "9.0", f"1.0 {LOSS_DEFINITION}", f"9.0 {LOSS_DEFINITION}"])
def test_with_a_model_in_service_of_which_only_the_number_was_recorded_nothing_is_compared(new: str) -> None:
    stage = Stage(made("served", OLD, loss="6.9"))

    step = stage.judge(made("new", NEW, loss=new))

    assert "measures was not recorded" in step["message"]
    assert stage.jobs() == ("served", "new")
    assert stage.registry.statuses() == ["PendingManualApproval"]


def test_two_corpora_without_validation_data_have_not_the_same(stage: Stage) -> None:
    bare = FakeCorpora(*({**manifest(each), "files": {}} for each in (OLD, NEW)))

    assert stage.judge(made("new", NEW, loss=f"1.0 {LOSS_DEFINITION}"), corpora=bare)["next"] == "tell"


def test_where_the_stage_does_not_promote_by_itself_a_better_model_waits(stage: Stage) -> None:
    assert stage.judge(made("new", NEW, loss=f"6.0 {LOSS_DEFINITION}"), approval="manual")["next"] == "tell"
    assert stage.jobs() == ("served", "new")
    assert stage.registry.statuses() == ["PendingManualApproval"]


def test_a_model_waits_where_another_was_approved_since(stage: Stage) -> None:
    stage.ledger.approve(made("somebodys", OLD))

    step = stage.judge(made("new", NEW, loss=f"1.0 {LOSS_DEFINITION}"))

    assert "another model was approved meanwhile" in step["message"]
    assert stage.jobs() == ("somebodys", "new")


def test_judging_twice_is_as_good_as_once(stage: Stage) -> None:
    stage.judge(made("new", NEW, loss=f"6.0 {LOSS_DEFINITION}"))
    again = stage.judge(made("new", NEW, loss=f"6.0 {LOSS_DEFINITION}"))

    assert again["next"] == "promote"
    assert stage.registry.statuses() == ["Approved"]


def test_what_is_registered_tells_the_model_its_artifact_and_its_validation_data(stage: Stage) -> None:
    model = made("new", NEW, loss=f"6.0 {LOSS_DEFINITION}")
    stage.judge(model)

    [version] = stage.registry.versions.values()
    told = version["CustomerMetadataProperties"]
    assert isinstance(told, dict)
    assert {name: told[name] for name in model} == model
    assert len(told["validation_data"]) == 64
    specification = json.dumps(version["InferenceSpecification"])
    assert model["artifact_uri"] in specification
    assert "ntm:1" in specification


def test_with_nothing_in_service_there_is_nothing_to_compare_with() -> None:
    stage = Stage()
    stage.ssm = FakeSsm()

    with pytest.raises(RetrainingError, match="nothing is in service"):
        stage.judge(made("new", NEW))
