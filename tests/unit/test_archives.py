from __future__ import annotations

import contextlib
import gzip
import io
import random
import tarfile
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training_scripts import archives
from training_scripts.archives import ArchiveError, pack, read_file, unpack

NOISE = random.Random(0).randbytes(4096)


class Member(NamedTuple):
    name: str
    content: bytes = b"1"
    kind: bytes = tarfile.REGTYPE
    link: str = ""
    pax: dict[str, str] | None = None
    mode: int = 0o644


def tar_of(*members: Member, form: int = tarfile.PAX_FORMAT) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as tar:
        for member in members:
            entry = tarfile.TarInfo(member.name)
            entry.type, entry.linkname, entry.mode = member.kind, member.link, member.mode
            entry.pax_headers = member.pax or {}
            if member.kind == tarfile.REGTYPE:
                entry.size = len(member.content)
            tar.addfile(entry, io.BytesIO(member.content) if entry.size else None)
    return packed.getvalue()


def renumbered(packed: bytes, at: int, field: bytes) -> bytes:
    """Write a field of the first header, and its checksum anew."""
    block = bytearray(packed[:512])
    block[at : at + len(field)] = field
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + packed[512:]


def gz(packed: bytes) -> bytes:
    return gzip.compress(packed, mtime=0)


def zeros(megabytes: int) -> bytes:
    """A gzipped archive of one file of zeros, made without the zeros."""
    entry = tarfile.TarInfo("params.npz")
    entry.size = megabytes << 20
    zipped = zlib.compressobj(9, wbits=31)
    parts = [zipped.compress(entry.tobuf())]
    parts += [zipped.compress(bytes(1 << 20)) for _ in range(megabytes)]
    parts += [zipped.compress(bytes(1024)), zipped.flush()]
    return b"".join(parts)


def chained(kind: bytes, times: int) -> bytes:
    header = tarfile.TarInfo("././@LongLink")
    header.type = kind
    return header.tobuf() * times + tar_of(Member("a"))


def claiming(kind: bytes, size: int) -> bytes:
    header = tarfile.TarInfo("a")
    header.type, header.size = kind, size
    return header.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


GOOD = tar_of(Member("model.json", b"{}"), Member("params.npz", NOISE))
SPARSE = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "a", "GNU.sparse.realsize": "9"}

HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "parent folder": (lambda: tar_of(Member("../evil")), "'../evil' in the archive lies outside"),
    "parent folder within": (lambda: tar_of(Member("a/../../evil")), "lies outside"),
    "parent folder by a pax header": (lambda: tar_of(Member("a", pax={"path": "../evil"})), "lies outside"),
    "absolute": (lambda: tar_of(Member("/etc/evil")), "lies outside"),
    "two slashes": (lambda: tar_of(Member("//evil")), "lies outside"),
    "symbolic link": (lambda: tar_of(Member("l", kind=tarfile.SYMTYPE, link="b")), "'l' .* a symbolic link"),
    "link in two steps": (
        lambda: tar_of(Member("in", kind=tarfile.SYMTYPE, link="."), Member("in/o", kind=tarfile.SYMTYPE, link="..")),
        "a symbolic link",
    ),
    "file through a link": (
        lambda: tar_of(Member("in", kind=tarfile.SYMTYPE, link="/"), Member("in/evil")),
        "a symbolic link",
    ),
    "hard link": (lambda: tar_of(Member("a"), Member("l", kind=tarfile.LNKTYPE, link="a")), "'l' .* a hard link"),
    "hard link out": (lambda: tar_of(Member("l", kind=tarfile.LNKTYPE, link="/etc/passwd")), "a hard link"),
    "pipe": (lambda: tar_of(Member("p", kind=tarfile.FIFOTYPE)), "'p' .* a pipe"),
    "character device": (lambda: tar_of(Member("d", kind=tarfile.CHRTYPE)), "'d' .* a device"),
    "block device": (lambda: tar_of(Member("d", kind=tarfile.BLKTYPE)), "'d' .* a device"),
    "contiguous file": (lambda: renumbered(tar_of(Member("c")), 156, b"7"), "of type b'7'"),
    "unknown type": (lambda: renumbered(tar_of(Member("c")), 156, b"Z"), "of type b'Z'"),
    "old sparse file": (lambda: renumbered(tar_of(Member("s")), 156, b"S"), "sparse file|damaged"),
    "sparse file by pax headers": (lambda: tar_of(Member("s", b"1\n0\n9\n", pax=SPARSE)), "sparse file|damaged"),
    "twice": (lambda: tar_of(Member("a"), Member("a")), "'a' in the archive has the place of 'a'"),
    "twice, by a dot": (lambda: tar_of(Member("a"), Member("./a")), "has the place of 'a'"),
    "other case": (lambda: tar_of(Member("Model.json"), Member("model.json")), "has the place of 'Model.json'"),
    "other case of a folder": (lambda: tar_of(Member("A/x"), Member("a/y")), "has the place of 'A'"),
    "other normal form": (lambda: tar_of(Member("\u00e9"), Member("e\u0301")), "has the place"),
    "sharp s": (lambda: tar_of(Member("stra\u00dfe"), Member("STRASSE")), "has the place"),
    "file as folder": (lambda: tar_of(Member("a"), Member("a/b")), "has the place of 'a'"),
    "folder as file": (lambda: tar_of(Member("a/b"), Member("a")), "has the place of 'a'"),
    "backslash": (lambda: tar_of(Member("..\\evil")), "backslash"),
    "line feed": (lambda: tar_of(Member("a\nb")), "not printed"),
    "terminal escape": (lambda: tar_of(Member("a\x1b[2J")), "not printed"),
    "not UTF-8": (lambda: renumbered(tar_of(Member("aa")), 0, b"\xff\xfe"), "not printed"),
    "no name": (lambda: tar_of(Member("./.")), "no file's name"),
    "long name": (lambda: tar_of(Member("n/" * 20 + "a" * 1100)), "too long a name"),
    "long part": (lambda: tar_of(Member("a" * 256)), "too long a name"),
    "deep": (lambda: tar_of(Member("a/" * 40 + "a")), "too long a name"),
    "large pax header": (lambda: tar_of(Member("a", pax={"comment": "x" * 5000})), "headers in the archive take more"),
    "pax header of 8 GB": (lambda: claiming(tarfile.XHDTYPE, 8 << 30), "headers in the archive take more"),
    "long name of 8 GB": (lambda: claiming(tarfile.GNUTYPE_LONGNAME, 8 << 30), "headers in the archive take more"),
    "chain of long names": (lambda: chained(tarfile.GNUTYPE_LONGNAME, 5000), "headers in the archive take more"),
    "chain of pax headers": (lambda: chained(tarfile.XHDTYPE, 5000), "headers in the archive take more"),
    "file of 9 GB": (lambda: claiming(tarfile.REGTYPE, 9 << 30), "'a' in the archive has 9663676416 bytes"),
    "negative size": (lambda: renumbered(tar_of(Member("a")), 124, b"\xff" * 12), "size of -1|damaged"),
    "negative pax size": (lambda: tar_of(Member("a", pax={"size": "-512"})), "size of -512|damaged"),
    "folder with a size": (lambda: renumbered(tar_of(Member("a")), 156, b"5"), "has a size of 1"),
    "many members": (lambda: tar_of(*(Member(f"{number}") for number in range(1001))), "more than 1000"),
    "second archive behind": (lambda: GOOD + GOOD, "goes on behind its end"),
    "no end": (lambda: GOOD[: 512 * 11], "end is missing|cut off"),
    "damaged header": (lambda: GOOD[:1024] + b"\xff" + GOOD[1025:], "end is missing|damaged"),
    "empty": (lambda: b"", "cut off or damaged"),
    "not a tar file": (lambda: b"PK\x03\x04" + NOISE, "cut off or damaged"),
}


@pytest.mark.parametrize("zipped", [False, True], ids=["tar", "tar.gz"])
@pytest.mark.parametrize("shape", HOSTILE)
def test_a_hostile_archive_is_refused_by_name_and_leaves_nothing_outside(
    tmp_path: Path, shape: str, *, zipped: bool
) -> None:
    made, sentence = HOSTILE[shape]
    content = gz(made()) if zipped else made()

    with pytest.raises(ArchiveError, match=sentence):
        unpack(io.BytesIO(content), tmp_path / "model")

    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert all(path.is_file() or path.is_dir() for path in tmp_path.rglob("*"))
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (zeros(400), "unpacks to more than"),
        (gz(GOOD)[:-9], "cut off"),
        (flipped(gz(GOOD), -6), "damaged"),
        (gz(GOOD) + b"garbage", "goes on behind its end"),
        (gz(GOOD) + gz(b"") * 1001, "gzip members"),
        (b"\x1f\x8b\x08" + bytes(20), "damaged"),
    ],
    ids=["bomb", "cut off", "checksum", "garbage behind", "empty members", "no gzip"],
)
def test_a_hostile_gzip_file_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(ArchiveError, match=sentence):
        unpack(io.BytesIO(content), tmp_path / "model")


