"""A stage that retrains, from its first deploy to its destruction; each fixture is a step, in this order."""

from __future__ import annotations

from pathlib import Path

import pytest

from stacks.shared.names import newest_corpus_parameter
from tests.end_to_end.account import left
from tests.end_to_end.deployment import SERVING, STAGE, Deployment, Run
from tests.end_to_end.retrainings import NEVER, Retraining, listen, prepare_split, retrain, upload
from training_scripts.corpus.manifest import CorpusManifest

from deployment_functions.model_fields import APPROVED, NOT_REPORTED
from deployment_functions.validation_loss import ValidationLoss

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow]

# Settings that add to what the serving stack declares.
RETRAINS = {
    "retraining": NEVER,
    "operations": {"tracing": True},
    "url": {"reserved_concurrency": 50},
}


@pytest.fixture(scope="module")
def small_corpus(split_corpus: Path) -> Path:
    """The corpus that the stage is first deployed with."""
    return split_corpus


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where newer corpora are prepared."""
    return tmp_path_factory.mktemp("newer")


@pytest.fixture(scope="module")
def first(deployment: Deployment) -> Run:
    """The first deploy; a queue listens to the topic from here on."""
    run = deployment.deploy(**RETRAINS)
    assert run.exit_code == 0, run.output
    listen(deployment)
    return run


@pytest.fixture(scope="module")
def nothing_new(deployment: Deployment, first: Run) -> Retraining:
    """A retraining when corpus and definition are those in service."""
    return retrain(deployment)


@pytest.fixture(scope="module")
def promoted(deployment: Deployment, nothing_new: Retraining, small_corpus: Path, folder: Path) -> Retraining:
    """A retraining on more documents, with the same validation data and vocabulary."""
    newer = prepare_split(folder, "more", "--vocabulary", str(small_corpus), new=600)
    done = upload(deployment, newer)
    assert done.returncode == 0, done.stderr
    return retrain(deployment)


@pytest.fixture(scope="module")
def worse(deployment: Deployment, promoted: Retraining, small_corpus: Path, folder: Path) -> Retraining:
    """A retraining on documents that have lost their themes: its loss on the same validation data is larger."""
    noise = prepare_split(folder, "noise", "--vocabulary", str(small_corpus), noise=True)
    done = upload(deployment, noise)
    assert done.returncode == 0, done.stderr
    return retrain(deployment)


@pytest.fixture(scope="module")
def again(deployment: Deployment, worse: Retraining) -> Retraining:
    """A retraining when the newest corpus gave a worse model already."""
    return retrain(deployment)


@pytest.fixture(scope="module")
def undefined(deployment: Deployment, again: Retraining, small_corpus: Path, folder: Path) -> Retraining:
    """A retraining of a stage that an earlier version deployed: of the loss in service it recorded the number alone."""
    recorded = again.approved["validation_loss"]
    newest = prepare_split(folder, "newest", "--vocabulary", str(small_corpus), new=900)
    done = upload(deployment, newest)
    assert done.returncode == 0, done.stderr
    record_loss(deployment, str(ValidationLoss.read(recorded)))
    retraining = retrain(deployment)
    # As the serving stack knows it, and as a rollback puts it back.
    record_loss(deployment, recorded)
    return retraining


def record_loss(deployment: Deployment, text: str) -> None:
    """Write the loss of the approved model anew."""
    ledger = deployment.ledger()
    approved = ledger.read(APPROVED)
    assert approved is not None
    ledger.write(APPROVED, {**approved, "validation_loss": text})


@pytest.fixture(scope="module")
def other_vocabulary(deployment: Deployment, undefined: Retraining, folder: Path) -> Retraining:
    """A retraining on a corpus with another vocabulary, whose pointer somebody has moved by hand."""
    other = prepare_split(folder, "other", "--max-features", "20")
    refused = upload(deployment, other)
    assert refused.returncode == 2
    assert "deploy the new vocabulary" in refused.stderr
    manifest = CorpusManifest.load(other)
    bucket = next(
        name["Name"] for name in deployment.client("s3").list_buckets()["Buckets"] if "corpora" in name["Name"]
    )
    deployment.client("s3").put_object(
        Bucket=bucket, Key=f"corpora/{manifest.corpus_hash}/corpus.json", Body=manifest.encoded()
    )
    deployment.client("ssm").put_parameter(
        Name=newest_corpus_parameter(STAGE), Value=manifest.corpus_hash, Type="String", Overwrite=True
    )
    return retrain(deployment)


@pytest.fixture(scope="module")
def rolled_back(deployment: Deployment, other_vocabulary: Retraining) -> Retraining:
    """A retraining that finds an approved model which is not in service, and cannot be: its artifact is missing."""
    deployment.approve_without_artifact(other_vocabulary.approved)
    return retrain(deployment)


@pytest.fixture(scope="module")
def redeployed(deployment: Deployment, rolled_back: Retraining) -> tuple[Run, str]:
    """The first deploy's settings once more: its corpus is older than that of the model in service."""
    return deployment.deploy(**RETRAINS), deployment.served_artifact()


@pytest.fixture(scope="module")
def destroyed(deployment: Deployment, redeployed: tuple[Run, str]) -> Run:
    """The end."""
    return deployment.destroy()


