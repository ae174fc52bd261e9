from __future__ import annotations

import io
import random
import tarfile
from pathlib import Path

import pytest

from training_scripts.archives import pack, unpack


def archive_of(*members: tuple[str, bytes, int], kind: bytes = tarfile.REGTYPE, mode: str = "w:gz") -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as tar:  # type: ignore[call-overload]
        for name, content, permissions in members:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.type, entry.linkname = len(content), permissions, kind, "/etc/passwd"
            tar.addfile(entry, io.BytesIO(content))
    packed.seek(0)
    return packed


@pytest.mark.parametrize("mode", ["w:gz", "w", "w:bz2"])
def test_files_come_out_as_they_went_in(tmp_path: Path, mode: str) -> None:
    unpack(archive_of(("model.json", b"{}", 0o600), ("code/serve.py", b"x", 0o4777), mode=mode), tmp_path / "model")

    assert (tmp_path / "model" / "model.json").read_bytes() == b"{}"
    assert (tmp_path / "model" / "code" / "serve.py").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "model" / "model.json").stat().st_mode & 0o7777 == 0o644


def test_a_file_on_disk_is_unpacked_too(tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(archive_of(("a", b"1", 0o644)).getvalue())

    unpack(tmp_path / "model.tar.gz", tmp_path / "model")

    assert [path.name for path in (tmp_path / "model").iterdir()] == ["a"]


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/../../evil"])
def test_nothing_is_written_outside_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(tarfile.TarError, match="outside"):
        unpack(archive_of((name, b"1", 0o644)), tmp_path / "model")

    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_what_is_no_file_folder_or_link_is_refused(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(tarfile.TarError, match="no file, folder or link"):
        unpack(archive_of(("device", b"", 0o644), kind=kind), tmp_path / "model")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_that_leads_outside_is_refused(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(tarfile.TarError, match="outside"):
        unpack(archive_of(("link", b"", 0o644), kind=kind), tmp_path / "model")


def test_a_folder_comes_out_as_it_was_packed_links_included(tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    (packed / "sub").mkdir(parents=True)
    (packed / "sub" / "params.npz").write_bytes(b"1")
    (packed / "latest").symlink_to("sub/params.npz")
    (packed / "again").hardlink_to(packed / "sub" / "params.npz")

    pack(packed, tmp_path / "made" / "model.tar.gz")
    unpack(tmp_path / "made" / "model.tar.gz", tmp_path / "model")

    assert sorted(path.relative_to(tmp_path / "model").as_posix() for path in (tmp_path / "model").rglob("*")) == [
        "again",
        "latest",
        "sub",
        "sub/params.npz",
    ]
    assert (tmp_path / "model" / "latest").readlink() == Path("sub/params.npz")
    assert (tmp_path / "model" / "again").read_bytes() == b"1"


def test_nothing_is_written_through_a_link_that_was_unpacked_before(tmp_path: Path) -> None:
    archive = tmp_path / "evil.tar"
    with tarfile.open(archive, "w") as tar:
        for name, kind, linkname in (("in", tarfile.SYMTYPE, "."), ("in/out", tarfile.SYMTYPE, "..")):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, linkname
            tar.addfile(entry)

    with pytest.raises(tarfile.TarError, match="outside"):
        unpack(archive, tmp_path / "model")


@pytest.mark.parametrize("kept", [0, 5, 2000])
def test_an_archive_that_is_cut_off_is_refused_as_one(tmp_path: Path, kept: int) -> None:
    packed = archive_of(("model.npz", random.Random(0).randbytes(4096), 0o644)).getvalue()

    with pytest.raises(tarfile.TarError):
        unpack(io.BytesIO(packed[:kept]), tmp_path / "model")
