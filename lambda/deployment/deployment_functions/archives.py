"""Archives of models, model.tar.gz: packed, and read without trust in what they hold. Standard library only.

A model's archive holds regular files and folders and nothing else, within the limits below; all else is refused by its
name. `tarfile` reads the headers, from a stream that bounds what it may ask for: by itself it takes memory for what a
header claims, and ends silently at a damaged one. Its own filter is missing from the first releases of Python 3.11.
"""

from __future__ import annotations

import gzip
import io
import lzma
import shutil
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import WriteableBuffer

COMPRESSION_LEVEL: Final = 6
MEMBERS_MAX: Final = 1000
UNPACKED_BYTES_MAX: Final = 8 << 30
FREE_UNPACKED_BYTES: Final = 64 << 20
"""What an archive may unpack to however small it is; ..."""
RATIO_MAX: Final = 20
"""... beyond that, at most so many bytes for each of its own. A model's numbers hardly compress, zeros by 1,000."""
HEADER_BYTES_MAX: Final = 4096
"""Headers of one member, its long name and extended ones among them."""
NAME_BYTES_MAX: Final = 1024
PART_BYTES_MAX: Final = 255
DEPTH_MAX: Final = 32
GZIP_MEMBERS_MAX: Final = 1000
READ_FILE_BYTES_MAX: Final = 32 << 20
"""The largest file that `read_file` returns."""
_READABLE: Final = 0o644
_RUNNABLE: Final = 0o111
_PIECE: Final = 1 << 16
_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_END: Final = bytes(tarfile.BLOCKSIZE)
_FILES: Final = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE})
_KINDS: Final = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}
_SHOWN: Final = 120


class ArchiveError(tarfile.TarError):
    """An archive that is not read, or a folder that is not packed. The message is one sentence."""


