"""What stands for smspark-submit: `python -m local_cloud.spark_submit SPARK_SUBMIT [ARGUMENTS]`.

Spark finds itself and its workers by the first Python on PATH: that of its own environment must be it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main(submit: str, *arguments: str) -> int:
    """Become Spark."""
    folder = Path(submit).parent
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(folder), os.environ.get("PATH", os.defpath)]),
        "PYSPARK_PYTHON": str(folder / "python"),
    }
    os.execve(submit, [submit, *arguments], environment)  # noqa: S606 (no shell is wanted)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
