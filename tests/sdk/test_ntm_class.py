"""SDK v2's own NTM class and what people try beside it, with nothing but the exported variables of a local cloud."""

from __future__ import annotations

import io
import re
import tarfile
from typing import Any
from urllib.parse import urlsplit

import boto3
import numpy as np
import pytest

from local_cloud import LocalCloud
from tests.local_cloud.support import root_of
from tests.sdk.conftest import SCRIPTS, result_of, run

pytestmark = [pytest.mark.sdk, pytest.mark.slow, pytest.mark.local_cloud]


@pytest.fixture(scope="module")
def result(cloud: LocalCloud, role: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("ntm-class")
    return result_of(
        run("v2", SCRIPTS / "ntm_class_v2.py", role, folder, environment=cloud.environment(), folder=folder)
    )


def test_a_record_set_trains_with_layers_as_the_class_writes_them(result: dict[str, Any]) -> None:
    assert result["hyperparameters"]["encoder_layers"] == "[20, 10]"


def test_analytics_have_the_loss_that_the_algorithm_documents(result: dict[str, Any]) -> None:
    assert set(result["curve"]["metric_name"]) == {"validation:total_loss"}
    assert min(result["curve"]["value"]) > 0


def test_the_curve_in_cloudwatch_has_the_loss_of_every_epoch_as_the_log_has_it(result: dict[str, Any]) -> None:
    logged = [re.search(r"epoch=(\w+), validation total_loss <loss>=(\S+)", line) for line in result["logged"]]
    losses = [float(line[2]) for line in logged if line is not None]
    told = result["measured"]

    # The algorithm tells the loss of the model that it keeps once more.
    assert [line[1] for line in logged if line is not None] == ["1", "2", "3", "final"]
    assert sum(each["SampleCount"] for each in told) == len(losses)
    assert sum(each["Sum"] for each in told) == pytest.approx(sum(losses))
    # Epochs of one second are one point of its period; the first and the last hold the first and the last loss.
    assert told[0]["Minimum"] <= losses[0] <= told[0]["Maximum"]
    assert told[-1]["Minimum"] <= losses[-1] <= told[-1]["Maximum"]


def test_the_classes_predictor_reads_topic_weights_of_every_document(result: dict[str, Any]) -> None:
    assert [len(weights) for weights in result["records"]] == [3] * 5
    assert [sum(weights) for weights in result["records"]] == pytest.approx([1] * 5, abs=1e-5)


def test_a_transform_of_a_manifest_answers_in_records_beside_the_manifests_keys(result: dict[str, Any]) -> None:
    assert result["stored"] == ["transformed/matrix_0.pbr.out"]
    assert len(result["transformed"]) == 200
    np.testing.assert_allclose(result["transformed"][:5], result["records"], atol=1e-6)


def test_a_registered_model_is_deployed_by_its_package(result: dict[str, Any]) -> None:
    np.testing.assert_allclose(result["of_package"], result["records"], atol=1e-6)


def test_the_pytorch_estimators_code_comes_from_s3(result: dict[str, Any], cloud: LocalCloud) -> None:
    place = urlsplit(result["scripted"])
    s3 = boto3.client("s3", endpoint_url=cloud.endpoint_url, region_name="us-east-1", **root_of(cloud))
    stored = s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read()

    with tarfile.open(fileobj=io.BytesIO(stored)) as archive:
        content = archive.extractfile("greeting.txt")
        assert content is not None
        assert content.read() == b"good day"


def test_a_program_that_ends_without_a_word_still_has_a_reason(result: dict[str, Any]) -> None:
    status, reason = result["failed"]

    assert status == "Failed"
    assert reason.startswith("AlgorithmError: ")
    assert reason.endswith("exit code: 3")
