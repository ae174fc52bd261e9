"""AWS's public notebooks of NTM and its own integration tests of it, by their calls, with other data.

`default_bucket()` and `get_execution_role()` are as they have them: the variables are those of `env --role NAME`, and
of `env --proxy` for the SDK's own tests.
docs/conformance.md has them in a table (`local_cloud/notebooks.py`), which names what is run here.
"""

from __future__ import annotations

import io
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import numpy as np
import pytest

from local_cloud import LocalCloud, notebooks
from tests.local_cloud.support import root_of
from tests.sdk.conftest import ROOT, SCRIPTS, result_of, run
from training_scripts import mxnet_arrays
from training_scripts.archives import read_file

pytestmark = [pytest.mark.sdk, pytest.mark.slow, pytest.mark.local_cloud]


@pytest.mark.parametrize("notebook", notebooks.TABLE, ids=lambda row: f"{row.name}-{row.sdk}")
def test_its_calls_are_answered(
    notebook: notebooks.Notebook,
    cloud: LocalCloud,
    sagemaker_role: str,
    newsgroups: Path,
    tmp_path: Path,
) -> None:
    # The SDK's own tests look the role up by its name, which an account's administrator may and that role may not.
    caller = ["--proxy"] if notebook.name.startswith("test_") else ["--role", sagemaker_role]
    exported = subprocess.run(
        [sys.executable, "-m", "local_cloud", "--home", cloud.home.root, "env", *caller],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert exported.returncode == 0, exported.stderr
    words = shlex.split(exported.stdout)
    variables = dict(word.split("=", 1) for word in words if "=" in word)
    script = SCRIPTS / f"public_{notebook.sdk}.py"
    environment = {**cloud.environment(), **variables}
    result = result_of(
        run(notebook.sdk, script, notebook.name, tmp_path, newsgroups, environment=environment, folder=tmp_path)
    )

    for answer in result.get("answers", []):
        np.testing.assert_allclose(np.array(answer).sum(axis=1), 1, atol=1e-4)
    if "params" in result:
        decoder = mxnet_arrays.read(Path(result["params"]).read_bytes())["arg:projection_weight"]
        assert list(decoder.shape) == result["shape"]
    if "with_words" in result:
        place = urlsplit(result["with_words"])
        s3 = boto3.client("s3", endpoint_url=cloud.endpoint_url, region_name="us-east-1", **root_of(cloud))
        stored = s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read()
        assert read_file(io.BytesIO(stored), "vocab.txt") is not None
    if "is_predictor" in result:
        assert result["is_predictor"]
