from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ASSET = Path(__file__).parents[2] / "lambda" / "deployment"
HANDLERS = [
    "deploy.account_logs.handle",
    "deploy.approval_guard.handle",
    "deploy.bucket_emptier.handle",
    "pipeline.corpus_publisher.handle",
    "deploy.corpus_uploader.handle",
    "pipeline.model_metrics.handle",
    "pipeline.pipeline_begin.handle",
    "pipeline.pipeline_record.handle",
    "retrainings.promotion.handle",
    "deploy.registry_emptier.handle",
    "retrainings.retraining_check.handle",
    "retrainings.retraining_gate.handle",
    "deploy.training_gate.answer",
    "deploy.training_gate.start",
]
BROUGHT_BY_LAMBDA = {"boto3", "botocore", "certifi", "dateutil", "jmespath", "s3transfer", "six", "urllib3"}
"""What the Python runtime has beside the standard library: boto3 and what it needs, or takes where it is (certifi)."""

IMPORT = """
import importlib, json, sys
before = set(sys.modules)
handler = getattr(importlib.import_module("deployment_functions." + sys.argv[1]), sys.argv[2])
tops = {name.partition(".")[0] for name in set(sys.modules) - before if not name.startswith("__")}
print(json.dumps(sorted(tops - set(sys.stdlib_module_names))))
"""


def imported_by(handler: str) -> set[str]:
    """The packages beside the standard library that importing a handler loads, with nothing but its asset found."""
    module, _, function = handler.rpartition(".")
    site = next(path for path in sys.path if path.endswith("site-packages"))
    program = f"import sys; sys.path[:0] = [{str(ASSET)!r}, {site!r}]\n{IMPORT}"
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, module, function], capture_output=True, text=True, check=True
    )
    return set(json.loads(ran.stdout))


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_function_of_a_deploy_needs_its_asset_and_what_lambda_brings(handler: str) -> None:
    assert imported_by(handler) <= BROUGHT_BY_LAMBDA | {"deployment_functions"}


def test_every_handler_of_the_stacks_is_tried_here() -> None:
    stacks = "".join(path.read_text(encoding="utf-8") for path in (ASSET.parents[1] / "stacks").rglob("*.py"))
    named = {part.partition('"')[0] for part in stacks.split('handler="')[1:]}

    elsewhere = ("topics_function.", "similar_function.")
    assert {name for name in named if not name.startswith(elsewhere)} == set(HANDLERS)
