"""Sources that can be read only once: pipes and standard input, kept in a file while a corpus is prepared."""

from __future__ import annotations

import contextlib
import shutil
import stat
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from training_scripts.corpus.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator

STANDARD_INPUT: Final = Path("-")


@contextlib.contextmanager
def spooled(path: Path | None) -> Iterator[Path | None]:
    """Give a file with all that `path` holds, where that is standard input or no file; None where it can be read again.

    Preparation reads a source twice, once for its hash. The file lies in the temporary folder, and is gone at the end.

    Raises:
        CorpusError: it cannot be read.
    """
    if path is None or not _is_read_once(path):
        yield None
        return
    with tempfile.NamedTemporaryFile(prefix="prepare-") as spool:
        with _opened(path) as stream:
            shutil.copyfileobj(stream, spool)
        spool.flush()
        yield Path(spool.name)


def _is_read_once(path: Path) -> bool:
    if path == STANDARD_INPUT:
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        # Whoever reads it says what is wrong.
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _opened(path: Path) -> contextlib.AbstractContextManager[BinaryIO]:
    if path != STANDARD_INPUT:
        try:
            return path.open("rb")
        except OSError as error:
            raise CorpusError(f"{path} cannot be read: {error.strerror}") from None
    # The stream is None in a process that was started without one, whatever its type says.
    if (stream := getattr(sys.stdin, "buffer", None)) is None:
        raise CorpusError("standard input is closed: name a file")
    return contextlib.nullcontext(stream)
