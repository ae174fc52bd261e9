from __future__ import annotations

import json

import pytest

from tests.unit.deployment.fakes import FakeSsm
from tests.unit.deployment.retraining_fakes import (
    GROUP,
    IN_SERVICE,
    NEW,
    NEWEST,
    OLD,
    PARAMETERS,
    FakeCorpora,
    FakeRegistry,
    made,
    manifest,
    stage_in_service,
)

from deployment_functions.ledger import Ledger
from deployment_functions.model_fields import CANDIDATE
from deployment_functions.ports import Status
from deployment_functions.registry import Registry
from deployment_functions.retrainings.retraining import RetrainingError, Step, has_followed
from deployment_functions.retrainings.retraining_check import Settings, check

SERVED = made("topic-model-dev-deploy-1", OLD)


def look(
    ssm: FakeSsm,
    *,
    corpora: FakeCorpora | None = None,
    registry: FakeRegistry | None = None,
    definition: str = "d1",
    approval: str = "automatic",
) -> Step:
    settings = Settings(
        "dev", PARAMETERS, NEWEST, IN_SERVICE, "bucket", "corpora/", OLD, definition, approval
    )  # fmt: skip
    return check(
        settings,
        ssm,
        corpora or FakeCorpora(manifest(OLD), manifest(NEW)),  # type: ignore[arg-type]
        Registry(registry or FakeRegistry(), GROUP),
        execution="monday",
    )


def test_a_newer_corpus_is_trained_on_by_a_run_that_tells_which_deployed_corpus_it_follows() -> None:
    step = look(stage_in_service(SERVED, newest=NEW))

    assert (step["next"], step["corpus_hash"]) == ("train", NEW)
    assert step["run"].startswith(f"retrain-{OLD[:12]}-")
    assert has_followed({"job_name": f"topic-model-dev-{step['run']}"}, OLD)


def test_the_run_of_one_execution_has_one_name_and_the_longest_stage_leaves_room_for_it() -> None:
    ssm = stage_in_service(SERVED, newest=NEW)

    assert look(ssm)["run"] == look(ssm)["run"]
    assert len(f"topic-model-{'s' * 12}-{look(ssm)['run']}") <= 63


def test_the_same_corpus_and_definition_are_skipped_with_the_reason() -> None:
    step = look(stage_in_service(SERVED, newest=OLD))

    assert step["next"] == "end"
    assert step["message"] == f"corpus {OLD} and the job's definition are those of the model in service"


def test_the_same_corpus_by_another_definition_is_trained() -> None:
    assert look(stage_in_service(SERVED, newest=OLD), definition="d2")["next"] == "train"


def test_a_corpus_with_another_vocabulary_is_left_to_a_deploy_and_told() -> None:
    corpora = FakeCorpora(manifest(OLD), manifest(NEW, vocabulary="w"))

    step = look(stage_in_service(SERVED, newest=NEW), corpora=corpora)

    assert step["next"] == "tell"
    assert step["subject"] == "Topic model dev: the newest corpus has another vocabulary"
    assert "deploy the new vocabulary" in step["message"]


def test_a_candidate_that_waits_for_an_approval_is_not_trained_again() -> None:
    ssm = stage_in_service(SERVED, newest=NEW)
    Ledger(ssm, PARAMETERS).write(CANDIDATE, made("waiting", NEW))

    step = look(ssm)

    assert (step["next"], step["message"]) == ("end", f"waiting of corpus {NEW} waits for an approval")


@pytest.mark.parametrize(("status", "comes_next"), [("Rejected", "end"), ("Approved", "train")])
def test_what_was_rejected_is_not_trained_again(status: Status, comes_next: str) -> None:
    registry = FakeRegistry()
    Registry(registry, GROUP).register(made("lost", NEW), image="ntm:1", validation="x", status=status, because="")

    assert look(stage_in_service(SERVED, newest=NEW), registry=registry)["next"] == comes_next


@pytest.mark.parametrize(("approval", "comes_next"), [("automatic", "promote"), ("manual", "end")])
def test_an_approved_model_that_is_not_in_service_comes_first(approval: str, comes_next: str) -> None:
    ssm = stage_in_service(SERVED, newest=NEW)
    Ledger(ssm, PARAMETERS).approve(made("approved", NEW))

    step = look(ssm, approval=approval)

    assert step["next"] == comes_next
    assert "approved is approved and" in step["message"]


def test_before_the_first_deploy_there_is_nothing_to_do() -> None:
    assert look(FakeSsm()) == {
        "next": "end", "message": "nothing is in service: the first model comes with a deploy",
    }  # fmt: skip


@pytest.mark.parametrize("newest", ["../../secrets", "", "A" * 64])
def test_a_pointer_that_names_no_corpus_is_refused(newest: str) -> None:
    with pytest.raises(RetrainingError, match="no hash of a corpus"):
        look(stage_in_service(SERVED, newest=newest))


def test_a_corpus_that_is_not_there_is_refused_by_its_place() -> None:
    with pytest.raises(RetrainingError, match=f"s3://bucket/corpora/{NEW}/corpus.json gave NoSuchKey"):
        look(stage_in_service(SERVED, newest=NEW), corpora=FakeCorpora(manifest(OLD)))


def test_a_mix_of_two_models_in_service_is_an_error_that_names_the_fields() -> None:
    ssm = stage_in_service(SERVED, newest=NEW)
    in_service = json.loads(ssm.values[IN_SERVICE])
    ssm.values[IN_SERVICE] = json.dumps({**in_service, "vocabulary": "another's"})

    with pytest.raises(RetrainingError, match="is a mix of two models: vocabulary_hash differ"):
        look(ssm)
