"""Wheels for the container's Python and platform: fetched by pip, pinned by our locks and their hashes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from training_scripts.script_mode import layout
from training_scripts.script_mode.manifest import BundleError, sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from training_scripts.script_mode.manifest import Processor

_ROOT: Final = Path(__file__).resolve().parents[2]
REQUIREMENTS: Final[dict[Processor, str]] = {
    "cpu": "requirements/open.txt",
    "gpu": "requirements/open-gpu.txt",
    "spark": "requirements/spark-job.txt",
}
PLATFORMS: Final = (*(f"manylinux_2_{minor}" for minor in range(28, 11, -1)), "manylinux2014", "manylinux2010")
"""What the images' glibc can load, Ubuntu 22.04's 2.35; the wheels ask for 2.28 at most."""
ARCHITECTURE: Final = "x86_64"
SERVING_PACKAGES: Final = ("numpy", "orjson", "scipy")
_WHEEL: Final = re.compile(r"^(?P<name>[^-]+)-(?P<version>[^-]+)(-\d[^-]*)?-[^-]+-[^-]+-[^-]+\.whl$")


def fetch(folder: Path, requirements: Sequence[str], *, python_version: str, kept: Path) -> None:
    """Put the wheels of requirements into `folder`: those of `kept` if they suffice, or the index's.

    Raises:
        BundleError: pip found no such wheels; its own last words are in the message.
    """
    folder.mkdir(parents=True)
    if kept.is_dir() and not _download(folder, requirements, python_version, ["--no-index", "--find-links", str(kept)]):
        return
    if fault := _download(folder, requirements, python_version, []):
        raise BundleError(f"the wheels for Python {python_version} on {ARCHITECTURE} could not be fetched: {fault}")


def write_requirements(target: Path, wheels: Iterable[Path]) -> None:
    """Write a requirements.txt that installs exactly these wheels, from the folder beside it and from nowhere else."""
    lines = ["# Made with the bundle. Nothing is asked of an index, and pip refuses a wheel with other bytes."]
    lines += ["--no-index", f"--find-links {layout.WHEELS_FOLDER}"]
    for wheel in sorted(wheels):
        named = _parsed(wheel)
        lines.append(f"{named['name']}=={named['version']} --hash=sha256:{sha256_of(wheel)}")
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


def for_serving(wheels: Iterable[Path]) -> list[Path]:
    """Return those of the wheels that the server needs."""
    return [wheel for wheel in wheels if _parsed(wheel)["name"].lower() in SERVING_PACKAGES]


def _parsed(wheel: Path) -> re.Match[str]:
    named = _WHEEL.match(wheel.name)
    if named is None:
        raise BundleError(f"{wheel.name} is not named as wheels are")
    return named


def target_options(python_version: str) -> list[str]:
    """Return pip's options for the container's Python and platform, which take wheels only."""
    short = python_version.replace(".", "")
    platforms = [option for name in PLATFORMS for option in ("--platform", f"{name}_{ARCHITECTURE}")]
    abis = [option for name in (f"cp{short}", "abi3", "none") for option in ("--abi", name)]
    return ["--only-binary=:all:", "--implementation", "cp", "--python-version", python_version, *abis, *platforms]


def _download(folder: Path, requirements: Sequence[str], python_version: str, sources: list[str]) -> str:
    """Run pip; return its last line of error, or an empty string when all is there."""
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder)),
            *target_options(python_version),
            *sources,
            *(option for file in requirements for option in ("-r", file)),
        ],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode == 0:
        return ""
    errors = [line for line in ran.stderr.splitlines() if line.startswith("ERROR")]
    return errors[-1].removeprefix("ERROR: ") if errors else f"pip ended with {ran.returncode}"
