"""RecordIO-protobuf requests, read by `struct` alone: this function carries neither NumPy nor protobuf. Pure.

The format is told in `records`; a caller's records may also be dense, of other numbers, or split in parts.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from topics_function.reading.batch import check_number_of_rows
from topics_function.reading.json_codec import instance_row
from topics_function.reading.records import FEATURE, HEADER, MAGIC, MORE
from url_functions.limits import MAX_RECORDS_BYTES
from url_functions.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC_BYTES: Final = struct.pack("<I", MAGIC)
_LENGTH_MASK: Final = (1 << 29) - 1
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)
_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT: Final = 10
# Field numbers of Value, as the letter that `struct` has for a number of the tensor; None for varints.
_TENSORS: Final[dict[int, str | None]] = {2: "f", 3: "d", 7: None}
_SIGN_BIT: Final = 1 << 63


class _DamagedError(Exception):
    """Bytes that are not this format; the sentence says what they are instead."""


class _TooWideError(Exception):
    """More numbers than a row may have: they are not unpacked, since each takes many times its encoded size."""


def rows_of(body: bytes, *, feature_dim: int, max_rows: int) -> list[bytes | Problem]:
    """Return each record as it goes to the endpoint, or what is wrong with it, in order.

    Raises:
        Problem: `too_many_rows`, `body_too_large`, or `invalid_recordio` where the frames themselves are damaged.
    """
    rows: list[bytes | Problem] = []
    size = 0
    try:
        for number, payload in enumerate(_payloads(body), start=1):
            check_number_of_rows(number, max_rows)
            row = _row(payload, number, feature_dim)
            rows.append(row)
            size += len(row) if isinstance(row, bytes) else 0
            if size > MAX_RECORDS_BYTES:
                raise _too_large(number)
    except _DamagedError as damage:
        raise _invalid(f"record {len(rows) + 1}: {damage}", len(rows) + 1) from None
    return rows


def _too_large(number: int) -> Problem:
    detail = f"the first {number} records take more than {MAX_RECORDS_BYTES} bytes on their way to the endpoint"
    return Problem(Code.BODY_TOO_LARGE, detail, allowed="fewer documents; send them in several requests")


def _invalid(detail: str, row: int) -> Problem:
    return Problem(Code.INVALID_RECORDIO, detail, row=row, allowed="records as the sagemaker SDK writes them")


def _payloads(body: bytes) -> Iterator[memoryview]:
    view = memoryview(body)
    parts = bytearray()
    inside = False
    position = 0
    while position < len(view):
        if len(view) - position < HEADER.size:
            raise _DamagedError("the body ends within a frame's header")
        magic, length_field = HEADER.unpack_from(view, position)
        if magic != MAGIC:
            raise _DamagedError(f"it starts with {magic:#010x}, not RecordIO's {MAGIC:#010x}")
        part, length = length_field >> 29, length_field & _LENGTH_MASK
        if part > _LAST or inside != (part in (_MIDDLE, _LAST)):
            raise _DamagedError("the parts of a split record are out of order")
        start = position + HEADER.size
        position = start + ((length + 3) & ~3)
        if position > len(view):
            raise _DamagedError(f"the body ends within the record's {length} bytes")
        payload = view[start : start + length]
        if part == _WHOLE:
            yield payload
            continue
        # The writer splits where the payload holds the magic number, and leaves that out.
        parts += _MAGIC_BYTES + payload if inside else payload
        inside = part != _LAST
        if not inside:
            yield memoryview(parts)
            parts = bytearray()
    if inside:
        raise _DamagedError("the body ends between the parts of a split record")


def _row(payload: memoryview, number: int, feature_dim: int) -> bytes | Problem:
    try:
        features = _features_of(payload, feature_dim)
    except _DamagedError as damage:
        return _invalid(f"record {number}: {damage}", number)
    except _TooWideError:
        return Problem(
            Code.WRONG_WIDTH,
            f"record {number} has more than {feature_dim} numbers, where the vocabulary has {feature_dim} words",
            row=number,
            allowed=f"{feature_dim} counts a document",
        )
    checked = instance_row({"data": {"features": features}}, number, "", feature_dim)
    if isinstance(checked, Problem):
        # The checks are those of a JSON instance, but there is no JSON to point into.
        checked.pointer = None
    return checked


def _features_of(payload: memoryview, most: int) -> dict[str, list[int] | list[float]]:
    tensor: tuple[str | None, memoryview] | None = None
    for field, entry in _messages(payload):
        if field != 1:
            continue
        name, value = b"", memoryview(b"")
        for part, content in _messages(entry):
            if part == 1:
                name = bytes(content)
            else:
                value = content
        if name == FEATURE:
            tensor = _tensor_of(value)
    if tensor is None:
        raise _DamagedError('it has no feature called "values"')
    values, keys, shape = _numbers_of(*tensor, most)
    # An empty tensor with a shape is a sparse row of zeros.
    if keys or (shape and not values):
        return {"keys": keys, "values": values, **({"shape": shape} if shape else {})}
    return {"values": values}


def _tensor_of(value: memoryview) -> tuple[str | None, memoryview]:
    tensor = None
    for field, content in _messages(value):
        if field in _TENSORS:
            tensor = _TENSORS[field], content
    if tensor is None:
        raise _DamagedError('its "values" hold no float32, float64 or int32 tensor')
    return tensor


def _numbers_of(
    letter: str | None, tensor: memoryview, most: int
) -> tuple[list[int] | list[float], list[int], list[int]]:
    floats: list[float] = []
    varints: dict[int, list[int]] = {1: [], 2: [], 3: []}
    for field, wire, content in _fields(tensor):
        if field == 1 and letter is not None:
            floats += _fixed(letter, content, most)
        elif field in varints:
            varints[field] += _unpacked(wire, content, most)
        if len(floats) > most or any(len(numbers) > most for numbers in varints.values()):
            raise _TooWideError
    return _signed(varints[1]) if letter is None else floats, varints[2], varints[3]


def _fixed(letter: str, content: memoryview | int, most: int) -> list[float]:
    size = struct.calcsize(f"<{letter}")
    if isinstance(content, int) or len(content) % size:
        raise _DamagedError("its values are not a whole number of numbers")
    if len(content) // size > most:
        raise _TooWideError
    return list(struct.unpack(f"<{len(content) // size}{letter}", content))


def _unpacked(wire: int, content: memoryview | int, most: int) -> list[int]:
    if isinstance(content, int):
        return [content]
    if wire != _DELIMITED:
        raise _DamagedError(f"a field of integers has wire type {wire}")
    if len(content) <= most and (packed := bytes(content)).isascii():
        # Each number is one byte, as small ones are.
        return list(packed)
    numbers: list[int] = []
    position = 0
    while position < len(content):
        number, position = _varint(content, position)
        numbers.append(number)
        if len(numbers) > most:
            raise _TooWideError
    return numbers


def _signed(numbers: list[int]) -> list[int]:
    # Negative numbers are written as their 64-bit two's complement.
    return [number - 2 * _SIGN_BIT if number >= _SIGN_BIT else number for number in numbers]


def _messages(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    for field, _, content in _fields(message):
        if isinstance(content, int):
            raise _DamagedError("a number stands where a message is expected")
        yield field, content


def _fields(message: memoryview) -> Iterator[tuple[int, int, memoryview | int]]:
    position, end = 0, len(message)
    while position < end:
        tag, position = _varint(message, position)
        field, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            number, position = _varint(message, position)
            yield field, wire, number
            continue
        if wire == _DELIMITED:
            size, position = _varint(message, position)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise _DamagedError(f"wire type {wire} is not one of this format")
        if size > end - position:
            raise _DamagedError(f"field {field} runs past the end of its message")
        yield field, wire, message[position : position + size]
        position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    if position < len(message) and (first := message[position]) < MORE:
        return first, position + 1
    number = shift = 0
    for byte in message[position : position + _LONGEST_VARINT]:
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < MORE:
            return number, position
        shift += 7
    raise _DamagedError("a number runs past its ten bytes or the end of its message")
