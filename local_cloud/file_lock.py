"""A lock that ends with the process that holds it, however that ends: the operating system's, on an open file."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def take(file: Path) -> int:
    """Lock `file` and return its descriptor: the lock lasts until every copy of that is closed.

    Raises:
        BlockingIOError: somebody holds it.
        OSError: the file cannot be made.
    """
    descriptor = os.open(file, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    sign(descriptor)
    return descriptor


def sign(descriptor: int) -> None:
    """Write into the file that this process holds the lock."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def holder(file: Path) -> str:
    """Return the process id that the holder has written; "unknown" where it has not yet."""
    try:
        return file.read_text().strip() or "unknown"
    except OSError:
        return "unknown"


def is_taken(file: Path) -> bool:
    """Tell whether somebody holds the lock; one that was left by a dead process is nobody's."""
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
