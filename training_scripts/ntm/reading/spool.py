"""Documents in a scratch file: a channel too large for the memory allowed is parsed once, and not in every epoch."""

from __future__ import annotations

import errno
import os
import tempfile
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_matrix

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

RESERVE_BYTES: Final = 1 << 29
"""What must stay free on the disk of the temporary folder."""
_POINTERS: Final = np.dtype(np.int64)
_COLUMNS: Final = np.dtype(np.int32)
_COUNTS: Final = np.dtype(np.float32)


class Spool:
    """Matrices kept in an unnamed file of the temporary folder, which is gone with the process, however that ends.

    A stored element takes 8 bytes, a document 8 more. RESERVE_BYTES of the disk stay free for the model.
    """

    def __init__(self, feature_dim: int) -> None:
        """Open the file.

        Raises:
            OSError: the temporary folder takes no file.
        """
        self._feature_dim = feature_dim
        # Unbuffered: a full disk is met by the write itself, and not when a buffer is emptied later.
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (open as long as the spool)
        self._shapes: list[tuple[int, int]] = []
        self.bytes = 0

    def add(self, block: csr_matrix) -> None:
        """Append a matrix (documents, feature_dim).

        Raises:
            OSError: the disk is full, or nearly; the spool is of no use any more.
        """
        self._file.seek(self.bytes)
        for array, kind in ((block.indptr, _POINTERS), (block.indices, _COLUMNS), (block.data, _COUNTS)):
            self._write(array.astype(kind, copy=False))
        self._shapes.append((block.shape[0], block.nnz))
        self.bytes = self._file.tell()

    def _write(self, array: npt.NDArray[np.generic]) -> None:
        disk = os.fstatvfs(self._file.fileno())
        if disk.f_bavail * disk.f_frsize < array.nbytes + RESERVE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        content = memoryview(array.tobytes())
        while content:
            # A file that may not grow takes what fits; the next write then says why.
            content = content[self._file.write(content) :]

    def blocks(self) -> Iterator[csr_matrix]:
        """Return the matrices in the order in which they were added, one in memory at a time."""
        offset = 0
        for documents, nonzeros in self._shapes:
            # Sought for each block: two passes may be under way at a time.
            self._file.seek(offset)
            pointers, columns, counts = (
                np.fromfile(self._file, kind, size)
                for kind, size in ((_POINTERS, documents + 1), (_COLUMNS, nonzeros), (_COUNTS, nonzeros))
            )
            offset += pointers.nbytes + columns.nbytes + counts.nbytes
            yield csr_matrix((counts, columns, pointers), shape=(documents, self._feature_dim))

    def close(self) -> None:
        """Give the space back."""
        self._file.close()


class Kept:
    """Blocks as they come: in memory up to a bound, beyond it all of them in a spool, if the disk has room."""

    def __init__(self, feature_dim: int, most_nonzeros: int) -> None:
        """Hold nothing yet; `most_nonzeros` is what may stay in memory."""
        self._feature_dim, self._most = feature_dim, most_nonzeros
        self._nonzeros = 0
        self.resident: list[csr_matrix] | None = []
        """All blocks; None once they are more than may stay in memory."""
        self.spool: Spool | None = None
        """All blocks, where they are not resident; None where the disk had no room for them."""

    def add(self, block: csr_matrix) -> None:
        """Keep one more block."""
        self._nonzeros += block.nnz
        if self.resident is not None:
            self.resident.append(block)
            if self._nonzeros > self._most:
                waiting, self.resident = self.resident, None
                self._spool(waiting)
        elif self.spool is not None:
            self._spool([block])

    def _spool(self, blocks: list[csr_matrix]) -> None:
        try:
            self.spool = self.spool or Spool(self._feature_dim)
            for block in blocks:
                self.spool.add(block)
        except OSError:
            # No room, or no folder to write to: the channel is read again each epoch, which is slower and no fault.
            if self.spool is not None:
                self.spool.close()
            self.spool = None
