from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from audit.assembly import Assembly, read

ROOT = Path(__file__).parent.parent.parent
CONTEXT = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]


@pytest.fixture(scope="session")
def prod_folder(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prod stage as `make synth` writes it, with the packs' report."""
    folder = tmp_path_factory.mktemp("audit")
    settings = folder / "settings.json"
    settings.write_text(json.dumps({"corpus": {"path": str(corpus_folder)}}))
    context = {**CONTEXT, "stage": "prod", "settings": str(settings), "aws:cdk:enable-path-metadata": True}
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={
            **os.environ,
            "CDK_CONTEXT_JSON": json.dumps(context),
            "CDK_OUTDIR": str(folder / "cdk.out"),
            "CDK_VALIDATION": "false",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "cdk.out"


@pytest.fixture(scope="session")
def prod(prod_folder: Path) -> Assembly:
    """What is audited."""
    return read(prod_folder)
