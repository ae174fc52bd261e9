"""Rows on their way to the endpoint: sparse RecordIO-protobuf records. Pure.

Whatever form the counts came in, the endpoint gets them in this one: it names only the words that occur, so that a
document takes some hundred bytes where its row of CSV takes thousands, and ten times as many fit in one call.

A record is a frame of RecordIO (Apache MXNet's `dmlc/recordio.h`): magic number, length, payload, padding to four
bytes. The payload is one protobuf message `aialgs.data.Record`:

    Record        { map<string, Value> features = 1; ... }
    Value         { oneof { Float32Tensor = 2; Float64Tensor = 3; Int32Tensor = 7; Bytes = 9 } }
    Float32Tensor { repeated float values = 1; repeated uint64 keys = 2; repeated uint64 shape = 3 }   (all packed)
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

MAGIC: Final = 0xCED7230A
HEADER: Final = struct.Struct("<II")
FEATURE: Final = b"values"
MORE: Final = 0x80
"""The bit of a varint's byte that says another byte follows; seven bits a byte."""

_PADDING: Final = (b"", b"\0\0\0", b"\0\0", b"\0")
_FEATURE_NAME: Final = b"\x0a" + bytes([len(FEATURE)]) + FEATURE
FLOAT_BYTES: Final = 4
# The upper two bytes of each digit as a float32; the lower two are zeros in all of them.
_THIRD_BYTES, _FOURTH_BYTES = (
    bytes(struct.pack("<f", byte - 48)[place] if 48 <= byte < 58 else 0 for byte in range(256))  # noqa: PLR2004 - ASCII
    for place in (2, 3)
)
_KEPT_VARINTS: Final = 1 << 16


class _Varints(dict[int, bytes]):
    """Encoded numbers, made when first asked for: a word's id is asked for again and again."""

    def __missing__(self, number: int) -> bytes:
        encoded = bytearray()
        rest = number
        while rest >= MORE:
            encoded.append(rest & 0x7F | MORE)
            rest >>= 7
        encoded.append(rest)
        made = bytes(encoded)
        if number < _KEPT_VARINTS:
            self[number] = made
        return made


_varints: Final = _Varints()


def of_counts(keys: Iterable[int], values: Collection[float], feature_dim: int) -> bytes:
    """Return the record of one document: the ids of its words, and how often each occurs."""
    return of_floats(keys, struct.pack(f"<{len(values)}f", *values), feature_dim)


def floats_of(digits: bytes) -> bytes:
    """Return counts of one digit each, given as ASCII, as the float32 numbers of records."""
    floats = bytearray(FLOAT_BYTES * len(digits))
    floats[2::FLOAT_BYTES] = digits.translate(_THIRD_BYTES)
    floats[3::FLOAT_BYTES] = digits.translate(_FOURTH_BYTES)
    return bytes(floats)


def of_floats(keys: Iterable[int], floats: bytes, feature_dim: int) -> bytes:
    """Return the record of one document whose counts are float32 numbers already, little-endian."""
    packed = b"".join(map(_varints.__getitem__, keys))
    head, middle, tail = _around(len(floats), len(packed), feature_dim)
    return b"".join((head, floats, middle, packed, tail))


@lru_cache(maxsize=4096)
def _around(floats: int, packed: int, feature_dim: int) -> tuple[bytes, bytes, bytes]:
    """Return what a record has before, between and behind its values and keys: it depends only on their sizes."""
    width = _varints[feature_dim]
    shape = b"\x1a" + _varints[len(width)] + width
    values, keys = b"\x0a" + _varints[floats], b"\x12" + _varints[packed]
    tensor = len(values) + floats + len(keys) + packed + len(shape)
    value = b"\x12" + _varints[tensor]
    entry = _FEATURE_NAME + b"\x12" + _varints[len(value) + tensor] + value
    message = b"\x0a" + _varints[len(entry) + tensor] + entry
    size = len(message) + tensor
    return HEADER.pack(MAGIC, size) + message + values, keys, shape + _PADDING[size & 3]
