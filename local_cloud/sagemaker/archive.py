"""model.tar.gz, made from a container's folder."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

COMPRESSION_LEVEL = 6


def pack(folder: Path, archive: Path) -> None:
    """Write the content of a folder to a .tar.gz, in the order of the names."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz", compresslevel=COMPRESSION_LEVEL) as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, arcname=path.name)
