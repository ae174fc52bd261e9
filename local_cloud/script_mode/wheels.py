"""Whether a requirements.txt could be installed in the image that is stood for, where there is no network."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from training_scripts.script_mode.layout import CONTAINER_PYTHON, REQUIREMENTS_FILE
from training_scripts.script_mode.wheels import target_options


def fault_of(code: Path) -> str:
    """Return why pip would not install a code folder's requirements in the container, or an empty string.

    The packages used here are this environment's, of another Python perhaps; but pip itself resolves what travels, for
    the container's Python and platform, so that a wheel left behind or changed fails here as it would there.
    """
    if not (code / REQUIREMENTS_FILE).is_file():
        return ""
    with tempfile.TemporaryDirectory() as nowhere:
        ran = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-index"),
                *("--target", nowhere, *target_options(CONTAINER_PYTHON), "-r", REQUIREMENTS_FILE),
            ],
            cwd=code,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if ran.returncode == 0:
        return ""
    errors = [line.removeprefix("ERROR: ") for line in ran.stderr.splitlines() if line.startswith("ERROR")]
    return errors[-1] if errors else f"pip ended with {ran.returncode}"
