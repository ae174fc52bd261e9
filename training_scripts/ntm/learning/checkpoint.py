"""Training that goes on where an interrupted job ended: the state after each epoch, in the checkpoints folder."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Final

import numpy as np

from training_scripts.array_files import ArrayFileError, read_npz
from training_scripts.ntm.failure import ClientError
from training_scripts.ntm.learning.training import EpochLoss, Progress

if TYPE_CHECKING:
    from pathlib import Path

    from training_scripts.hyperparameters import JobHyperparameters
    from training_scripts.ntm.learning.architecture import HostTree

CHECKPOINT_FILE: Final = "open-ntm.npz"
_ABOUT: Final = "about"
_TREES: Final = ("params", "averages", "first", "second", "mean", "velocity", "best_params", "best_averages")
_MAY_DIFFER: Final = frozenset({"epochs", "num_patience_epochs", "tolerance", "max_memory_mb"})


def save(folder: Path, progress: Progress, settings: JobHyperparameters) -> None:
    """Write the state after an epoch. The file is replaced in one step: an interruption leaves the last whole one."""
    about = {
        "settings": _identity(settings),
        "steps": progress.steps,
        "history": progress.history,
        "train": progress.train,
        "validation": progress.validation,
    }
    arrays = {f"{tree}/{name}": value for tree in _TREES for name, value in getattr(progress, tree).items()}
    arrays[_ABOUT] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    temporary = folder / f".{CHECKPOINT_FILE}.new"
    with temporary.open("wb") as stream:
        np.savez(stream, **arrays)
    temporary.replace(folder / CHECKPOINT_FILE)


def read(folder: Path) -> bytes | None:
    """Return the state that an earlier run of this job left, encoded; None if there is none."""
    path = folder / CHECKPOINT_FILE
    return path.read_bytes() if path.exists() else None


def decode(content: bytes, settings: JobHyperparameters) -> Progress:
    """Return the encoded state.

    Raises:
        ClientError: it is damaged, or the state of a job with other settings.
    """
    try:
        arrays = read_npz(io.BytesIO(content))
        about = json.loads(arrays[_ABOUT].tobytes())
    except (ArrayFileError, KeyError, ValueError) as error:
        raise ClientError(f"checkpoints/{CHECKPOINT_FILE} is no state of a training: {error}") from None
    trees: dict[str, HostTree] = {tree: {} for tree in _TREES}
    for key, array in arrays.items():
        tree, _, name = key.partition("/")
        if tree in trees:
            trees[tree][name] = array
    ours = _identity(settings)
    for name, value in about["settings"].items():
        if ours.get(name) != value:
            raise ClientError(
                f"checkpoints/{CHECKPOINT_FILE} is of a job with {name} {value}, where this one has "
                f"{ours.get(name)}: give the job another checkpoint location"
            )
    return Progress(
        **trees,
        steps=about["steps"],
        history=about["history"],
        train=[EpochLoss(*loss) for loss in about["train"]],
        validation=[EpochLoss(*loss) for loss in about["validation"]],
    )


def _identity(settings: JobHyperparameters) -> dict[str, str]:
    named = {**settings.ntm.for_job(settings.feature_dim), **settings.switches.as_strings()}
    return {name: value for name, value in named.items() if name not in _MAY_DIFFER}