def test_the_serving_stack_is_deployed_by_a_role_of_its_own(deployment: Deployment, first: Run) -> None:
    roles = {role["RoleName"]: role for role in deployment.client("iam").list_roles()["Roles"]}
    serving = [name for name in roles if name.startswith(f"{SERVING}-")]

    assert "topic-model-dev-serving-us-east-1" in roles
    assert serving
    for name in serving:
        told = deployment.client("iam").get_role(RoleName=name)["Role"]
        assert told["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("serving-boundary-us-east-1")


def test_a_retraining_with_nothing_new_is_skipped_with_its_reason(nothing_new: Retraining) -> None:
    assert nothing_new.status == "SUCCEEDED", nothing_new.cause
    assert "are those of the model in service" in nothing_new.output["message"]
    assert (len(nothing_new.training_runs), nothing_new.told, nothing_new.packages) == (1, [], [])


def test_a_better_model_goes_into_service_by_an_update_of_the_serving_stack(
    deployment: Deployment, nothing_new: Retraining, promoted: Retraining
) -> None:
    assert promoted.status == "SUCCEEDED", promoted.cause
    assert promoted.served == promoted.approved["artifact_uri"] != nothing_new.served
    new, old = (ValidationLoss.read(each.approved["validation_loss"]) for each in (promoted, nothing_new))
    assert new is not None
    assert old is not None
    assert new.value <= old.value
    assert new.definition == old.definition == "open-ntm-1 document_weight_words=150.0 prior_variance=1.0"
    [stack] = deployment.client("cloudformation").describe_stacks(StackName=SERVING)["Stacks"]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"


def test_the_promoted_model_is_an_approved_version_and_somebody_is_told(promoted: Retraining) -> None:
    assert promoted.packages == [(promoted.approved["job_name"], "Approved")]
    [(subject, message)] = promoted.told
    assert subject == "Topic model dev: a retrained model is in service"
    assert promoted.approved["job_name"] in message


def test_no_request_fails_while_a_model_is_promoted(promoted: Retraining) -> None:
    assert len(promoted.traffic.statuses) > 20
    assert promoted.traffic.problems == []


def test_clients_counts_keep_their_meaning(nothing_new: Retraining, promoted: Retraining) -> None:
    assert promoted.approved["vocabulary_hash"] == nothing_new.approved["vocabulary_hash"]
    assert promoted.approved["corpus_hash"] != nothing_new.approved["corpus_hash"]


def test_a_worse_model_leaves_the_old_one_in_service_and_tells_the_topic(
    promoted: Retraining, worse: Retraining
) -> None:
    assert worse.status == "SUCCEEDED", worse.cause
    assert (worse.approved, worse.served, worse.candidate) == (promoted.approved, promoted.served, promoted.candidate)
    assert NOT_REPORTED not in promoted.approved.values()
    [(subject, message)] = worse.told
    assert subject == "Topic model dev: the retrained model is worse"
    assert "on the same validation data: it is worse" in message
    assert [status for _, status in worse.packages] == ["Rejected", "Approved"]


def test_what_was_rejected_is_not_trained_again(worse: Retraining, again: Retraining) -> None:
    assert again.status == "SUCCEEDED", again.cause
    assert "was trained already, and rejected" in again.output["message"]
    assert again.training_runs == worse.training_runs


def test_losses_that_do_not_compare_leave_the_model_to_a_person_who_is_told_why(
    again: Retraining, undefined: Retraining
) -> None:
    assert undefined.status == "SUCCEEDED", undefined.cause
    [(subject, message)] = undefined.told
    assert subject == "Topic model dev: a retrained model waits for approval"
    assert f"what the loss of {again.approved['job_name']} measures was not recorded" in message
    assert f"{undefined.candidate['job_name']} waits: python -m operations.pipeline approve" in message
    assert [status for _, status in undefined.packages] == ["PendingManualApproval", "Rejected", "Approved"]
    assert undefined.served == again.served


def test_a_new_vocabulary_is_left_to_a_deploy_and_the_topic_told(
    undefined: Retraining, other_vocabulary: Retraining
) -> None:
    assert other_vocabulary.status == "SUCCEEDED", other_vocabulary.cause
    assert [subject for subject, _ in other_vocabulary.told] == [
        "Topic model dev: the newest corpus has another vocabulary"
    ]
    assert (other_vocabulary.training_runs, other_vocabulary.served) == (undefined.training_runs, undefined.served)


def test_a_promotion_that_fails_is_rolled_back_and_told_and_the_old_model_answers_throughout(
    other_vocabulary: Retraining, rolled_back: Retraining
) -> None:
    assert (rolled_back.status, rolled_back.cause.partition(":")[0]) == ("FAILED", "RolledBack")
    assert [subject for subject, _ in rolled_back.told] == ["Topic model dev: a promotion was rolled back"]
    assert (rolled_back.served, rolled_back.approved) == (other_vocabulary.served, other_vocabulary.approved)
    assert set(rolled_back.traffic.statuses) == {200}


def test_a_deploy_leaves_the_retrained_model_in_service(rolled_back: Retraining, redeployed: tuple[Run, str]) -> None:
    run, served = redeployed
    assert run.exit_code == 0, run.output
    assert served == rolled_back.served


def test_destroying_leaves_nothing_of_the_retraining_behind(deployment: Deployment, destroyed: Run) -> None:
    assert destroyed.exit_code == 0, destroyed.output
    assert left(deployment) == {}
