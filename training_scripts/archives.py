"""Archives of models, model.tar.gz, unpacked without trust in what they hold.

`tarfile`'s own filter for that is missing from the first releases of Python 3.11.
"""

from __future__ import annotations

import shutil
import tarfile
import zlib
from pathlib import Path
from typing import IO

_READABLE = 0o644
_RUNNABLE = 0o111


def unpack(archive: Path | IO[bytes], folder: Path) -> None:
    """Unpack a tar file, compressed or not, into `folder`, which is made; nothing is written outside of it.

    Owners and times are left out, and of the permissions all but that to run a file.

    Raises:
        tarfile.TarError: it is no archive, reaches outside of the folder, or holds what is neither file nor folder.
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
    target = (root / member.name).resolve()
    if not target.is_relative_to(root):
        raise tarfile.TarError(f"{member.name!r} in the archive lies outside of its folder")
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
    elif member.isfile():
        _write(tar, member, target)
    else:
        raise tarfile.TarError(f"{member.name!r} in the archive is neither a file nor a folder")


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    content = tar.extractfile(member)
    if content is None:
        raise tarfile.TarError(f"{member.name!r} in the archive has no content")
    target.parent.mkdir(parents=True, exist_ok=True)
    with content, target.open("wb") as file:
        shutil.copyfileobj(content, file)
    target.chmod(_READABLE | (member.mode & _RUNNABLE))
