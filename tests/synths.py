"""A synth as `make synth` runs it, in a process of its own, packs and own rules included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
CDK_JSON = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))
APP = (str(ROOT / "app.py"),)
AT_ANOTHER_ROOT = "import app, pathlib, sys; app.ROOT = pathlib.Path(sys.argv[1]); sys.exit(app.main())"
"""Where synth looks for what was made before it, such as bundles."""


def synth(
    corpus: Path,
    folder: Path,
    stage: str,
    *,
    root: Path | None = None,
    program: Sequence[str] = APP,
    directory: Path = ROOT,
    environment: dict[str, str] | None = None,
    **changes: object,
) -> subprocess.CompletedProcess[str]:
    """Synthesize a stage with `changes` to its settings into `folder`/cdk.out.

    Args:
        corpus: the prepared one.
        folder: for the settings, and for what is synthesized.
        stage: its name in cdk.json.
        root: where bundles are looked for; the project's without it.
        program: what Python runs.
        directory: to run it in.
        environment: more of it; of AWS's it has none.
        changes: to the stage's settings.
    """
    file = folder / "settings.json"
    file.write_text(json.dumps({"corpus": {"path": str(corpus)}, **changes}))
    context = {**CDK_JSON["context"], "stage": stage, "settings": str(file), "aws:cdk:enable-path-metadata": True}
    return subprocess.run(
        [sys.executable, *(program if root is None else ("-c", AT_ANOTHER_ROOT, str(root)))],
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
