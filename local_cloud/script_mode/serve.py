"""What stands for PyTorch's serving container: `python -m local_cloud.script_mode.serve --root DIR --port N`.

Installs nothing, but refuses a model whose wheels could not be installed; then the server has the model's own code
first on its path. That may be another release's of the same package: the server imports nothing of the project.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from local_cloud.script_mode import wheels
from training_scripts.script_mode import layout


def main(arguments: list[str] | None = None) -> int:  # noqa: RET503 (it becomes the server)
    """Become the server; return an exit code where that cannot be."""
    parser = argparse.ArgumentParser(prog="serve")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--port", required=True)
    parser.add_argument("--bind", default="127.0.0.1")
    options = parser.parse_args(arguments)
    code = options.root / "model" / layout.MODEL_CODE_FOLDER
    program = os.environ.get("SAGEMAKER_PROGRAM", layout.SERVING_PROGRAM)
    if not (code / program).is_file():
        sys.stderr.write(f"serve: the model has no {layout.MODEL_CODE_FOLDER}/{program}\n")
        return 1
    if fault := wheels.fault_of(code):
        sys.stderr.write(f"serve: failed to install required packages: {fault}\n")
        return 1
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(code), os.environ.get("PYTHONPATH", "")])}
    server = Path(__file__).with_name("server.py")
    sys.stderr.flush()
    # -P: what stands beside the server is not on its path.
    command = [sys.executable, "-P", str(server), str(options.root / "model"), Path(program).stem, options.bind,
               options.port]  # fmt: skip
    os.execve(sys.executable, command, environment)  # noqa: S606 (no shell is wanted)


if __name__ == "__main__":
    sys.exit(main())
