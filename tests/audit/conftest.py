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


AT_ANOTHER_ROOT = "import app, pathlib, sys; app.ROOT = pathlib.Path(sys.argv[1]); sys.exit(app.main())"
"""Where synth looks for what was made before it, such as bundles."""


def synthesized(folder: Path, corpus: Path, *, root: Path | None = None, **settings: object) -> Path:
    """The prod stage as `make synth` writes it, with the packs' report and with changes to its settings."""
    file = folder / "settings.json"
    file.write_text(json.dumps({"corpus": {"path": str(corpus)}, **settings}))
    context = {**CONTEXT, "stage": "prod", "settings": str(file), "aws:cdk:enable-path-metadata": True}
    done = subprocess.run(
        [sys.executable, *(("app.py",) if root is None else ("-c", AT_ANOTHER_ROOT, str(root)))],
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
def prod_folder(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prod stage as cdk.json has it."""
    return synthesized(tmp_path_factory.mktemp("audit"), corpus_folder)


@pytest.fixture(scope="session")
def prod(prod_folder: Path) -> Assembly:
    """What is audited."""
    return read(prod_folder)
