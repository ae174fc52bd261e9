"""A stage with `algorithm: open`: trained by the code in a channel, served by the code in its model."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from explore.vectors import load_topic_vectors
from scripts import bundle
from tests.end_to_end.deployment import ROOT, Deployment, Run, trains
from tests.end_to_end.test_batch_transform import call
from training_scripts.script_mode import layout

from deployment_functions.model_fields import APPROVED
from deployment_functions.validation_loss import ValidationLoss

BUNDLE = ROOT / layout.DEFAULT_FOLDER / "cpu"

pytestmark = [
    pytest.mark.local_cloud,
    pytest.mark.slow,
    pytest.mark.skipif(not BUNDLE.exists(), reason=f"there is no bundle: `{layout.MAKE_COMMAND}` makes it"),
]

OPEN = {"algorithm": "open", "training": {**trains()["training"], "switches": {"seed": 5}}}


@pytest.fixture(scope="module")
def deployed(deployment: Deployment) -> Run:
    bundle.make(BUNDLE, processor="cpu", python_version=layout.CONTAINER_PYTHON)
    return deployment.deploy(**OPEN)


def test_the_stage_deploys_and_trains_on_two_instances(deployment: Deployment, deployed: Run) -> None:
    assert deployed.exit_code == 0, deployed.output
    [job] = deployment.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]
    told = deployment.client("sagemaker").describe_training_job(TrainingJobName=job["TrainingJobName"])

    assert told["TrainingJobStatus"] == "Completed"
    assert "/pytorch-training:2.8.0-cpu-py312" in told["AlgorithmSpecification"]["TrainingImage"]
    assert told["ResourceConfig"]["InstanceCount"] == 2
    assert told["EnableNetworkIsolation"] is True
    assert told["HyperParameters"]["seed"] == "5"


def test_the_loss_that_the_log_tells_is_recorded_of_the_model_with_what_it_measures(
    deployment: Deployment, deployed: Run
) -> None:
    loss = ValidationLoss.read((deployment.ledger().read(APPROVED) or {})["validation_loss"])

    assert loss is not None
    assert loss.value > 0
    assert loss.definition == "open-ntm-1 document_weight_words=150.0 prior_variance=4.0"


def test_the_artifact_holds_the_model_and_its_server(deployment: Deployment, deployed: Run) -> None:
    bucket, _, key = deployment.served_artifact().removeprefix("s3://").partition("/")
    content = io.BytesIO(deployment.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    with tarfile.open(fileobj=content) as archive:
        names = set(archive.getnames())

    assert {"model.json", "params.npz", "code/inference.py", "code/requirements.txt"} <= names
    assert any(name.startswith("code/wheels/numpy-") for name in names)


def test_the_url_answers_text_with_the_topics_of_the_model_that_it_names(deployment: Deployment, deployed: Run) -> None:
    answer = deployment.ask_documents("butter bread oven", "sail ship tide")

    assert answer.status == 200, answer.body
    kitchen, harbour = (prediction["topic_weights"] for prediction in answer.body["predictions"])
    assert kitchen.index(max(kitchen)) != harbour.index(max(harbour))
    assert answer.headers["x-model-version"] in deployment.served_artifact()


def test_batch_transform_gives_the_same_weights(
    deployment: Deployment, deployed: Run, small_corpus: Path, tmp_path: Path
) -> None:
    documents = [
        "--corpus", str(small_corpus), "--source", "jsonl", "--input", str(small_corpus.parent / "documents.jsonl"),
        "--label-field", "label", "--id-field", "id",
    ]  # fmt: skip
    transformed, asked = tmp_path / "transformed.parquet", tmp_path / "asked.parquet"
    call(deployment, "operations.transform", "--stage", "dev", "--out", str(transformed),
         "--model-out", str(tmp_path / "model"), *documents)  # fmt: skip
    call(deployment, "operations.score", "--url", deployment.url(), "--out", str(asked), *documents)

    np.testing.assert_allclose(load_topic_vectors(transformed).weights, load_topic_vectors(asked).weights, atol=1e-6)


def test_a_deploy_of_the_same_settings_trains_nothing(deployment: Deployment, deployed: Run) -> None:
    again = deployment.deploy(**OPEN)

    assert again.exit_code == 0, again.output
    assert len(deployment.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]) == 1
