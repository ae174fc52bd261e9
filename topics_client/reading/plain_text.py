"""How text of others is opened: compression, byte order mark, encoding, line ends. The standard library alone.

One file for preparation, training, the model server, the functions behind URLs and the client, which have it by a link.
What is found out goes by the first bytes and never by a file's name, so that standard input is read as files are.
"""

from __future__ import annotations

import codecs
import contextlib
import io
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

UTF_8: Final = "utf-8"
BOM: Final = codecs.BOM_UTF8
BLOCK_BYTES: Final = 1 << 16

# The longer first: the mark of UTF-32 begins as that of UTF-16 does.
_WIDE_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GZIP: Final = b"\x1f\x8b\x08"
_BZIP2: Final = (b"1AY&SY", b"\x17rE8P\x90")
"""What follows `BZh` and the level: the first block, or the end of an empty stream."""
_NO_TEXT: Final = (
    (b"PAR1", "a Parquet file"),
    (b"PK\x03\x04", "a zip archive, as spreadsheets are too"),
    (b"\xfd7zXZ\0", "compressed by xz"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    (b"%PDF-", "a PDF"),
)
_LONGEST_MARK: Final = 10


class PlainTextError(ValueError):
    """What cannot be read as text. The message goes on where the name of the file ends."""


class NotUtf8Error(PlainTextError):
    """Bytes that are no UTF-8: who has an option for the encoding names it beside."""


def opened(stream: BinaryIO, encoding: str | None = None, *, block_bytes: int = BLOCK_BYTES) -> Iterator[bytes]:
    """Yield a file's bytes as UTF-8 in blocks, out of gzip and bzip2, without a byte order mark.

    What is in no other encoding passes as it is: `decoded` says where it is no UTF-8.

    Args:
        stream: is read once, from where it stands to its end.
        encoding: of the file, by a name that Python knows; None is UTF-8, or what a byte order mark says.
        block_bytes: largest block, before it is transcoded.

    Raises:
        PlainTextError: it is damaged, no text, or not of this encoding.
    """
    head, stream = _begun(stream)
    if (unpack := _unpacking(head)) is not None:
        head, stream = _begun(unpack(stream))
    refuse_no_text(head)
    name = next((name for mark, name in _WIDE_MARKS if head.startswith(mark)), None)
    if name is None and not head.startswith(BOM) and encoding is not None:
        name = _text_encoding(encoding)
    blocks = _blocks(stream, block_bytes)
    if name is not None:
        yield from _transcoded(blocks, name)
        return
    if head.startswith(BOM):
        stream.read(len(BOM))
    yield from blocks


def plain(body: bytes) -> bytes:
    """Return a body of text without its byte order mark, its lines ended by LF.

    Raises:
        NotUtf8Error: a byte order mark says that it is UTF-16 or UTF-32.
        PlainTextError: it is compressed, or no text.
    """
    head = body[:_LONGEST_MARK]
    if _unpacking(head) is not None:
        raise PlainTextError("is compressed: send it as it is")
    refuse_no_text(head)
    for mark, name in _WIDE_MARKS:
        if head.startswith(mark):
            raise NotUtf8Error(f"is {name.upper()}, by its byte order mark, where UTF-8 is needed")
    body = body.removeprefix(BOM)
    return body.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in body else body


def refuse_no_text(head: bytes) -> None:
    """Raise PlainTextError where the first bytes are those of a well-known format that is no text."""
    for mark, what in _NO_TEXT:
        if head.startswith(mark):
            raise PlainTextError(f"is {what}, and no text")


def lines_of(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines with their ends, CRLF, CR or LF, also where an end falls between two blocks."""
    held = bytearray()
    for block in blocks:
        if held.endswith(b"\r") and not block.startswith(b"\n"):
            yield bytes(held)
            held.clear()
        *whole, last = block.splitlines(keepends=True) or [b""]
        if whole:
            yield bytes(held) + whole[0]
            yield from whole[1:]
            held.clear()
        held += last
        if held.endswith(b"\n"):
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def with_line_feeds(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the blocks with every CRLF and CR as LF, also where an end falls between two blocks."""
    after_return = False
    for block in blocks:
        rest = block[1:] if after_return and block.startswith(b"\n") else block
        if block:
            after_return = block.endswith(b"\r")
        yield rest.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in rest else rest


def decoded(content: bytes, line: int | None = None) -> str:
    """Return the text of UTF-8 bytes; `line` is the number of the line that they are, for the place of a fault.

    Raises:
        PlainTextError: they hold a NUL byte.
        NotUtf8Error: they are not UTF-8.
    """
    place = "" if line is None else f" of line {line}"
    if b"\0" in content:
        raise NotUtf8Error(f"is not UTF-8 text: byte {content.index(0) + 1}{place} is NUL")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise NotUtf8Error(f"is not UTF-8: byte {error.start + 1}{place} is {content[error.start]:#04x}") from None


class _Rest(io.RawIOBase):
    """A stream whose first bytes have been looked at already."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head, self._stream = head, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader passes
        piece, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        piece = piece or self._stream.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def _begun(stream: BinaryIO) -> tuple[bytes, BinaryIO]:
    """Return the first bytes, and a stream that still has them."""
    with _damage():
        head = stream.read(_LONGEST_MARK)
    return head, io.BufferedReader(_Rest(head, stream), BLOCK_BYTES)


def _unpacking(head: bytes) -> Callable[[BinaryIO], BinaryIO] | None:
    if head.startswith(_GZIP):
        return _gzip
    return _bzip2 if head.startswith(b"BZh") and head[4:].startswith(_BZIP2) else None


def _gzip(stream: BinaryIO) -> BinaryIO:
    import gzip  # noqa: PLC0415 - the functions behind URLs load none of these

    return io.BufferedReader(gzip.GzipFile(fileobj=stream))


def _bzip2(stream: BinaryIO) -> BinaryIO:
    import bz2  # noqa: PLC0415 - as above

    return io.BufferedReader(bz2.BZ2File(stream))


def _blocks(stream: BinaryIO, size: int) -> Iterator[bytes]:
    while True:
        with _damage():
            block = stream.read(size)
        if not block:
            return
        yield block


@contextlib.contextmanager
def _damage() -> Iterator[None]:
    """Say in one sentence what a decompressor says of damaged bytes; what the operating system says passes."""
    try:
        yield
    except EOFError:
        raise PlainTextError("ends before its compressed data do") from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise PlainTextError("has damaged compressed data") from None
    except Exception as error:
        # zlib's own error is named without loading zlib.
        if type(error).__module__ != "zlib":
            raise
        raise PlainTextError("has damaged compressed data") from None


def _text_encoding(name: str) -> str | None:
    """Return the name of an encoding of text; None for UTF-8, which needs no transcoding."""
    try:
        found = codecs.lookup(name).name
        "a".encode(found)
    except (LookupError, ValueError):
        raise PlainTextError(f"cannot be read: the encoding is {name!r}, which Python does not know") from None
    return None if found in {UTF_8, "utf-8-sig"} else found


def _transcoded(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    read = 0
    begun = False
    for block in chain(blocks, (b"",)):
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            # The decoder puts what it has held back before the block.
            place = read - (len(error.object) - len(block)) + error.start + 1
            fault = f"is not {encoding.upper()}: byte {place} is {error.object[error.start]:#04x}"
            raise PlainTextError(fault) from None
        read += len(block)
        if text:
            yield (text if begun else text.removeprefix("\ufeff")).encode("utf-8", "surrogatepass")
            begun = True
