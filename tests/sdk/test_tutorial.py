"""AWS's NTM tutorial, as scripts of the SageMaker SDKs, with nothing but the exported variables of a local cloud.

1.72 is given no AWS_ENDPOINT_URL, as a boto3 of its time knows none: its requests go to AWS's own addresses.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from local_cloud import LocalCloud
from tests.sdk.conftest import SCRIPTS, result_of, run

pytestmark = [pytest.mark.sdk, pytest.mark.slow, pytest.mark.local_cloud]


@pytest.fixture(scope="module", params=["v1", "v2", "v3"])
def ran(
    request: pytest.FixtureRequest,
    cloud: LocalCloud,
    role: str,
    newsgroups: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> subprocess.CompletedProcess[str]:
    """The tutorial's script in the SDK's own environment."""
    version = request.param
    folder, environment = tmp_path_factory.mktemp(version), cloud.environment()
    if version == "v1":
        environment |= cloud.variables(proxied=True)
        environment = {name: value for name, value in environment.items() if "ENDPOINT_URL" not in name}
    script = SCRIPTS / f"tutorial_{version}.py"
    return run(version, script, role, folder, newsgroups, environment=environment, folder=folder)


@pytest.fixture(scope="module")
def result(ran: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return result_of(ran)


def transformed(path: Path) -> list[list[float]]:
    """The weights of every row of a transform job's output: JSON lines, or a JSON document for each request."""
    decoder, text, at, weights = json.JSONDecoder(), path.read_text(), 0, list[list[float]]()
    while at < len(text):
        told, at = decoder.raw_decode(text, at)
        weights += [item["topic_weights"] for item in told.get("predictions", [told])]
        at += text[at : at + 1] == "\n"
    return weights


def test_there_are_topic_weights_for_every_document(result: dict[str, Any], newsgroups: Path) -> None:
    topics = np.load(result["topics"])

    assert topics.shape == (len(np.load(newsgroups / "train.npy")), 20)
    assert topics.sum(axis=1) == pytest.approx(1, abs=1e-4)
    # They tell documents apart: no topic leads for most of them.
    assert np.bincount(topics.argmax(axis=1)).max() < len(topics) / 2


def test_batch_transform_leaves_the_same_weights_on_disk(result: dict[str, Any]) -> None:
    weights = np.array(transformed(Path(result["transformed"])))

    np.testing.assert_allclose(weights, np.load(result["topics"]), atol=1e-5)


def test_the_model_is_in_s3_and_no_endpoint_is_left(result: dict[str, Any]) -> None:
    assert result["model_data"].startswith("s3://")
    assert result["model_data"].endswith("/output/model.tar.gz")
    assert result["endpoints"] == []


def test_the_trainings_log_is_streamed_to_the_client(ran: subprocess.CompletedProcess[str]) -> None:
    assert "#quality_metric: host=algo-1" in ran.stdout + ran.stderr
