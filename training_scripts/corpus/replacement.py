"""A folder that changes all at once: written beside, then put in place."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import sys
from typing import TYPE_CHECKING

from training_scripts.corpus.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_AT_FDCWD = -100
_EXCHANGE = 2
"""RENAME_EXCHANGE of Linux's renameat2 and RENAME_SWAP of macOS's renamex_np have the same value."""


@contextlib.contextmanager
def replaced_folder(target: Path, *, recognised_by: str, kind: str = "a prepared corpus") -> Iterator[Path]:
    """Give a folder to fill, and put it in the place of `target` when all has gone well.

    Until then, and whenever the process may be killed, `target` is as it was. What a killed process has left beside it
    is removed by the next one.

    Args:
        target: where the folder shall be; its parents are made.
        recognised_by: a file that a folder must hold to be replaced, so that nothing else is ever deleted.
        kind: what such a folder is called.

    Raises:
        CorpusError: `target` is there and is something else, or the disk does not take the files.
    """
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise CorpusError(f"{target} is not a folder, so nothing is written there")
    if target.is_dir() and any(target.iterdir()) and not (target / recognised_by).is_file():
        raise CorpusError(f"{target} holds something else than {kind}, so it is not replaced")
    new = target.with_name(f".{target.name}.{os.getpid()}.partial")
    old = target.with_name(f".{target.name}.{os.getpid()}.replaced")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target)
        new.mkdir()
        yield new
        if target.exists():
            _swap(new, target, old)
        else:
            new.rename(target)
    except OSError as error:
        raise CorpusError(f"{error.filename or target} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _remove_leftovers(target: Path) -> None:
    for path in target.parent.glob(f".{target.name}.*"):
        process, _, kind = path.name.removeprefix(f".{target.name}.").partition(".")
        if kind not in {"partial", "replaced"} or not process.isdigit() or _is_running(int(process)):
            continue
        if kind == "replaced" and not target.exists():
            path.rename(target)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _swap(new: Path, target: Path, old: Path) -> None:
    if _exchange(new, target):
        return
    # Where the system cannot exchange two names at once, there is no folder for a moment; a process that is killed
    # just then leaves the old one beside, and the next puts it back.
    target.rename(old)
    new.rename(target)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders' names in one step; whether the system could."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        first, second = os.fsencode(one), os.fsencode(other)
        if sys.platform == "darwin":
            return bool(library.renamex_np(first, second, _EXCHANGE) == 0)
        return bool(library.renameat2(_AT_FDCWD, first, _AT_FDCWD, second, _EXCHANGE) == 0)
    except (AttributeError, OSError, TypeError):
        return False
