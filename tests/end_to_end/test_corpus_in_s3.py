"""A service whose corpus somebody put into a bucket of their own, before there was a stack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stacks.shared.names import pipeline_name
from tests.end_to_end.deployment import TRAINING, Deployment, Run, trains

from deployment_functions.model_fields import APPROVED

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow]

BUCKET = "somebody-elses-corpora"
MACHINE = f"arn:aws:states:us-east-1:000000000000:stateMachine:{pipeline_name('dev')}"


@pytest.fixture(scope="module")
def corpus_hash(deployment: Deployment, small_corpus: Path) -> str:
    """The corpus's hash, after its files were put under it into a bucket."""
    found = str(json.loads((small_corpus / "corpus.json").read_text())["corpus_hash"])
    s3 = deployment.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for file in small_corpus.rglob("*"):
        if file.is_file():
            s3.upload_file(str(file), BUCKET, f"team/prepared/{found}/{file.relative_to(small_corpus)}")
    return found


@pytest.fixture(scope="module")
def deployed(deployment: Deployment, corpus_hash: str) -> Run:
    """A deploy that names the corpus, and has none on this machine."""
    return deployment.deploy(corpus={"s3": {"bucket": BUCKET, "prefix": f"team/prepared/{corpus_hash}"}})


def test_the_model_is_trained_on_the_corpus_that_is_named(
    deployment: Deployment, deployed: Run, corpus_hash: str
) -> None:
    assert deployed.exit_code == 0, deployed.output
    assert (deployment.ledger().read(APPROVED) or {})["corpus_hash"] == corpus_hash


def test_raw_text_is_counted_by_the_vocabulary_in_the_named_bucket(deployment: Deployment, deployed: Run) -> None:
    answer = deployment.ask_documents("butter bread oven", "sail ship tide")

    assert answer.status == 200
    kitchen, harbour = (prediction["topic_weights"] for prediction in answer.body["predictions"])
    assert kitchen.index(max(kitchen)) != harbour.index(max(harbour))


def test_of_two_runs_at_a_time_the_second_ends_with_a_sentence_that_names_the_first(
    deployment: Deployment, deployed: Run
) -> None:
    machine = deployment.client("stepfunctions")
    arns = [machine.start_execution(stateMachineArn=MACHINE, name=name)["executionArn"] for name in ("one", "two")]
    ended = [deployment.end_of(arn) for arn in arns]

    assert [run["status"] for run in ended] == ["SUCCEEDED", "FAILED"]
    assert "run one of the training pipeline is under way" in ended[1]["cause"]


def test_a_deploy_that_times_out_stops_its_run_and_its_job(
    deployment: Deployment, deployed: Run, corpus_hash: str
) -> None:
    assembly = deployment.synthesize(
        corpus={"s3": {"bucket": BUCKET, "prefix": f"team/prepared/{corpus_hash}"}},
        **trains(epochs=1_000_000, num_patience_epochs=1_000_001),
    )
    # The hour that a deploy waits, made shorter where CloudFormation reads it.
    template = assembly / f"{TRAINING}.template.json"
    template.write_text(template.read_text().replace('"ServiceTimeout": "3600"', '"ServiceTimeout": "10"'))

    run = deployment.deploy_assembly(assembly, TRAINING)

    assert run.exit_code != 0
    newest = deployment.client("stepfunctions").list_executions(stateMachineArn=MACHINE)["executions"][0]
    assert deployment.end_of(newest["executionArn"])["status"] == "ABORTED"
    jobs = deployment.client("sagemaker").list_training_jobs(SortBy="CreationTime", SortOrder="Descending")
    assert jobs["TrainingJobSummaries"][0]["TrainingJobStatus"] in {"Stopping", "Stopped"}
