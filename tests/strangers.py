"""What comes to lie in a prepared corpus's folder and is not of the corpus, for the tests of every reader."""

from __future__ import annotations

import shutil
from pathlib import Path

STRANGERS = (
    "train/.DS_Store",
    "train/part-00000 copy.pbr",
    "train/part-00000.pbr~",
    "train/old/part-00000.pbr",
    "train/link.pbr",
    "notes.txt",
)
"""A desktop's file, a copied shard, an editor's backup, a sub-folder, a link, and a file at the top."""


def with_strangers(corpus: Path, copy: Path) -> Path:
    """Return a copy of a prepared corpus in which all of these lie, each with the bytes of a shard."""
    shutil.copytree(corpus, copy)
    shard = copy / "train" / "part-00000.pbr"
    for name in STRANGERS:
        (copy / name).parent.mkdir(exist_ok=True)
        if "link" in name:
            (copy / name).symlink_to(shard)
        else:
            shutil.copyfile(shard, copy / name)
    (copy / "validation" / "elsewhere").symlink_to(copy / "train", target_is_directory=True)
    return copy
