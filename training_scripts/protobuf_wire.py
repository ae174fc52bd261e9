"""The wire format of protobuf: varints one by one and many at once, and the fields of a message.

Source: protobuf.dev/programming-guides/encoding. Groups are left out; nothing has used them since proto1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

Encoded: TypeAlias = bytes | bytearray | memoryview

VARINT, FIXED64, DELIMITED, FIXED32 = 0, 1, 2, 5
"""Wire types."""
MORE = 0x80
"""The bit of a varint's byte that says another byte follows; seven bits a byte."""

_FIXED_SIZES = {FIXED64: 8, FIXED32: 4}
_LONGEST_VARINT = 10


class WireError(ValueError):
    """Bytes that are no protobuf. `offset` is where, counted from the start of what was to be decoded."""

    def __init__(self, detail: str, offset: int = 0) -> None:
        super().__init__(detail)
        self.offset = offset


def varint(number: int) -> bytes:
    """Encode one number of 0 or more."""
    encoded = bytearray()
    while number >= MORE:
        encoded.append(number & 0x7F | MORE)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def delimited(tag: bytes, content: bytes) -> bytes:
    """Encode a field that carries its own length: a message, a string, packed numbers."""
    return tag + varint(len(content)) + content


def varints(numbers: npt.NDArray[np.uint64]) -> tuple[bytes, npt.NDArray[np.int64]]:
    """Encode all numbers, one after the other; also the offset at which each ends."""
    lengths = np.ones(numbers.size, dtype=np.int64)
    longest = 1
    while (longer := numbers >> np.uint64(7 * longest) > 0).any():
        lengths += longer
        longest += 1
    ends = np.cumsum(lengths)
    encoded = np.empty(int(lengths.sum()), dtype=np.uint8)
    starts = ends - lengths
    for place in range(longest):
        reaching = np.flatnonzero(lengths > place)
        groups = numbers[reaching] >> np.uint64(7 * place) & np.uint64(0x7F)
        more = np.where(lengths[reaching] > place + 1, np.uint64(MORE), np.uint64(0))
        encoded[starts[reaching] + place] = (groups | more).astype(np.uint8)
    return encoded.tobytes(), ends


def decoded_varints(encoded: Encoded) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Decode packed numbers; also the offset at which each ends. The last byte must end a number.

    Raises:
        WireError: a number is longer than ten bytes.
    """
    groups = np.frombuffer(encoded, dtype=np.uint8)
    ends = np.flatnonzero(groups < MORE) + 1
    lengths = np.diff(ends, prepend=0)
    longest = int(lengths.max(initial=0))
    if longest > _LONGEST_VARINT:
        raise WireError("a packed number is longer than ten bytes", int(ends[np.argmax(lengths > _LONGEST_VARINT)]))
    starts = ends - lengths
    numbers = np.zeros(ends.size, dtype=np.uint64)
    for place in range(longest):
        reaching = np.flatnonzero(lengths > place)
        group = groups[starts[reaching] + place].astype(np.uint64) & np.uint64(0x7F)
        numbers[reaching] |= group << np.uint64(7 * place)
    return numbers, ends


def fields(message: memoryview) -> Iterator[tuple[int, int, memoryview | int]]:
    """Yield each field of a message: number, wire type, and the content (an int for a varint).

    Raises:
        WireError: the message is damaged.
    """
    position, end = 0, len(message)
    while position < end:
        tag, position = _read_varint(message, position)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, position = _read_varint(message, position)
            yield number, wire, value
            continue
        if wire == DELIMITED:
            size, position = _read_varint(message, position)
        elif wire in _FIXED_SIZES:
            size = _FIXED_SIZES[wire]
        else:
            raise WireError(f"wire type {wire} is not one of this format", position)
        if size > end - position:
            raise WireError(f"field {number} runs past the end of its message", position)
        yield number, wire, message[position : position + size]
        position += size


def _read_varint(message: memoryview, position: int) -> tuple[int, int]:
    # Almost every number of a record's frame fits one byte.
    if position < len(message) and (first := message[position]) < MORE:
        return first, position + 1
    number = shift = 0
    for byte in message[position : position + _LONGEST_VARINT]:
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < MORE:
            return number, position
        shift += 7
    raise WireError("a number runs past its ten bytes or the end of its message", position)
