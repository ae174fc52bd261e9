"""Batch transform of a deployed stage, and the page that shows what came out: two commands after the deploy."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from explore.vectors import load_topic_vectors
from tests.end_to_end.deployment import Deployment
from tests.local_cloud.support import until

if TYPE_CHECKING:
    from pathlib import Path

    from explore.vectors import TopicVectors

pytestmark = pytest.mark.local_cloud


@dataclass
class Made:
    """What the commands left."""

    folder: Path
    said: str
    vectors: TopicVectors


@pytest.fixture(scope="module")
def documents(small_corpus: Path) -> list[str]:
    """The options that name the corpus with its texts."""
    source = small_corpus.parent / "documents.jsonl"
    return [
        "--corpus", str(small_corpus), "--source", "jsonl", "--input", str(source), "--label-field", "label",
        "--id-field", "id",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def made(deployment: Deployment, documents: list[str], tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Deploy, transform, explore."""
    # Once a year: in this test it is started by hand, under the name that the rule would give it.
    deployed = deployment.deploy(transform={"schedule": "rate(365 days)"}, sweep={"max_jobs": 4})
    assert deployed.exit_code == 0, deployed.output
    folder = tmp_path_factory.mktemp("explored")
    vectors, model = folder / "vectors.parquet", folder / "model"
    said = call(deployment, "operations.transform", "--stage", "dev", "--out", str(vectors),
                "--model-out", str(model), *documents)  # fmt: skip
    call(
        deployment,
        "explore",
        "--vectors",
        str(vectors),
        "--model",
        str(model),
        "--out",
        str(folder / "page"),
        *documents,
    )
    return Made(folder, said, load_topic_vectors(vectors))


def machine_of(deployment: Deployment) -> str:
    """The transform's state machine, as the stack tells it."""
    return deployment.outputs("Serving")["TransformStateMachineArn"]


