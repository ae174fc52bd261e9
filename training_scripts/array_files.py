"""NumPy's array files, read without trust: every size is checked before memory is taken for it. Never a pickle.

What `numpy.load` refuses with many kinds of error, or with a file of a kilobyte that asks for terabytes, is refused
here with one sentence.
"""

from __future__ import annotations

import math
import struct
import tokenize
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ARRAYS_MAX: Final = 1024
_DIMENSIONS_MAX: Final = 8
_HEADER_BYTES_MAX: Final = 4096
_KINDS: Final = "fiu"
"""Real numbers: objects are pickles, and text, dates and records are of no model."""
_SUFFIX: Final = ".npy"
_DAMAGE: Final = (
    EOFError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What the standard library and NumPy raise on a damaged or encrypted ZIP file, or on a header that is none."""

Array = npt.NDArray[Any]


class ArrayFileError(Exception):
    """A file of arrays that is not read. The message is one sentence, without the file's name."""


def read_npz(file: Path | IO[bytes]) -> Mapping[str, Array]:
    """Return the arrays of a .npz file by name.

    Raises:
        ArrayFileError: it is damaged, or holds something else, or more, than arrays of numbers within the limits.
        FileNotFoundError: there is none.
    """
    arrays: dict[str, Array] = {}
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) > ARRAYS_MAX:
                raise ArrayFileError(f"it holds {len(members)} arrays, where at most {ARRAYS_MAX} are read")
            for member in members:
                name = member.filename.removesuffix(_SUFFIX)
                if name == member.filename or name in arrays:
                    raise ArrayFileError(f"{member.filename[:80]!r} in it is no array, or is there twice")
                # Packed as NumPy does unless it is told to compress: so that no more comes out than the file has.
                if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
                    raise ArrayFileError(f"array {name[:80]!r} is compressed, and only plain ones are read")
                with archive.open(member) as stream:
                    arrays[name] = _array(stream, member.file_size, name)
    except FileNotFoundError:
        raise
    except _DAMAGE as error:
        raise _damaged(error) from None
    return arrays


def read_npy(file: Path) -> Array:
    """Return the array of a .npy file; raises as `read_npz`."""
    try:
        with file.open("rb") as stream:
            return _array(stream, file.stat().st_size, file.stem)
    except FileNotFoundError:
        raise
    except _DAMAGE as error:
        raise _damaged(error) from None


def _damaged(error: Exception) -> ArrayFileError:
    told = " ".join(f"{type(error).__name__}: {error}".split())
    return ArrayFileError(f"it is damaged, or no file of arrays ({told[:200]})")


def _array(stream: IO[bytes], size: int, name: str) -> Array:
    counted = _Counted(stream)
    version = np.lib.format.read_magic(counted)
    if version not in {(1, 0), (2, 0)}:
        raise ArrayFileError(f"array {name[:80]!r} is of format {version}, where 1.0 and 2.0 are read")
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, in_columns, kind = read_header(counted, max_header_size=_HEADER_BYTES_MAX)
    if kind.kind not in _KINDS or kind.hasobject:
        raise ArrayFileError(f"array {name[:80]!r} holds {str(kind)[:40]}, where only numbers are read")
    if len(shape) > _DIMENSIONS_MAX or min(shape, default=0) < 0:
        raise ArrayFileError(f"array {name[:80]!r} has shape {str(shape)[:80]}, which is not read")
    expected = math.prod(shape) * kind.itemsize
    if counted.taken + expected != size:
        raise ArrayFileError(
            f"array {name[:80]!r} of shape {str(shape)[:80]} takes {expected} bytes, not {size - counted.taken}"
        )
    # Not bytes: an array may be written to.
    content = bytearray(stream.read(expected))
    # To the end, where a ZIP file's checksum is looked at.
    if len(content) != expected or stream.read(1):
        raise ArrayFileError(f"array {name[:80]!r} ends after {len(content)} of its {expected} bytes, or goes on")
    return np.frombuffer(content, dtype=kind).reshape(shape, order="F" if in_columns else "C")


class _Counted:
    """A stream that counts what was read from it, and reads no more at once than a header has."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.taken = 0

    def read(self, size: int = 0, /) -> bytes:
        if size > _HEADER_BYTES_MAX:
            raise ValueError(f"its header takes {size} bytes, where at most {_HEADER_BYTES_MAX} are read")
        content = self._stream.read(size)
        self.taken += len(content)
        return content
