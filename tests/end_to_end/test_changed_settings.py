"""Settings that change what the data stack tells the others: one `cdk deploy --all` each, and a destroy at the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.deployment import Deployment, Run

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow]

BUCKET = "corpora-of-another-team"
OWN: dict[str, object] = {"kind": "own"}


@pytest.fixture(scope="module")
def deployed(deployment: Deployment) -> Run:
    """A stage in its own network that captures, with its corpus from a folder."""
    return deployment.deploy(network=OWN, capture={})


def model_in_service(deployment: Deployment) -> str:
    [told] = deployment.client("ssm").get_parameters(Names=["/topic-model/dev/in-service"])["Parameters"]
    return str(json.loads(told["Value"])["model"])


def subnets_of(deployment: Deployment, part: str) -> set[str]:
    """The subnets in which the functions of a stack are."""
    functions = deployment.client("lambda").list_functions()["Functions"]
    found: set[str] = set()
    for function in functions:
        if function["FunctionName"].startswith((f"TopicModel-dev-{part}-", "topic-model-dev-topics")):
            found |= set(function.get("VpcConfig", {}).get("SubnetIds", []))
    return found


def test_a_stage_in_its_own_network_is_deployed(deployment: Deployment, deployed: Run) -> None:
    assert deployed.exit_code == 0, deployed.output
    assert deployment.ask_documents("butter bread oven").status == 200


def test_capture_is_turned_off_by_one_deploy(deployment: Deployment, deployed: Run) -> None:
    served = model_in_service(deployment)

    run = deployment.deploy(network=OWN)

    assert run.exit_code == 0, run.output
    config = deployment.client("sagemaker").describe_endpoint(EndpointName="topic-model-dev")["EndpointConfigName"]
    told: dict[str, Any] = deployment.client("sagemaker").describe_endpoint_config(EndpointConfigName=config)
    assert "DataCaptureConfig" not in told
    assert model_in_service(deployment) == served


def test_another_cidr_takes_every_function_with_it(deployment: Deployment, deployed: Run) -> None:
    before = subnets_of(deployment, "Serving")

    run = deployment.deploy(network={**OWN, "cidr": "10.43.0.0/20"})

    assert run.exit_code == 0, run.output
    after = subnets_of(deployment, "Serving")
    assert after
    assert after.isdisjoint(before)
    assert deployment.ask_documents("butter bread oven").status == 200


def test_a_stage_leaves_its_network(deployment: Deployment, deployed: Run) -> None:
    run = deployment.deploy()

    assert run.exit_code == 0, run.output
    assert subnets_of(deployment, "Serving") == set()


def test_the_corpus_moves_to_a_bucket(deployment: Deployment, deployed: Run, small_corpus: Path) -> None:
    corpus_hash = str(json.loads((small_corpus / "corpus.json").read_text())["corpus_hash"])
    s3 = deployment.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for file in small_corpus.rglob("*"):
        if file.is_file():
            s3.upload_file(str(file), BUCKET, f"prepared/{corpus_hash}/{file.relative_to(small_corpus)}")

    run = deployment.deploy(corpus={"s3": {"bucket": BUCKET, "prefix": f"prepared/{corpus_hash}"}})

    assert run.exit_code == 0, run.output
    assert deployment.outputs("Data")["CorpusUri"].startswith(f"s3://{BUCKET}/prepared/")


def test_it_goes_back_into_a_network_and_is_destroyed_there(deployment: Deployment, deployed: Run) -> None:
    run = deployment.deploy(network=OWN)
    assert run.exit_code == 0, run.output

    destroyed = deployment.destroy()

    assert destroyed.exit_code == 0, destroyed.output
