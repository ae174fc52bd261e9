"""What AWS's Spark container runs to prepare a corpus: the bundle's own code, with the wheels that came with it.

The driver is the only process that a bundle's program is started in: the executors, which may be on other instances,
are given the same packages as an archive that Spark unpacks where they work. No index is asked, and no network needed.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
PACKAGES: Final = "packages"
"""The folder's name, also where an executor works."""


def main(arguments: list[str]) -> int:
    """Prepare, and return the exit code."""
    found = []
    if wheels_are_for_this_python(HERE):
        place = Path(tempfile.mkdtemp(prefix="preparation-"))
        found = [str(unpack(HERE / "wheels", place / PACKAGES)), PACKAGES]
        archive = shutil.make_archive(str(place / PACKAGES), "zip", place / PACKAGES)
        arguments = [*arguments, "--archive", f"{archive}#{PACKAGES}"]
    else:
        sys.stdout.write("The bundle's wheels are for another Python than this: its packages must be here already\n")
    path = [str(HERE), *found, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(path)
    # What was there before, the container's own older NumPy, comes after what the bundle has.
    sys.path[:0] = path[: 1 + len(found)]
    from training_scripts.spark import prepare  # noqa: PLC0415 (its packages have only just come)

    return prepare.main(arguments)


def wheels_are_for_this_python(bundle: Path) -> bool:
    """Tell whether the wheels can be loaded here."""
    wanted = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))["python_version"]
    return bool(wanted == f"{sys.version_info.major}.{sys.version_info.minor}")


def unpack(wheels: Path, target: Path) -> Path:
    """Unpack every wheel into one folder: none of these has more to install than its files."""
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target)
    return target


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
