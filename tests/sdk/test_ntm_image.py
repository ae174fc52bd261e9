from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from rules.aws_images import REGISTRY_ACCOUNTS, REPOSITORY, TAG

SDK_PYTHON = Path(__file__).parents[2] / ".venv-sdk-v3" / "bin" / "python"

pytestmark = [
    pytest.mark.sdk,
    pytest.mark.slow,
    pytest.mark.skipif(not SDK_PYTHON.exists(), reason="there is no .venv-sdk-v3: `make test-all` makes it"),
]

ASK = """
import json
from sagemaker.core import image_uris
known = image_uris.config_for_framework("ntm")["versions"]["1"]["registries"]
uris = {region: image_uris.retrieve("ntm", region, version="1") for region in known}
print(json.dumps(uris))
"""


@pytest.fixture(scope="module")
def sdk_uris() -> dict[str, str]:
    """The image's URI in every region that the SDK knows."""
    ran = subprocess.run([SDK_PYTHON, "-c", ASK], capture_output=True, text=True, check=True)
    uris: dict[str, str] = json.loads(ran.stdout.splitlines()[-1])
    return uris


def test_the_sdk_knows_the_same_account_for_every_region(sdk_uris: dict[str, str]) -> None:
    assert {region: uri.partition(".")[0] for region, uri in sdk_uris.items()} == REGISTRY_ACCOUNTS


def test_the_sdk_names_the_same_repository_and_tag(sdk_uris: dict[str, str]) -> None:
    assert {uri.rpartition("/")[2] for uri in sdk_uris.values()} == {f"{REPOSITORY}:{TAG}"}
