"""What AWS's framework container runs to train (SAGEMAKER_PROGRAM): the open NTM, from the channel that brought it.

The hyperparameters come as arguments too; they are read from hyperparameters.json, as on a laptop.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from training_scripts import train
from training_scripts.script_mode import layout, model_code


def main() -> None:
    """Train, and put what serving needs beside the model.

    Raises:
        RuntimeError: the training failed. Where the toolkit does not keep the output/failure that is there, its own
            quotes what looks like a Python error on standard error: so the reason gets there in either case.
    """
    root = Path(os.environ.get(layout.ROOT_VARIABLE, layout.CONTAINER_ROOT))
    if train.main(["--root", str(root), "--script-mode"]):
        failure = root / "output" / "failure"
        sys.tracebacklimit = 0
        raise RuntimeError(failure.read_text(encoding="utf-8") if failure.is_file() else "the training failed")
    model = root / "model"
    # Only the first instance writes a model; what the others left would be packed with it.
    if any(model.iterdir()):
        model_code.place(Path(__file__).resolve().parent, model)


if __name__ == "__main__":
    main()
