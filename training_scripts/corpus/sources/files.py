"""A user's own documents: JSON, a table as CSV or Parquet, or a folder of text files."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

from training_scripts.corpus.documents import Document
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.manifest import PARTS
from training_scripts.corpus.sources.rejected import SHOWN_CHARACTERS, Rejects
from training_scripts.plain_text import NotUtf8Error, PlainTextError, decoded, lines_of, opened
from training_scripts.text_records import DELIMITERS, TAB, RecordsError, Row, RowError, json_records, table_rows
from training_scripts.unique_members import DuplicateMemberError, unique_members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from training_scripts.corpus.manifest import Part


Record = TypeVar("Record")


@dataclass(frozen=True)
class _OwnDocuments:
    """What the sources of a user's own documents have in common.

    `spool` holds what can be read from `path` only once. `rejects` takes the records that are no documents.
    """

    version: ClassVar[None] = None
    recommended: ClassVar[Mapping[str, int | float]] = {}
    path: Path
    name: str = "own documents"
    licence: str = "not stated"
    encoding: str | None = None
    spool: Path | None = field(default=None, repr=False)
    rejects: Rejects = field(default_factory=Rejects, repr=False, compare=False)

    def _each(
        self, records: Iterable[Record], read: Callable[[Record], Document], shown: Callable[[Record], str]
    ) -> Iterator[Document]:
        """Yield the document that `read` gives of each record; what is none is set aside, as `shown` shows it."""
        self.rejects.begin()
        for record in records:
            try:
                document = read(record)
            except CorpusError as error:
                self.rejects.add(str(error), shown(record))
            else:
                yield document


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

    @property
    def file(self) -> Path:
        """Where the bytes are."""
        return self.spool or self.path

    def fingerprint(self) -> str:
        """Return a hash of the file's bytes."""
        with _reading(self.path), self.file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def _lines(self) -> Iterator[bytes]:
        """The lines of the file as UTF-8, with their ends, one by one: the file may be larger than memory."""
        with _reading(self.path), self.file.open("rb") as stream:
            yield from lines_of(opened(stream, self.encoding))

    def _document(self, record: Mapping[str, object], where: str) -> Document:
        text = record[self.text_field]
        if not isinstance(text, str):
            raise CorpusError(f"{where}: {self.text_field!r} is {_shown(text)}, where text is needed")
        return Document(
            id=_scalar(record, self.id_field, where) if self.id_field else content_id(text),
            label=_label(record, self.label_field, where) if self.label_field else "",
            text=text,
            split=_split(record, self.split_field, where) if self.split_field else None,
        )


@dataclass(frozen=True)
class JsonLines(_OwnRecords):
    """One JSON object a line, empty lines being passed over; or an array of them, which is read as a whole."""

    def documents(self) -> Iterator[Document]:
        """Yield one document a line, or element of the array."""
        with _in_file(self.path):
            yield from self._each(json_records(self._lines()), self._decoded, _beginning)

    def _decoded(self, record: tuple[int, bytes]) -> Document:
        number, raw = record
        try:
            line = decoded(raw, number)
        except PlainTextError as error:
            raise _refusal(self.path, error) from None
        return self.parsed(line, f"{self.path}, line {number}")

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
    """A table with a header line, its cells parted by commas, semicolons or tabs."""

    def documents(self) -> Iterator[Document]:
        """Yield one document a row."""
        names = [suffix.lower() for suffix in self.path.suffixes]
        delimiters = sorted(DELIMITERS, key=TAB.__ne__) if ".tsv" in names else DELIMITERS
        # A map goes on after a line that is no text, where a generator would end.
        lines = map(decoded, self._lines(), count(1))
        with _in_file(self.path):
            yield from self._each(table_rows(lines, self.fields, delimiters=delimiters), self._row, _shown_row)

    def _row(self, record: tuple[int, Row]) -> Document:
        number, row = record
        if isinstance(row, PlainTextError):
            raise _refusal(self.path, row)
        where = f"{self.path}, line {number}"
        if isinstance(row, RowError):
            raise CorpusError(f"{where} {row}")
        return self._document(row, where)


@dataclass(frozen=True)
class ParquetTable(_OwnRecords):
    """The rows of a Parquet file; needs pyarrow, which the environment for exploring topics brings."""

    def documents(self) -> Iterator[Document]:
        """Yield one document a row."""
        try:
            from pyarrow import ArrowException, parquet  # noqa: PLC0415 - an environment of its own has it
        except ImportError:
            raise CorpusError(
                f"{self.path} is read by pyarrow, which is not installed: "
                "python -m pip install -r requirements/explore.txt brings it"
            ) from None
        try:
            with _reading(self.path), parquet.ParquetFile(self.file) as table:
                names = table.schema_arrow.names
                for name in self.fields:
                    if names.count(name) != 1:
                        what = "no column" if name not in names else "more than one column"
                        raise CorpusError(f"{self.path} has {what} {name!r}: its columns are {_listed(names)}")
                records = (record for batch in table.iter_batches(columns=self.fields) for record in batch.to_pylist())
                yield from self._each(enumerate(records, start=1), self._row, _shown_row)
        except (ArrowException, UnicodeDecodeError) as error:
            reason = str(error).splitlines()[0]
            raise CorpusError(f"{self.path} is no Parquet file that can be read: {reason}") from None

    def _row(self, record: tuple[int, dict[str, object]]) -> Document:
        return self._document(record[1], f"{self.path}, row {record[0]}")


