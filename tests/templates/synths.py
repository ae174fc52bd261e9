"""A synth as `make synth` runs it, in a process of its own, packs and own rules included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.templates.conftest import CDK_JSON

ROOT = Path(__file__).parent.parent.parent


def synth(
    corpus: Path,
    folder: Path,
    stage: str,
    *,
    directory: Path = ROOT,
    environment: dict[str, str] | None = None,
    **changes: object,
) -> subprocess.CompletedProcess[str]:
    """Synthesize a stage with `changes` to its settings into `folder`/cdk.out, from a directory."""
    file = folder / "settings.json"
    file.write_text(json.dumps({"corpus": {"path": str(corpus)}, **changes}))
    context = {**CDK_JSON["context"], "stage": stage, "settings": str(file), "aws:cdk:enable-path-metadata": True}
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py")],
        cwd=directory,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "CDK_CONTEXT_JSON": json.dumps(context),
            "CDK_OUTDIR": str(folder / "cdk.out"),
            "CDK_VALIDATION": "false",
            **(environment or {}),
        },
        capture_output=True,
        text=True,
        check=False,
    )