def call(deployment: Deployment, module: str, *arguments: str) -> str:
    done = deployment.command(module, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_document_has_a_vector_by_the_approved_model(made: Made, deployment: Deployment) -> None:
    assert made.vectors.weights.shape == (600, 3)
    assert made.vectors.model in deployment.served_artifact()
    assert "600 topic vectors of 3 topics" in made.said


def test_the_url_and_the_endpoint_give_the_same_numbers(
    made: Made, deployment: Deployment, documents: list[str]
) -> None:
    for name, way in (("url", ["--url", deployment.url()]), ("endpoint", ["--endpoint", "topic-model-dev"])):
        file = made.folder / f"{name}.parquet"
        call(deployment, "operations.score", *way, "--out", str(file), *documents)
        found = load_topic_vectors(file)
        assert (found.ids, found.model) == (made.vectors.ids, made.vectors.model)
        np.testing.assert_allclose(found.weights, made.vectors.weights, atol=1e-6)


@pytest.mark.slow
def test_a_name_of_ones_own_is_shown_by_the_url_the_command_and_the_page(
    made: Made, deployment: Deployment, documents: list[str]
) -> None:
    names, model = made.folder / "names.json", made.folder / "model"
    names.write_text(json.dumps({"model": made.vectors.model, "names": {"1": "My own name"}}))
    call(deployment, "operations.name_topics", str(names), "--stage", "dev", "--model", str(model))

    place = ("--url", deployment.url(), "--via", deployment.cloud.endpoint_url)

    def labels() -> list[str]:
        listed = call(deployment, "topics_client", *place, "--format", "json", "list").splitlines()
        return [json.loads(topic)["label"] for topic in listed]

    # An environment of the function that has read the topics reads them again within a minute.
    until(lambda: [label == "My own name" for label in labels()] == [False, True, False], timeout_s=120)
    vectors, page = str(made.folder / "vectors.parquet"), made.folder / "named"
    call(deployment, "explore", "--vectors", vectors, "--model", str(model), "--out", str(page), *documents)
    assert '"label":"My own name"' in (page / "topics.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("form", ["jsonlines", "csv"])
def test_by_every_other_format_the_numbers_are_the_same(
    made: Made, deployment: Deployment, documents: list[str], form: str
) -> None:
    file = made.folder / f"{form}.parquet"
    call(deployment, "operations.transform", "--stage", "dev", "--out", str(file), "--format", form, *documents)

    found = load_topic_vectors(file)
    assert (found.ids, found.model) == (made.vectors.ids, made.vectors.model)
    np.testing.assert_allclose(found.weights, made.vectors.weights, atol=1e-6)


def test_what_the_schedule_starts_transforms_the_corpus_itself(
    made: Made, deployment: Deployment, small_corpus: Path
) -> None:
    states = deployment.client("stepfunctions")
    run = states.start_execution(
        stateMachineArn=machine_of(deployment), name=f"{uuid.uuid4()}_{uuid.uuid4()}", input="{}"
    )["executionArn"]
    assert deployment.end_of(run, timeout_s=180)["status"] == "SUCCEEDED"

    file = made.folder / "scheduled.parquet"
    call(deployment, "operations.transform", "--stage", "dev", "--scheduled", "--out", str(file),
         "--corpus", str(small_corpus))  # fmt: skip
    own = made.folder / "own.parquet"
    call(deployment, "operations.score", "--model", str(made.folder / "model"), "--out", str(own),
         "--corpus", str(small_corpus))  # fmt: skip
    found, expected = load_topic_vectors(file), load_topic_vectors(own)
    assert (found.ids, found.labels, found.model) == (expected.ids, expected.labels, made.vectors.model)
    np.testing.assert_allclose(found.weights, expected.weights, atol=1e-6)


@pytest.mark.slow
def test_a_sweep_by_the_stages_state_machine_is_scored_and_a_larger_one_refused(
    made: Made, deployment: Deployment, small_corpus: Path, tmp_path: Path
) -> None:
    given = ["--on", "pipeline", "--stage", "dev", "--corpus", str(small_corpus), "--out", str(tmp_path)]
    said = call(deployment, "operations.sweep", *given, "--vary", "num_topics=2,3")

    result = json.loads((tmp_path / "sweep.json").read_text())
    jobs = deployment.client("sagemaker").list_training_jobs(NameContains="-sweep-")["TrainingJobSummaries"]
    assert {job["TrainingJobName"] for job in jobs} == {name for each in result["points"] for name in each["models"]}
    assert {job["TrainingJobStatus"] for job in jobs} == {"Completed"}
    # Repeats were told apart, or their topics would be the same to the last word.
    assert all(0 < each["stability"] <= 1 for each in result["points"])
    seeds = {
        json.loads(file.read_text())["hyperparameters"]["seed"] for file in tmp_path.glob("jobs/*/model/model.json")
    }
    assert seeds == {"0", "1"}
    assert "Take num_topics=" in said

    refused = deployment.command("operations.sweep", *given, "--vary", "num_topics=2,3,4,5,6")
    assert refused.returncode == 2
    assert "the sweep is of 6 trainings" in refused.stderr
    assert "the budget of stage 'dev' is 4 trainings" in refused.stderr


def test_work_was_dealt_to_two_instances_and_its_output_is_encrypted_by_the_stages_key(
    made: Made, deployment: Deployment
) -> None:
    jobs = deployment.client("sagemaker").list_transform_jobs()["TransformJobSummaries"]
    job = min(jobs, key=lambda each: each["CreationTime"])
    told = deployment.client("sagemaker").describe_transform_job(TransformJobName=job["TransformJobName"])
    bucket, _, prefix = told["TransformOutput"]["S3OutputPath"].removeprefix("s3://").partition("/")
    objects = deployment.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]

    assert told["TransformResources"]["InstanceCount"] == 2
    assert len(objects) == 2
    for item in objects:
        head = deployment.client("s3").head_object(Bucket=bucket, Key=item["Key"])
        assert head["ServerSideEncryption"] == "aws:kms"
        assert head["SSEKMSKeyId"] in told["TransformOutput"]["KmsKeyId"]


def test_the_state_machine_is_found_by_the_stacks_output(made: Made, deployment: Deployment) -> None:
    runs = deployment.client("stepfunctions").list_executions(stateMachineArn=machine_of(deployment))["executions"]
    run = min(runs, key=lambda each: each["startDate"])
    output = json.loads(
        deployment.client("stepfunctions").describe_execution(executionArn=run["executionArn"])["output"]
    )

    assert run["status"] == "SUCCEEDED"
    assert (output["model"], output["corpus"]) == (made.vectors.model, made.vectors.corpus)


def test_the_page_and_its_figures_are_there(made: Made) -> None:
    names = {path.name for path in (made.folder / "page").iterdir()}

    assert {"topics.html", "map-topics.png", "map-labels.png", "topics.png", "labels.png", "groups.png"} <= names
