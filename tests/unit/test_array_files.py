from __future__ import annotations

import contextlib
import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training_scripts.array_files import ArrayFileError, read_npy, read_npz

ARRAYS: dict[str, npt.NDArray[Any]] = {
    "a": np.arange(12, dtype=np.float32).reshape(3, 4),
    "b": np.asfortranarray(np.eye(3)),
    "c": np.zeros((0, 2)),
}


def npz(**arrays: object) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def zipped(name: str, content: bytes, how: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", how) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def npy(header: str, values: bytes = b"", version: int = 1) -> bytes:
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H", len(header)) + header.encode() + values


GOOD = npz(**ARRAYS)
HUGE = "{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 1024), }\n"


def test_arrays_come_back_as_they_were_written_and_can_be_written_to() -> None:
    found = read_npz(io.BytesIO(GOOD))

    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
        assert found[name].flags.writeable


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "damaged"),
        (GOOD[:-1], "damaged"),
        (GOOD[:100], "damaged"),
        (zipped("a.npy", npy(HUGE)), "'a' of shape .* takes 4503599627370496 bytes, not 0"),
        (zipped("a.npy", npy(HUGE.replace("1099511627776", "-1"))), "has shape"),
        (zipped("a.npy", npy(HUGE.replace("1099511627776, 1024", "1," * 9))), "has shape"),
        (zipped("a.npy", npy(HUGE.replace("<f4", "|O"))), "holds object"),
        (zipped("a.npy", npy(HUGE.replace("<f4", "<U9"))), "where only numbers are read"),
        (zipped("a.npy", npy(HUGE, version=3)), "format"),
        (zipped("a.npy", npy("{'descr': " + "(" * 2000)), "damaged"),
        (zipped("a.npy", npy(" " * 5000)), "damaged"),
        (zipped("a.npy", npy("__import__('os')")), "damaged"),
        (zipped("a.npy", b""), "damaged"),
        (zipped("a.npy", bytes(1 << 20), zipfile.ZIP_DEFLATED), "is compressed"),
        (zipped("a.txt", b"1"), "'a.txt' in it is no array"),
        (npz(**{f"a{number}": 0.0 for number in range(1025)}), "holds 1025 arrays"),
        (npz(a=np.array([{}])), "holds object"),
    ],
    ids=range(17),
)
def test_what_is_no_file_of_numbers_is_refused_with_one_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(ArrayFileError, match=sentence) as refused:
        read_npz(io.BytesIO(content))

    assert "\n" not in str(refused.value)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
@settings(deadline=None)
def test_any_flipped_byte_gives_arrays_or_a_sentence(at: int, mask: int) -> None:
    content = bytearray(GOOD)
    content[at] ^= mask

    with contextlib.suppress(ArrayFileError):
        assert len(read_npz(io.BytesIO(bytes(content)))) <= len(ARRAYS)


@given(st.text(max_size=200), st.binary(max_size=64))
@settings(deadline=None)
def test_any_header_gives_an_array_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, header: str, values: bytes
) -> None:
    file = tmp_path_factory.mktemp("arrays") / "a.npy"
    encoded = header.encode()
    file.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(encoded)) + encoded + values)

    with contextlib.suppress(ArrayFileError):
        assert read_npy(file).nbytes <= len(values)


def test_a_plain_array_is_read_and_a_missing_one_told_apart(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", ARRAYS["a"])

    np.testing.assert_array_equal(read_npy(tmp_path / "a.npy"), ARRAYS["a"])
    with pytest.raises(FileNotFoundError):
        read_npy(tmp_path / "absent.npy")