@dataclass(frozen=True)
class TextFolder(_OwnDocuments):
    """Text files, labelled by the subfolder they are in; id is the path. Hidden files and folders are passed over.

    Links are followed, to each folder once: by its own path where that is in the folder too.
    """

    has_ids: ClassVar[bool] = True

    def fingerprint(self) -> str:
        """Return a hash of the files' names and bytes."""
        digest = hashlib.sha256()
        for name, path in self._files():
            digest.update(f"{name}\0".encode())
            digest.update(hashlib.sha256(_read(path) if path.is_file() else b"").digest())
        return digest.hexdigest()

    def documents(self) -> Iterator[Document]:
        """Yield one document a file."""
        yield from self._each(self._files(), self._document, itemgetter(0))

    def _document(self, file: tuple[str, Path]) -> Document:
        name, path = file
        if not path.exists() and path.is_symlink():
            raise CorpusError(f"{path} is a link to {path.readlink()}, which is not there")
        if not path.is_file():
            raise CorpusError(f"{path} is neither a file nor a folder")
        with _in_file(path), _reading(path), path.open("rb") as stream:
            text = decoded(b"".join(opened(stream, self.encoding)))
        return Document(id=name, label=name.rpartition("/")[0].strip(), text=text)

    def _files(self) -> Iterator[tuple[str, Path]]:
        if not self.path.is_dir():
            raise CorpusError(f"{self.path} is {'not a folder' if self.path.exists() else 'not there'}")
        seen: set[Path] = set()
        waiting = [self.path]
        while waiting:
            links: list[Path] = []
            for top in waiting:
                yield from self._below(top, seen, links)
            # After all that is there by itself.
            waiting = sorted(links)

    def _below(self, top: Path, seen: set[Path], links: list[Path]) -> Iterator[tuple[str, Path]]:
        """Yield the files under `top`, and put the links to folders aside."""
        for folder, subfolders, names in os.walk(top, onerror=_refuse):
            if (real := Path(folder).resolve()) in seen:
                subfolders.clear()
                continue
            seen.add(real)
            shown = sorted(name for name in subfolders if not name.startswith("."))
            links += [path for name in shown if (path := Path(folder, name)).is_symlink()]
            subfolders[:] = [name for name in shown if not Path(folder, name).is_symlink()]
            for name in sorted(names):
                path = Path(folder, name)
                if name.startswith("."):
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


def _scalar(record: Mapping[str, object], field_name: str, where: str) -> str:
    value = record[field_name]
    if isinstance(value, bool) or not isinstance(value, str | int) or not is_encodable(str(value)):
        raise CorpusError(f"{where}: {field_name!r} is {_shown(value)}, where text or a whole number is needed")
    return str(value)


def _split(record: Mapping[str, object], field_name: str, where: str) -> Part:
    value = record[field_name]
    for part in PARTS:
        if value == part:
            return part
    raise CorpusError(f"{where}: {field_name!r} is {_shown(value)}, where one of {', '.join(PARTS)} is needed")


def _label(record: Mapping[str, object], field_name: str, where: str) -> str:
    # A label that is not there is none, as an empty cell of a table is.
    return "" if record[field_name] is None else _scalar(record, field_name, where).strip()


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Say which file the operating system refuses."""
    try:
        yield
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror or error}") from None


@contextmanager
def _in_file(path: Path) -> Iterator[None]:
    """Say which file holds what cannot be read."""
    try:
        yield
    except PlainTextError as error:
        raise _refusal(path, error) from None
    except RecordsError as error:
        raise CorpusError(f"{path}{error.place} {error}") from None


def _refusal(path: Path, error: PlainTextError) -> CorpusError:
    advice = "; name its encoding with --encoding, for example --encoding windows-1252"
    return CorpusError(f"{path} {error}{advice if isinstance(error, NotUtf8Error) else ''}")


def _shown_row(record: tuple[int, object]) -> str:
    row = record[1]
    return row.row if isinstance(row, RowError) else str(row)


def _beginning(record: tuple[int, bytes]) -> str:
    """Return how a line is shown that may be no text."""
    raw = record[1]
    try:
        return raw[: 4 * SHOWN_CHARACTERS].decode().rstrip("\r\n")
    except UnicodeDecodeError:
        return repr(raw[:SHOWN_CHARACTERS])


def _read(path: Path) -> bytes:
    with _reading(path):
        return path.read_bytes()


def _refuse(error: OSError) -> None:
    raise CorpusError(f"{error.filename} cannot be read: {error.strerror}")


def _shown(value: object) -> str:
    return repr(value)[:60]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names)) or "none"
