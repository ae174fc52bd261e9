"""The framework containers' accounts, repositories and tags against the SDK's own tables, read where they lie."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rules import aws_images
from rules.aws_images import FRAMEWORK_ACCOUNTS, REGISTRY_ACCOUNTS, Image
from training_scripts.script_mode.layout import CONTAINER_PYTHON

SDK = Path(__file__).parents[2] / ".venv-sdk-v2"
TABLES = "lib/python3*/site-packages/sagemaker/image_uri_config"

pytestmark = [
    pytest.mark.sdk,
    pytest.mark.skipif(not SDK.exists(), reason="there is no .venv-sdk-v2: `make test` makes it"),
]


def table(name: str) -> dict[str, dict[str, dict[str, object]]]:
    [file] = SDK.glob(f"{TABLES}/{name}.json")
    content: dict[str, dict[str, dict[str, object]]] = json.loads(file.read_text())
    return content


@pytest.mark.parametrize(
    ("scope", "version", "image"),
    [
        ("training", aws_images.TRAINING_VERSION, aws_images.OPEN_TRAINING["cpu"]),
        ("training", aws_images.TRAINING_VERSION, aws_images.OPEN_TRAINING["gpu"]),
        ("inference", aws_images.INFERENCE_VERSION, aws_images.OPEN_HOSTING),
    ],
    ids=["training on CPUs", "training on GPUs", "hosting"],
)
def test_the_sdk_knows_the_same_image_in_every_region_that_the_service_can_be_in(
    scope: str, version: str, image: Image
) -> None:
    known = table("pytorch")[scope]["versions"][version]

    assert isinstance(known, dict)
    assert known["repository"] == image.repository
    assert known["py_versions"] == [f"py{CONTAINER_PYTHON.replace('.', '')}"]
    accounts = {region: account for region, account in known["registries"].items() if region in REGISTRY_ACCOUNTS}
    assert accounts == image.accounts == FRAMEWORK_ACCOUNTS


def test_they_are_the_newest_that_the_sdk_knows() -> None:
    known = table("pytorch")

    assert list(known["training"]["versions"])[-1] == aws_images.TRAINING_VERSION
    assert list(known["inference"]["versions"])[-1] == aws_images.INFERENCE_VERSION


def test_the_spark_container_is_the_newest_that_the_sdk_knows_in_every_such_region() -> None:
    versions = table("spark")["processing"]["versions"]
    known = versions[aws_images.SPARK_VERSION]

    assert list(versions)[-1] == aws_images.SPARK_VERSION
    assert isinstance(known, dict)
    assert known["repository"] == aws_images.SPARK.repository
    assert f"py{CONTAINER_PYTHON.replace('.', '')}" in known["py_versions"]
    assert aws_images.SPARK.accounts == {
        region: account for region, account in known["registries"].items() if region in REGISTRY_ACCOUNTS
    }
