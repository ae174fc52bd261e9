"""The asset of the function for similar documents: built beforehand, since its packages come from wheels.

A synth neither downloads nor builds. It looks whether what `make similar-asset` wrote is of today's sources.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from stacks.settings.errors import SynthError

ROOT: Final = Path(__file__).parents[3]
BUILT: Final = ROOT / "build" / "similar-asset"
SOURCES_FILE: Final = "sources.sha256"
"""Written last: a folder with it is whole."""
ASSETS: Final = ROOT / "lambda" / "urls"
REQUIREMENTS: Final = ASSETS / "similar_function" / "requirements.txt"
PACKAGES: Final = ("similar_function", "url_functions")
"""The function's own package, and what it shares with the topics function."""


def sources() -> list[Path]:
    """Return the files that the asset is made of, beside the wheels that the requirements name by their hashes."""
    return [REQUIREMENTS, *(file for package in PACKAGES for file in sorted((ASSETS / package).rglob("*.py")))]


def sources_hash() -> str:
    """Return what tells whether an asset is of today's sources."""
    digest = hashlib.sha256()
    for file in sources():
        content = file.read_bytes()
        digest.update(f"{file.relative_to(ROOT)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def find(folder: Path | None = None) -> Path:
    """Return the folder of the asset.

    Raises:
        SynthError: it is not there, or of other sources; the message has the command to run.
    """
    folder = BUILT if folder is None else folder
    try:
        built_from = (folder / SOURCES_FILE).read_text(encoding="ascii").strip()
    except OSError:
        raise SynthError(
            f"similar is set, and the asset of its function is not in {folder}: run make similar-asset"
        ) from None
    if built_from != sources_hash():
        raise SynthError(
            f"similar is set, and the asset of its function in {folder} is of other sources: run make similar-asset"
        )
    return folder