def pack(folder: Path, archive: Path) -> None:
    """Write the content of a folder to a .tar.gz, in the order of the names; a link to a file in it as that file.

    Times and owners are left out: the same files make the same bytes.

    Raises:
        ArchiveError: it holds what is no file or folder, or a link that leads out of it.
    """
    root = folder.resolve()
    archive.parent.mkdir(parents=True, exist_ok=True)
    with (
        archive.open("wb") as file,
        gzip.GzipFile("", "wb", COMPRESSION_LEVEL, file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", dereference=True) as tar,
    ):
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_symlink() and not (path.is_file() and path.resolve().is_relative_to(root)):
                raise ArchiveError(f"{name[:_SHOWN]!r} is a link to what is no file of its folder")
            if not path.is_file() and not path.is_dir():
                raise ArchiveError(f"{name[:_SHOWN]!r} is neither a file nor a folder")
            tar.add(path, arcname=name, recursive=False, filter=_without_origin)


def _without_origin(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def unpack(archive: Path | IO[bytes], folder: Path) -> None:
    """Unpack a tar file, gzipped or not, into `folder`, which is made; nothing is written outside of it.

    Owners and times are left out, and of the permissions all but that to run a file. What was written before a fault
    was found stays: the folder is the caller's to remove.

    Raises:
        ArchiveError: it is no archive, is damaged, or holds what a model's archive may not.
        OSError: the archive cannot be read, or the folder not written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, member, content in _members(archive):
        target = folder / name
        if content is None:
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        # Never one that is there already, and never through a link.
        with target.open("xb") as file:
            shutil.copyfileobj(content, file, _PIECE)
        target.chmod(_READABLE | (member.mode & _RUNNABLE))


def read_file(archive: Path | IO[bytes], name: str) -> bytes | None:
    """Return one file of an archive, or None where there is none of this name; what lies behind it is not read.

    Raises:
        ArchiveError: as `unpack`, or the file has more than `READ_FILE_BYTES_MAX` bytes.
        OSError: the archive cannot be read.
    """
    for found, member, content in _members(archive):
        if found == name and content is not None:
            if member.size > READ_FILE_BYTES_MAX:
                raise ArchiveError(f"{name!r} in the archive has {member.size} bytes, over {READ_FILE_BYTES_MAX}")
            return content.read()
    return None


def read_zipped(archive: Path, name: str) -> bytes:
    """Return one file of a ZIP file.

    Raises:
        ArchiveError: it is no ZIP file, is damaged or encrypted, has no such file, or one that unpacks to too much.
        OSError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(archive) as unzipped:
            member = unzipped.getinfo(name)
            _check_size(member, _allowed(archive.stat().st_size))
            return unzipped.read(member)
    except KeyError:
        raise ArchiveError(f"there is no {name!r} in the archive") from None
    except (EOFError, RuntimeError, ValueError, struct.error, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as error:
        raise ArchiveError(f"the archive is cut off or damaged: {error}") from None


def _check_size(member: zipfile.ZipInfo, allowed: int) -> None:
    if member.file_size > allowed:
        raise ArchiveError(
            f"{member.filename!r} in the archive has {member.file_size} bytes, where {allowed} are allowed"
        )


def _allowed(packed: int) -> int:
    """Return to how many bytes an archive of so many may unpack."""
    return min(UNPACKED_BYTES_MAX, FREE_UNPACKED_BYTES + RATIO_MAX * packed)


def _members(archive: Path | IO[bytes]) -> Iterator[tuple[str, tarfile.TarInfo, IO[bytes] | None]]:
    """Yield each member's checked name, its header and its content, None of a folder."""
    with _opened(archive) as source:
        stream = _Bounded(source)
        names = _Names()
        try:
            with stream.header():
                tar = tarfile.TarFile(fileobj=stream, mode="r", encoding="utf-8")  # type: ignore[arg-type]
            while (member := _next(tar, stream)) is not None:
                name = names.checked(member)
                if not member.isdir():
                    stream.expect(member)
                yield name, member, None if member.isdir() else io.BufferedReader(_Content(stream, member), _PIECE)
        except ArchiveError:
            raise
        except (ArithmeticError, LookupError, RecursionError, ValueError, tarfile.TarError) as error:
            raise ArchiveError(f"the archive is cut off or damaged: {error}") from None
        stream.finish()


def _next(tar: tarfile.TarFile, stream: _Bounded) -> tarfile.TarInfo | None:
    with stream.header():
        return tar.next()


@contextmanager
def _opened(archive: Path | IO[bytes]) -> Iterator[IO[bytes]]:
    if isinstance(archive, Path):
        with archive.open("rb") as source:
            yield source
    else:
        yield archive


class _Names:
    """The names of an archive so far: no two may be one to a file system that folds case or composes letters."""

    def __init__(self) -> None:
        self._taken: dict[str, tuple[str, bool]] = {}
        self._number = 0

    def checked(self, member: tarfile.TarInfo) -> str:
        """Return a member's name, from the folder that it is unpacked to."""
        self._number += 1
        if self._number > MEMBERS_MAX:
            raise ArchiveError(f"the archive holds more than {MEMBERS_MAX} files and folders")
        shown = repr(member.name[:_SHOWN])
        sparse = any(key.startswith("GNU.sparse") for key in member.pax_headers) or member.sparse is not None
        if sparse or not (member.isdir() or member.type in _FILES):
            kind = "a sparse file" if sparse else _KINDS.get(member.type, f"of type {member.type!r}")
            raise ArchiveError(f"{shown} in the archive is {kind}: only files and folders are unpacked")
        if member.size < 0 or (member.isdir() and member.size):
            raise ArchiveError(f"{shown} in the archive has a size of {member.size} bytes")
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts:
            raise ArchiveError(f"{shown} in the archive lies outside of its folder")
        if not member.isdir() and (not path.parts or member.name.endswith(("/", "/."))):
            raise ArchiveError(f"{shown} in the archive is no file's name")
        if "\\" in member.name or not member.name.isprintable():
            raise ArchiveError(
                f"{shown} in the archive has a backslash, or a character that is not printed, in its name"
            )
        sizes = [len(part.encode("utf-8")) for part in path.parts]
        if sum(sizes) + len(sizes) > NAME_BYTES_MAX or max(sizes, default=0) > PART_BYTES_MAX or len(sizes) > DEPTH_MAX:
            raise ArchiveError(
                f"{shown} in the archive is too long a name: {NAME_BYTES_MAX} bytes, {PART_BYTES_MAX} of a part and "
                f"{DEPTH_MAX} parts are the most"
            )
        for folder in reversed(path.parents):
            self._take(folder.as_posix(), shown, is_folder=True)
        self._take(path.as_posix(), shown, is_folder=member.isdir())
        return path.as_posix()

    def _take(self, name: str, shown: str, *, is_folder: bool) -> None:
        key = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
        before = self._taken.get(key)
        if before is not None and not (is_folder and before == (name, True)):
            raise ArchiveError(f"{shown} in the archive has the place of {before[0][:_SHOWN]!r}")
        self._taken[key] = name, is_folder


class _Bounded:
    """A tar file's bytes, gunzipped, read forwards only and as far as the limits allow."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._packed = self._unpacked = self._place = 0
        self._header_left: int | None = None
        self._gzip_members = 1
        self._buffer = memoryview(b"")
        self._last_block = b""
        self._input = self._from_source()
        self._gzip = zlib.decompressobj(_GZIP_WINDOW) if self._input.startswith(_GZIP) else None

    @contextmanager
    def header(self) -> Iterator[None]:
        """Allow no more to be read meanwhile than a member's headers may take."""
        self._header_left = HEADER_BYTES_MAX
        try:
            yield
        finally:
            self._header_left = None

    def tell(self) -> int:
        return self._place

    def seek(self, place: int) -> None:
        """Skip what lies between."""
        if place < self._place:
            raise ArchiveError("the archive is damaged: a member of it begins within another")
        while self._place < place and self._take(min(place - self._place, _PIECE)):
            pass

    def read(self, size: int) -> bytes:
        """Return so many bytes, or those that are left."""
        if self._header_left is not None:
            self._header_left -= size
            if self._header_left < 0:
                raise ArchiveError(f"a member's headers in the archive take more than {HEADER_BYTES_MAX} bytes")
        pieces: list[bytes] = []
        while size > 0 and (piece := self._take(size)):
            pieces.append(piece)
            size -= len(piece)
        content = b"".join(pieces)
        if self._header_left is not None and len(content) != 1:
            self._last_block = content
        return content

    def expect(self, member: tarfile.TarInfo) -> None:
        """Refuse a member whose header claims more than is allowed, or another place than it has."""
        if self._place + member.size > UNPACKED_BYTES_MAX:
            raise ArchiveError(
                f"{member.name[:_SHOWN]!r} in the archive has {member.size} bytes, where an archive's files may have "
                f"{UNPACKED_BYTES_MAX}"
            )
        if self._place != member.offset_data:
            raise ArchiveError(f"{member.name[:_SHOWN]!r} in the archive does not follow its header")

    def finish(self) -> None:
        """Read to the end, where gzip's checksum is: `tarfile` stops at a damaged header as if it were the end."""
        if self._last_block != _END:
            raise ArchiveError("the archive is cut off or damaged: its end is missing")
        while piece := self._take(_PIECE):
            if piece.strip(b"\0"):
                raise ArchiveError("the archive goes on behind its end")

    def _take(self, size: int) -> bytes:
        """Return at most so many bytes, none at the end."""
        if not self._buffer:
            self._buffer = memoryview(self._piece())
        taken, self._buffer = bytes(self._buffer[:size]), self._buffer[size:]
        self._place += len(taken)
        return taken

    def _piece(self) -> bytes:
        try:
            piece = self._plain() if self._gzip is None else self._gunzipped(self._gzip)
        except zlib.error as error:
            raise ArchiveError(f"the archive is damaged: {error}") from None
        self._unpacked += len(piece)
        allowed = _allowed(self._packed)
        if self._unpacked > allowed:
            raise ArchiveError(f"the archive unpacks to more than {allowed} bytes, the most for its size")
        return piece

    def _plain(self) -> bytes:
        piece, self._input = self._input or self._from_source(), b""
        return piece

    def _gunzipped(self, unzip: zlib._Decompress) -> bytes:
        while True:
            if unzip.eof:
                behind = unzip.unused_data or self._from_source()
                if not behind:
                    return b""
                self._gzip_members += 1
                if not behind.startswith(_GZIP[: len(behind)]) or self._gzip_members > GZIP_MEMBERS_MAX:
                    raise ArchiveError(
                        f"the archive goes on behind its end, or has over {GZIP_MEMBERS_MAX} gzip members"
                    )
                self._gzip = unzip = zlib.decompressobj(_GZIP_WINDOW)
                self._input = behind
            piece = unzip.decompress(self._input, _PIECE)
            self._input = unzip.unconsumed_tail
            if piece or unzip.eof:
                if piece:
                    return piece
                continue
            if not self._input:
                self._input = self._from_source()
                if not self._input:
                    raise ArchiveError("the archive is cut off")

    def _from_source(self) -> bytes:
        piece = self._source.read(_PIECE)
        self._packed += len(piece)
        return piece


class _Content(io.RawIOBase):
    """The content of one file, which must be there whole."""

    def __init__(self, stream: _Bounded, member: tarfile.TarInfo) -> None:
        super().__init__()
        self._stream = stream
        self._left = member.size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        content = self._stream.read(min(self._left, len(view)))
        if not content and self._left:
            raise ArchiveError("the archive is cut off")
        view[: len(content)] = content
        self._left -= len(content)
        return len(content)
