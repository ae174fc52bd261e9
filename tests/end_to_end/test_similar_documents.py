"""Similar documents from a deployed stage: by the function's own index, and then by S3 Vectors."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from explore.vectors import load_topic_vectors
from tests.end_to_end.deployment import ROOT, Deployment

from similar_function.index import DocumentIndex
from similar_function.places import index_key

if TYPE_CHECKING:
    from explore.vectors import TopicVectors

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow]


@dataclass
class Deployed:
    """A stage with the function, and the topic vectors of its model."""

    deployment: Deployment
    file: Path
    vectors: TopicVectors

    def output(self, name: str) -> str:
        """An output of the serving stack."""
        return self.deployment.outputs("Serving")[name]

    def ask(self, method: str, query: str, body: bytes = b"") -> tuple[int, Any]:
        """Ask the function for similar documents by its URL."""
        url = self.deployment.cloud.function_url(self.output("SimilarUrl"))
        address, headers = url.signed(
            method, f"/similar{query}", body, {"Content-Type": "text/plain"}, self.deployment.cloud.variables()
        )
        request = urllib.request.Request(address, data=body or None, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def publish(self) -> None:
        """Publish the vectors."""
        done = self.deployment.command("operations.publish_similar", "--stage", "dev", "--vectors", str(self.file))
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def deployed(deployment: Deployment, small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """Deploy with the setting on, and let a batch transform compute the vectors."""
    assert (ROOT / "build" / "similar-asset").is_dir(), "make similar-asset builds what the function needs"
    first = deployment.deploy(similar={})
    assert first.exit_code == 0, first.output
    file = tmp_path_factory.mktemp("vectors") / "vectors.parquet"
    source = small_corpus.parent / "documents.jsonl"
    done = deployment.command(
        "operations.transform", "--stage", "dev", "--out", str(file), "--corpus", str(small_corpus),
        "--source", "jsonl", "--input", str(source), "--label-field", "label", "--id-field", "id",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Deployed(deployment, file, load_topic_vectors(file))


def test_without_a_published_index_the_function_says_so(deployed: Deployed) -> None:
    status, problem = deployed.ask("GET", "?id=7")

    assert (status, problem["code"], problem["retry"]) == (503, "index_not_published", True)


def test_vectors_of_another_model_are_not_published(deployed: Deployed) -> None:
    other = DocumentIndex.build(
        deployed.vectors.weights, deployed.vectors.ids, deployed.vectors.labels, model="another-model", corpus="c"
    )
    # Put past the command, into the place of the model in service.
    deployed.deployment.client("s3").put_object(
        Bucket=deployed.output("SimilarIndexBucket"), Key=index_key(deployed.vectors.model), Body=other.to_bytes()
    )

    status, problem = deployed.ask("GET", "?id=7")

    assert (status, problem["code"]) == (503, "index_of_another_model")
    assert "another-model" in problem["detail"]


@pytest.fixture(scope="module")
def published(deployed: Deployed) -> Deployed:
    """The stage once its index is published."""
    deployed.publish()
    return deployed


def neighbours(deployed: Deployed, weights: np.ndarray, number: int) -> list[float]:
    """The distances of the nearest documents, by exact search."""
    roots = np.sqrt(deployed.vectors.weights)
    return sorted((np.linalg.norm(roots - np.sqrt(weights), axis=1) / np.sqrt(2)).tolist())[:number]


def check_answers(deployed: Deployed) -> None:
    """Ask by id and by a raw document, and compare with exact search."""
    place = deployed.vectors.ids.index("7")
    status, found = deployed.ask("GET", "?id=7&number=5")
    assert (status, found["model"]) == (200, deployed.vectors.model)
    assert "7" not in {one["id"] for one in found["similar"]}
    expected = neighbours(deployed, deployed.vectors.weights[place], 6)[1:]
    assert [one["distance"] for one in found["similar"]] == pytest.approx(expected, abs=2e-3)

    text = "butter bread oven onion soup salt pepper garlic cream flour"
    scored = deployed.deployment.ask_documents(text).body["predictions"][0]["topic_weights"]
    status, found = deployed.ask("POST", "?number=5", text.encode())
    assert status == 200, found
    expected = neighbours(deployed, np.array(scored, dtype=np.float32), 5)
    assert [one["distance"] for one in found["similar"]] == pytest.approx(expected, abs=2e-3)
    assert {one["label"] for one in found["similar"]} == {"kitchen"}

    status, problem = deployed.ask("GET", "?id=nobody")
    assert (status, problem["code"]) == (404, "unknown_document")


def test_the_function_finds_what_exact_search_finds(published: Deployed) -> None:
    check_answers(published)


def test_the_command_line_finds_it_too(published: Deployed) -> None:
    done = published.deployment.command(
        "topics_client", "--url", published.output("SimilarUrl"), "--via", published.deployment.cloud.endpoint_url,
        "--format", "csv", "similar", "--id", "7", "--number", "3",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    header, *rows = done.stdout.splitlines()
    assert header
    assert len(rows) == 3


@pytest.fixture(scope="module")
def in_s3_vectors(published: Deployed) -> Deployed:
    """The stage after it has been moved to S3 Vectors."""
    second = published.deployment.deploy(similar={"store": "s3-vectors"})
    assert second.exit_code == 0, second.output
    return published


def test_s3_vectors_finds_the_same(in_s3_vectors: Deployed) -> None:
    status, problem = in_s3_vectors.ask("GET", "?id=7")
    assert (status, problem["code"]) == (503, "index_not_published")

    in_s3_vectors.publish()

    until = time.monotonic() + 120
    while in_s3_vectors.ask("GET", "?id=7")[0] != 200 and time.monotonic() < until:
        time.sleep(0.5)
    check_answers(in_s3_vectors)


def test_the_stage_without_it_leaves_nothing_of_it(in_s3_vectors: Deployed) -> None:
    client, bucket = in_s3_vectors.deployment.client("s3vectors"), in_s3_vectors.output("SimilarVectorBucket")
    assert client.get_vector_bucket(vectorBucketName=bucket)["vectorBucket"]["vectorBucketName"] == bucket

    last = in_s3_vectors.deployment.deploy()

    assert last.exit_code == 0, last.output
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_vector_bucket(vectorBucketName=bucket)
