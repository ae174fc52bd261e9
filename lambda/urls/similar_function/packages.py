"""The compiled packages of the asset, put on the path where they are of the Python and machine that run.

They are built for Lambda's (`make similar-asset`), in a folder named by what it is for. Elsewhere, in the local cloud
for example, another Python runs the same asset: there the packages are those that it has installed.
"""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

LAMBDA_PYTHON: Final = "3.14"
LAMBDA_MACHINE: Final = "aarch64"
"""What the asset's packages are built for; a test holds the template to it."""


def folder_for(python: str, machine: str) -> str:
    """Return the folder of the packages for a Python such as `3.14` on a machine such as `aarch64`."""
    return f"packages/cp{python.replace('.', '')}-{machine}"


def activate(asset: Path) -> None:
    """Find the asset's packages first, where it has some for this Python and machine."""
    folder = asset / folder_for(f"{sys.version_info.major}.{sys.version_info.minor}", platform.machine())
    if folder.is_dir() and str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
