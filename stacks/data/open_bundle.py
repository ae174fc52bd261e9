"""Finds the bundles of code and wheels that a stage takes along: for the open NTM, and for preparing on Spark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stacks.settings.errors import SynthError
from stacks.shared import algorithm_images
from training_scripts.script_mode import layout, sources
from training_scripts.script_mode.manifest import BundleError, BundleManifest

if TYPE_CHECKING:
    from pathlib import Path

    from stacks.settings.stage import StageSettings
    from training_scripts.script_mode.manifest import Processor


@dataclass(frozen=True)
class LocalBundle:
    """A bundle made on this machine."""

    folder: Path
    bundle_hash: str


def find(settings: StageSettings, *, root: Path) -> LocalBundle | None:
    """Return the bundle of the stage's processor; None for the built-in algorithm, which needs none.

    Raises:
        SynthError: there is none, it is broken, or it was made of other code: names the command that makes it.
    """
    if settings.algorithm == "builtin":
        return None
    return _whole(root, algorithm_images.processor(settings), "algorithm is 'open'")


def find_for_preparation(settings: StageSettings, *, root: Path) -> LocalBundle | None:
    """Return the bundle that prepares corpora on Spark; None where the stage prepares none.

    Raises:
        SynthError: as above.
    """
    return _whole(root, "spark", "preparation is set") if settings.preparation is not None else None


def _whole(root: Path, processor: Processor, reason: str) -> LocalBundle:
    place = layout.bundle_folder(processor)
    folder, command = root / place, layout.bundle_command(processor)
    try:
        manifest = BundleManifest.load(folder)
        # Its hash names it in S3, for good: a folder that was changed since must not get there under that name.
        manifest.check_files(folder)
    except BundleError as error:
        raise SynthError(f"{reason}, whose code and wheels are not ready ({error}): run `{command}`") from None
    if manifest.code_hash != sources.code_hash(processor):
        raise SynthError(f"{reason}, but {place} was made of other code than this: run `{command}` again")
    if (manifest.processor, manifest.python_version) != (processor, layout.CONTAINER_PYTHON):
        raise SynthError(
            f"{reason}, but {place} is for Python {manifest.python_version} and {manifest.processor}, not "
            f"the image's {layout.CONTAINER_PYTHON} and {processor}: run `{command}`"
        )
    return LocalBundle(folder, manifest.bundle_hash)
