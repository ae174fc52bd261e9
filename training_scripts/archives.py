"""Archives of models, model.tar.gz: packed, and unpacked without trust in what they hold.

`tarfile`'s own filter for that is missing from the first releases of Python 3.11.
"""

from __future__ import annotations

import shutil
import tarfile
import zlib
from pathlib import Path
from typing import IO, Final

COMPRESSION_LEVEL: Final = 6
_READABLE: Final = 0o644
_RUNNABLE: Final = 0o111


def pack(folder: Path, archive: Path) -> None:
    """Write the content of a folder to a .tar.gz, in the order of the names."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz", compresslevel=COMPRESSION_LEVEL) as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, arcname=path.name)


def unpack(archive: Path | IO[bytes], folder: Path) -> None:
    """Unpack a tar file, compressed or not, into `folder`, which is made; nothing is written outside of it.

    Owners and times are left out, and of the permissions all but that to run a file. Links may lead to what is in the
    folder.

    Raises:
        tarfile.TarError: it is no archive, reaches outside of the folder, or holds what is no file, folder or link.
        OSError: the archive cannot be read, or the folder not written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    root = folder.resolve()
    stream = archive.open("rb") if isinstance(archive, Path) else archive
    try:
        with stream, tarfile.open(fileobj=stream) as tar:
            for member in tar:
                _unpack(tar, member, root)
    except (EOFError, zlib.error) as error:
        raise tarfile.ReadError(f"the archive is cut off or damaged: {error}") from None


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, root: Path) -> None:
    target = _inside(root, root / member.name, member)
    if member.issym():
        _inside(root, target.parent / member.linkname, member)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(member.linkname)
    elif member.islnk():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(_inside(root, root / member.linkname, member))
    elif member.isdir():
        target.mkdir(parents=True, exist_ok=True)
    elif member.isfile():
        _write(tar, member, target)
    else:
        raise tarfile.TarError(f"{member.name!r} in the archive is no file, folder or link")


def _inside(root: Path, place: Path, member: tarfile.TarInfo) -> Path:
    """Return where a place really is, by the links that are there."""
    real = place.resolve()
    if not real.is_relative_to(root):
        raise tarfile.TarError(f"{member.name!r} in the archive lies, or leads, outside of its folder")
    return real


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    content = tar.extractfile(member)
    if content is None:
        raise tarfile.TarError(f"{member.name!r} in the archive has no content")
    target.parent.mkdir(parents=True, exist_ok=True)
    with content, target.open("wb") as file:
        shutil.copyfileobj(content, file)
    target.chmod(_READABLE | (member.mode & _RUNNABLE))
