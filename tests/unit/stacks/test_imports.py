"""What a synth loads: each of the modules named here takes a tenth of its time or more."""

from __future__ import annotations

import subprocess
import sys

from tests.synths import ROOT

HEAVY = ("boto3", "cdk_nag", "botocore", "numpy", "scipy", "jax", "local_cloud")


def test_a_synth_loads_nothing_that_it_does_not_use() -> None:
    code = f"import sys, app; print(sorted(set({HEAVY}) & sys.modules.keys()))"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
