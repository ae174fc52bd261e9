"""Files of arrays as Apache MXNet's `mx.nd.save` writes and `mx.nd.load` reads them: little-endian, dense.

A file is the number 0x112, a reserved number, the count of arrays (64 bits each), the arrays, the count of names and
the names, each behind its length (64 bits). An array is a magic number (32 bits), its storage (32 bits, 0 is dense; not
in version 1), the number of dimensions (32 bits) and each (64 bits), the kind and number of its device and its type (32
bits each), and its values. Source: NDArray::Save in MXNet 1.9.1's src/ndarray/ndarray.cc.
"""

from __future__ import annotations

import math
import struct
from typing import IO, TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_MAGIC: Final = 0x112
VERSION_1, VERSION_2, VERSION_3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
_DENSE, _CPU, _FLOAT32 = 0, 1, 0
_MOST_DIMENSIONS: Final = 8
_ROWS_AT_ONCE: Final = 65_536
_TYPES: Final[Mapping[int, str]] = {0: "<f4", 1: "<f8", 2: "<f2", 3: "<u1", 4: "<i4", 5: "<i1", 6: "<i8"}

Arrays = dict[str, npt.NDArray[np.float64]]


class FormatError(ValueError):
    """A file that is not what this reads. The message is one sentence."""


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content, self._place = content, 0

    def take(self, size: int) -> bytes:
        taken = self._content[self._place : self._place + size]
        if len(taken) != size:
            raise FormatError(f"the arrays end after {len(self._content)} bytes, in the middle of one")
        self._place += size
        return taken

    def number(self, form: str) -> int:
        return int(struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))[0])


def write(stream: IO[bytes], arrays: Mapping[str, npt.NDArray[np.float32]]) -> None:
    """Write arrays with their names, in their order, as one that MXNet has saved from a CPU; any memory layout."""
    stream.write(struct.pack("<QQQ", FILE_MAGIC, 0, len(arrays)))
    for array in arrays.values():
        stream.write(struct.pack(f"<Iii{array.ndim}q", VERSION_2, _DENSE, array.ndim, *array.shape))
        stream.write(struct.pack("<iii", _CPU, 0, _FLOAT32))
        # By parts: an array that is transposed would be copied whole.
        for begin in range(0, len(array), _ROWS_AT_ONCE):
            stream.write(array[begin : begin + _ROWS_AT_ONCE].astype("<f4").tobytes())
    stream.write(struct.pack("<Q", len(arrays)))
    for name in arrays:
        stream.write(struct.pack("<Q", len(name.encode())) + name.encode())


def read(content: bytes) -> Arrays:
    """Return the arrays of a file by their names, as float64.

    Raises:
        FormatError: it is another file, or holds sparse arrays or arrays without names.
    """
    reader = _Reader(content)
    magic = reader.number("Q")
    if magic != FILE_MAGIC:
        raise FormatError(f"the file begins with {magic:#x}, where MXNet's arrays begin with {FILE_MAGIC:#x}")
    reader.take(8)
    arrays = [_array(reader) for _ in range(reader.number("Q"))]
    names = [reader.take(reader.number("Q")).decode("utf-8", errors="replace") for _ in range(reader.number("Q"))]
    if len(names) != len(arrays):
        raise FormatError(f"the file has {len(arrays)} arrays and {len(names)} names")
    return dict(zip(names, arrays, strict=True))


def _array(reader: _Reader) -> npt.NDArray[np.float64]:
    magic = reader.number("I")
    if magic not in {VERSION_1, VERSION_2, VERSION_3}:
        raise FormatError(f"an array begins with {magic:#x}, which is no version of MXNet's arrays that this reads")
    if magic != VERSION_1 and (storage := reader.number("i")) != _DENSE:
        raise FormatError(f"an array has storage type {storage}, and only dense ones (0) are read")
    dimensions = reader.number("i")
    # Since version 3 an array of no dimensions is one number; before, it was an array without values.
    least = 0 if magic == VERSION_3 else 1
    if not least <= dimensions <= _MOST_DIMENSIONS:
        raise FormatError(f"an array has {dimensions} dimensions, where {least} to {_MOST_DIMENSIONS} are read")
    shape = tuple(reader.number("q") for _ in range(dimensions))
    reader.take(8)  # the device that it was on
    kind = reader.number("i")
    if kind not in _TYPES or min(shape, default=0) < 0:
        raise FormatError(f"an array has type {kind} and shape {shape}, which is not read")
    values = np.dtype(_TYPES[kind])
    content = reader.take(values.itemsize * math.prod(shape))
    return np.frombuffer(content, dtype=values).reshape(shape).astype(np.float64)
