"""AWS's public notebooks of NTM and its own integration tests of it, by their calls, with other data.

`default_bucket()` and `get_execution_role()` are as they have them: the variables are those of `env --role NAME`.
docs/conformance.md has them in a table (`local_cloud/notebooks.py`), which names what is run here.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from local_cloud import LocalCloud, notebooks
from training_scripts import mxnet_arrays

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "scripts"
pytestmark = [pytest.mark.sdk, pytest.mark.slow, pytest.mark.local_cloud]


@pytest.mark.parametrize("notebook", notebooks.TABLE, ids=lambda row: f"{row.name}-{row.sdk}")
def test_its_calls_are_answered(
    notebook: notebooks.Notebook,
    cloud: LocalCloud,
    sagemaker_role: str,
    newsgroups: Path,
    tmp_path: Path,
) -> None:
    python = ROOT / f".venv-sdk-{notebook.sdk}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"there is no .venv-sdk-{notebook.sdk}: `make test-all` makes it")

    done = subprocess.run(
        [python, SCRIPTS / f"public_{notebook.sdk}.py", notebook.name, tmp_path, newsgroups],
        env={**cloud.environment(), **cloud.variables(role=sagemaker_role), "COLUMNS": "300"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    for answer in result.get("answers", []):
        np.testing.assert_allclose(np.array(answer).sum(axis=1), 1, atol=1e-4)
    if "params" in result:
        decoder = mxnet_arrays.read(Path(result["params"]).read_bytes())["arg:projection_weight"]
        assert list(decoder.shape) == result["shape"]
    if "is_predictor" in result:
        assert result["is_predictor"]
