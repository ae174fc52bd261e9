"""The code that a model carries to the container that serves it. Standard library only."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from training_scripts.script_mode import layout

if TYPE_CHECKING:
    from pathlib import Path


def place(bundle: Path, model: Path) -> None:
    """Copy what serving needs of the bundle into the model folder's `code/`: program, package, and its few wheels."""
    target = model / layout.MODEL_CODE_FOLDER
    shutil.copytree(bundle / layout.SERVING_FOLDER, target, dirs_exist_ok=True)
    shutil.copytree(
        bundle / layout.PACKAGE,
        target / layout.PACKAGE,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    wheels = target / layout.WHEELS_FOLDER
    wheels.mkdir(exist_ok=True)
    for name in pinned(target / layout.REQUIREMENTS_FILE):
        [wheel] = (bundle / layout.WHEELS_FOLDER).glob(f"{name}-*.whl")
        shutil.copy2(wheel, wheels / wheel.name)


def pinned(requirements: Path) -> list[str]:
    """Return the packages that a bundle's requirements.txt pins, as wheels spell their names."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    return [line.partition("==")[0] for line in lines if "==" in line]
