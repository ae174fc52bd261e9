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
_DIGITS: Final = {ord(str(digit)): struct.pack("<f", digit) for digit in range(10)}
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


@lru_cache(maxsize=4)
def _shape(feature_dim: int) -> bytes:
    width = _varints[feature_dim]
    return b"\x1a" + _varints[len(width)] + width


def of_counts(keys: Iterable[int], values: Collection[float], feature_dim: int) -> bytes:
    """Return the record of one document: the ids of its words, and how often each occurs."""
    return _record(keys, struct.pack(f"<{len(values)}f", *values), feature_dim)


def of_digits(keys: Iterable[int], digits: bytes, feature_dim: int) -> bytes:
    """Return the record of one document whose counts are each one digit, given as ASCII."""
    return _record(keys, b"".join(map(_DIGITS.__getitem__, digits)), feature_dim)


def _record(keys: Iterable[int], floats: bytes, feature_dim: int) -> bytes:
    packed = b"".join(map(_varints.__getitem__, keys))
    shape = _shape(feature_dim)
    tensor = b"".join((b"\x0a", _varints[len(floats)], floats, b"\x12", _varints[len(packed)], packed, shape))
    value = b"\x12" + _varints[len(tensor)] + tensor
    entry = b"".join((_FEATURE_NAME, b"\x12", _varints[len(value)], value))
    payload = b"\x0a" + _varints[len(entry)] + entry
    return b"".join((HEADER.pack(MAGIC, len(payload)), payload, _PADDING[len(payload) & 3]))
