"""How a training job fails: the reason file that SageMaker shows, and whose fault it is."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

FAILURE_FILE_CHARACTERS: Final = 1024
"""SageMaker shows this much of output/failure."""


class ClientError(Exception):
    """What the job's owner can mend: settings or data. The message is one sentence."""


class AlgorithmError(Exception):
    """What the job's owner cannot mend."""


def failure_reason(error: BaseException) -> str:
    """Return the text for output/failure: the kind of error and one line."""
    if isinstance(error, ClientError):
        return _short(f"ClientError: {error}")
    if isinstance(error, AlgorithmError):
        return _short(f"AlgorithmError: {error}")
    return _short(f"AlgorithmError: {type(error).__name__}: {error}")


def write_failure(root: Path, reason: str) -> None:
    """Write `reason` to output/failure under the container's root.

    On a full disk, what there is of the model makes room for it: the service keeps none of a job that failed.
    """
    path = root / "output" / "failure"
    try:
        _write(path, reason)
    except OSError:
        shutil.rmtree(root / "model", ignore_errors=True)
        _write(path, reason)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _short(reason: str) -> str:
    return " ".join(reason.split())[:FAILURE_FILE_CHARACTERS]
