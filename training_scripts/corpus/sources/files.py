"""A user's own documents: JSON Lines, a CSV table, or a folder of text files."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from training_scripts.corpus.documents import Document
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.manifest import PARTS
from training_scripts.unique_members import DuplicateMemberError, unique_members

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from training_scripts.corpus.manifest import Part


@dataclass(frozen=True)
class _OwnDocuments:
    """What the sources of a user's own documents have in common."""

    version: ClassVar[None] = None
    recommended: ClassVar[Mapping[str, int | float]] = {}
    path: Path
    name: str = "own documents"
    licence: str = "not stated"


@dataclass(frozen=True)
class _OwnRecords(_OwnDocuments):
    """Documents that are records with named fields.

    Without `id_field` a document is known by the hash of its text; without `split_field` preparation splits.
    """

    text_field: str = "text"
    label_field: str | None = None
    id_field: str | None = None
    split_field: str | None = None

    @property
    def has_ids(self) -> bool:
        """Whether an id field is named."""
        return self.id_field is not None

    @property
    def fields(self) -> list[str]:
        """The names that every record must have."""
        return [name for name in (self.text_field, self.label_field, self.id_field, self.split_field) if name]

    def fingerprint(self) -> str:
        """Return a hash of the file's bytes."""
        try:
            with self.path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise CorpusError(f"{self.path} cannot be read: {error.strerror}") from None

    def _document(self, record: Mapping[str, object], where: str) -> Document:
        text = record[self.text_field]
        if not isinstance(text, str):
            raise CorpusError(f"{where}: {self.text_field!r} is {_shown(text)}, where text is needed")
        return Document(
            id=_scalar(record, self.id_field, where) if self.id_field else content_id(text),
            label=_scalar(record, self.label_field, where) if self.label_field else "",
            text=text,
            split=_split(record, self.split_field, where) if self.split_field else None,
        )


@dataclass(frozen=True)
class JsonLines(_OwnRecords):
    """One JSON object a line; empty lines are passed over."""

    def documents(self) -> Iterator[Document]:
        """Yield one document a line."""
        for number, line in enumerate(_lines(self.path), start=1):
            if not line.strip():
                continue
            yield self.parsed(line, f"{self.path}, line {number}")

    def parsed(self, line: str, where: str) -> Document:
        """Return the document of a line that is not empty; `where` is what an error calls it.

        Raises:
            CorpusError: it is no JSON object, or a field is missing or not what it should be.
        """
        try:
            record = json.loads(line, object_pairs_hook=unique_members)
        except DuplicateMemberError as error:
            raise CorpusError(f"{where}: {error}") from None
        except (ValueError, RecursionError) as error:
            raise CorpusError(f"{where} is not JSON: {error}") from None
        if not isinstance(record, dict):
            raise CorpusError(f"{where} is {_shown(record)}, where a JSON object is needed")
        if missing := [name for name in self.fields if name not in record]:
            raise CorpusError(f"{where} has no field {missing[0]!r}: its fields are {_listed(record)}")
        return self._document(record, where)


@dataclass(frozen=True)
class CsvTable(_OwnRecords):
    """A comma-separated table with a header line."""

    def documents(self) -> Iterator[Document]:
        """Yield one document a row."""
        # A document may be longer than the module's default limit for a cell.
        csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
        rows = csv.reader(_lines(self.path), strict=True)
        try:
            header = next(rows, [])
            for name in self.fields:
                if header.count(name) != 1:
                    found = "no column" if name not in header else "more than one column"
                    raise CorpusError(f"{self.path} has {found} {name!r}: its columns are {_listed(header)}")
            for row in rows:
                where = f"{self.path}, line {rows.line_num}"
                if not row:
                    continue
                if len(row) != len(header):
                    raise CorpusError(f"{where} has {len(row)} columns, where the header has {len(header)}")
                yield self._document(dict(zip(header, row, strict=True)), where)
        except csv.Error as error:
            raise CorpusError(f"{self.path}, line {rows.line_num} is not CSV: {error}") from None


@dataclass(frozen=True)
class TextFolder(_OwnDocuments):
    """Text files, labelled by the subfolder they are in; id is the path. Hidden files and folders are passed over."""

    has_ids: ClassVar[bool] = True
    encoding: str = "utf-8"

    def fingerprint(self) -> str:
        """Return a hash of the files' names and bytes."""
        digest = hashlib.sha256()
        for name, path in self._files():
            digest.update(f"{name}\0".encode())
            digest.update(hashlib.sha256(_read(path)).digest())
        return digest.hexdigest()

    def documents(self) -> Iterator[Document]:
        """Yield one document a file."""
        for name, path in self._files():
            yield Document(id=name, label=name.rpartition("/")[0], text=_text(path, self.encoding))

    def _files(self) -> Iterator[tuple[str, Path]]:
        if not self.path.is_dir():
            raise CorpusError(f"{self.path} is {'not a folder' if self.path.exists() else 'not there'}")
        for folder, subfolders, names in os.walk(self.path, onerror=_refuse):
            subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
            for name in sorted(names):
                path = Path(folder, name)
                if name.startswith(".") or not path.is_file():
                    continue
                relative = path.relative_to(self.path).as_posix()
                if not is_encodable(relative):
                    raise CorpusError(f"the name of the file {relative!r} in {self.path} is not UTF-8")
                yield relative, path


def content_id(text: str) -> str:
    """Return the id of a document that brings none: a hash of its text, cut to 80 bits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def is_encodable(text: str) -> bool:
    """Whether `text` can be written as UTF-8: half a surrogate pair, which JSON can spell, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _scalar(record: Mapping[str, object], field: str, where: str) -> str:
    value = record[field]
    if isinstance(value, bool) or not isinstance(value, str | int) or not is_encodable(str(value)):
        raise CorpusError(f"{where}: {field!r} is {_shown(value)}, where text or a whole number is needed")
    return str(value)


def _split(record: Mapping[str, object], field: str, where: str) -> Part:
    value = record[field]
    for part in PARTS:
        if value == part:
            return part
    raise CorpusError(f"{where}: {field!r} is {_shown(value)}, where one of {', '.join(PARTS)} is needed")


def _lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 file, with their ends, one by one: the file may be larger than memory."""
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                try:
                    yield line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    fault = f"byte {error.start + 1} of line {number} is {line[error.start]:#04x}"
                    raise CorpusError(f"{path} is not UTF-8: {fault}") from None
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}") from None


def _text(path: Path, encoding: str) -> str:
    content = _read(path)
    try:
        return content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except LookupError:
        raise CorpusError(f"the encoding is {encoding!r}, which Python does not know") from None
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path} is not {encoding.upper()}: byte {error.start + 1} is {content[error.start]:#04x}"
        ) from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}") from None


def _refuse(error: OSError) -> None:
    raise CorpusError(f"{error.filename} cannot be read: {error.strerror}")


def _shown(value: object) -> str:
    return repr(value)[:60]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names)) or "none"
