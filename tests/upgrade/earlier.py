"""The release before the house was moved: its tree, and what its synth needs beside it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from stacks.serving.similar import similar_asset
from tests.end_to_end.deployment import ROOT
from training_scripts.script_mode import layout

COMMIT: Final = "7b50c53"
"""The last release with `stacks/` flat and the functions in folders of their own."""
PACKAGES: Final = "packages"
"""In the asset for similar documents: what comes from wheels, the same for both trees."""
SIMILAR_ASSET: Final = similar_asset.BUILT
"""As `make similar-asset` leaves it; read when this module loads, since tests of templates put another in its place."""
BUILD_ASSET: Final = """
import sys
sys.path[:0] = [".", "scripts", "lambda/similar"]
import similar_asset as script
from stacks import similar_asset
script.build(similar_asset.BUILT, [])
"""


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git on this project's repository."""
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)


@contextmanager
def checked_out(folder: Path) -> Iterator[Path]:
    """Check the release out into `folder`, for as long as the block runs; skip where the history is not there."""
    if shutil.which("git") is None or git("cat-file", "-e", f"{COMMIT}^{{commit}}").returncode != 0:
        pytest.skip(f"the history of {COMMIT} is not in {ROOT}: a clone with all commits has it")
    added = git("worktree", "add", "--detach", str(folder), COMMIT)
    assert added.returncode == 0, added.stderr
    try:
        # Its cdk.json names the interpreter so.
        (folder / ".venv").symlink_to(Path(sys.prefix))
        yield folder
    finally:
        git("worktree", "remove", "--force", str(folder))


def take_similar_asset(tree: Path) -> None:
    """Build the tree's asset for similar documents, with the packages of this tree's."""
    require(SIMILAR_ASSET, "make similar-asset")
    run(tree, "-c", BUILD_ASSET)
    asset = tree / SIMILAR_ASSET.relative_to(ROOT)
    shutil.copytree(SIMILAR_ASSET / PACKAGES, asset / PACKAGES)


def take_open_bundle(tree: Path) -> None:
    """Make the tree's bundle of its own code, with the wheels of this tree's."""
    bundle = layout.bundle_folder("cpu")
    require(ROOT / bundle, layout.MAKE_COMMAND)
    shutil.copytree(ROOT / bundle, tree / bundle)
    run(tree, "-m", "training_scripts.bundle")


def require(folder: Path, command: str) -> None:
    """Skip where a folder has not been made."""
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: `{command}` makes it")


def run(tree: Path, *arguments: str) -> None:
    """Run Python in the tree, on the tree's modules."""
    done = subprocess.run([sys.executable, *arguments], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