@pytest.mark.parametrize("content", [zeros(400), claiming(tarfile.XHDTYPE, 8 << 30), gz(claiming(b"0", 8 << 30))])
def test_a_hostile_archive_costs_little_memory(tmp_path: Path, content: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(ArchiveError):
        unpack(io.BytesIO(content), tmp_path / "model")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 8 << 20


@given(st.integers(0, len(gz(GOOD)) - 1), st.integers(1, 255))
@settings(deadline=None)
def test_any_flipped_byte_gives_the_same_files_or_a_sentence(at: int, mask: int) -> None:
    content = bytearray(gz(GOOD))
    content[at] ^= mask

    with contextlib.suppress(ArchiveError):
        # gzip's own header has bytes that mean nothing here.
        assert read_file(io.BytesIO(bytes(content)), "absent") is None
        assert read_file(io.BytesIO(bytes(content)), "params.npz") == NOISE


@given(st.integers(0, len(gz(GOOD)) - 1))
@settings(deadline=None)
def test_an_archive_cut_off_anywhere_is_refused(kept: int) -> None:
    with pytest.raises(ArchiveError):
        read_file(io.BytesIO(gz(GOOD)[:kept]), "absent")


@given(st.binary(max_size=3000), st.integers(0, 512 * 4))
@settings(deadline=None)
def test_any_bytes_in_the_place_of_headers_give_a_sentence_or_an_answer(noise: bytes, at: int) -> None:
    content = GOOD[:at] + noise + GOOD[at + len(noise) :]

    with contextlib.suppress(ArchiveError):
        assert read_file(io.BytesIO(content), "absent") is None


@pytest.mark.parametrize("pack_as", [gz, bytes], ids=["tar.gz", "tar"])
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_files_come_out_as_they_went_in(tmp_path: Path, pack_as: Callable[[bytes], bytes], form: int) -> None:
    long_name = f"code/{'n' * 60}/{'m' * 90}.py"
    packed = tar_of(
        Member("./", kind=tarfile.DIRTYPE),
        Member("./model.json", b"{}", mode=0o600),
        Member("code/", kind=tarfile.DIRTYPE),
        Member("code/serve.py", b"x", mode=0o4777),
        Member(long_name, NOISE),
        form=form,
    )

    unpack(io.BytesIO(pack_as(packed)), tmp_path / "model")

    assert (tmp_path / "model" / "model.json").read_bytes() == b"{}"
    assert (tmp_path / "model" / long_name).read_bytes() == NOISE
    assert (tmp_path / "model" / "code" / "serve.py").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "model" / "model.json").stat().st_mode & 0o7777 == 0o644


def test_a_file_on_disk_is_unpacked_too(tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(gz(tar_of(Member("a"))))

    unpack(tmp_path / "model.tar.gz", tmp_path / "model")

    assert [path.name for path in (tmp_path / "model").iterdir()] == ["a"]


def test_one_file_is_read_without_the_rest() -> None:
    content = gz(tar_of(Member("model.json", b"{}"), Member("params.npz", random.Random(1).randbytes(400_000))))

    assert read_file(io.BytesIO(content[:300_000]), "model.json") == b"{}"


def test_a_file_that_is_too_large_to_be_held_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "READ_FILE_BYTES_MAX", 100)

    with pytest.raises(ArchiveError, match="'params.npz' in the archive has 4096 bytes, over 100"):
        read_file(io.BytesIO(GOOD), "params.npz")


def test_a_folder_comes_out_as_it_was_packed_a_link_in_it_as_its_file(tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    (packed / "sub").mkdir(parents=True)
    (packed / "sub" / "params.npz").write_bytes(b"1")
    (packed / "latest").symlink_to("sub/params.npz")
    (packed / "again").hardlink_to(packed / "sub" / "params.npz")

    pack(packed, tmp_path / "made" / "model.tar.gz")
    unpack(tmp_path / "made" / "model.tar.gz", tmp_path / "model")

    files = {path.relative_to(tmp_path / "model").as_posix() for path in (tmp_path / "model").rglob("*")}
    assert files == {"again", "latest", "sub", "sub/params.npz"}
    assert not (tmp_path / "model" / "latest").is_symlink()
    assert (tmp_path / "model" / "latest").read_bytes() == (tmp_path / "model" / "again").read_bytes() == b"1"


@pytest.mark.parametrize("target", ["/etc/passwd", "..", "absent"])
def test_a_folder_with_a_link_that_leads_out_of_it_is_not_packed(tmp_path: Path, target: str) -> None:
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "link").symlink_to(target)

    with pytest.raises(ArchiveError, match="'link' is a link"):
        pack(tmp_path / "packed", tmp_path / "model.tar.gz")
