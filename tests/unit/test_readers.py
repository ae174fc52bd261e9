"""Every reader of text by every kind of file: each cell says that it is read, or the sentence that refuses it.

The table of docs/corpus.md, held by what the readers do.
"""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from topics_client.reading.inputs import Form, InputError, documents_in
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.settings import PreparationSettings
from training_scripts.corpus.sources import CsvTable, JsonLines, TextFolder
from training_scripts.corpus.sources.rejected import Rejected
from training_scripts.ntm.failure import ClientError
from training_scripts.ntm.learning.embeddings import read_embeddings
from training_scripts.ntm.reading import channels
from training_scripts.ntm.reading.counts import CountsError
from training_scripts.ntm.serving import requests
from training_scripts.plain_text import PlainTextError
from training_scripts.spark import counted

from topics_function.reading import readers
from url_functions.problems import Problem

REFUSALS = (CorpusError, ClientError, CountsError, InputError, PlainTextError, Problem)
Read = Callable[[Path], object]


def said(file: Path) -> str | None:
    """Return the encoding that the test says: its file's suffix."""
    return file.suffix[1:] or None


def folder_of(file: Path) -> Path:
    folder = file.parent / "folder"
    folder.mkdir()
    file.rename(folder / "1.txt")
    return folder


def on_spark(file: Path) -> object:
    """What Spark makes of a file is lines, split at CRLF, CR and LF, and out of gzip and bzip2 by the file's name."""
    content = file.read_bytes()
    for mark, unpack in ((b"\x1f\x8b", gzip.decompress), (b"BZh", bz2.decompress)):
        content = unpack(content) if content.startswith(mark) else content
    found = list(
        counted.read(JsonLines(file, encoding=said(file)), PreparationSettings().finder, 1, content.splitlines())
    )
    if refused := [one for one in found if isinstance(one, Rejected)]:
        raise CorpusError(refused[0].reason)
    return [one.forms for one in found if not isinstance(one, Rejected)]


def vocabulary(file: Path) -> object:
    folder = file.parent / "data" / "auxiliary"
    folder.mkdir(parents=True)
    file.rename(folder / "vocab.txt")
    return channels.read_vocabulary(file.parent, feature_dim=2)


def training(file: Path) -> object:
    folder = file.parent / "train"
    folder.mkdir()
    file.rename(folder / "rows.csv")
    blocks = channels.Channel("train", folder, "text/csv", "File", 2).read()
    return [row for block in blocks for row in block.toarray().tolist()]


def server(kind: str) -> Read:
    return lambda file: requests.decode(file.read_bytes(), kind, feature_dim=2).toarray().tolist()


def url(kind: str) -> Read:
    def read(file: Path) -> object:
        source = readers.read(file.read_bytes(), kind, max_rows=9)
        rows = (
            source.rows_of(2)
            if isinstance(source, readers.Counts)
            else [str(text).split() if isinstance(text, str) else text for text in source.texts]
        )
        for row in rows:
            if isinstance(row, Problem):
                raise row
        return rows

    return read


def client(form: str) -> Read:
    def read(file: Path) -> object:
        given = Form(form, encoding=said(file))
        return [named.document for named in documents_in([str(file)], given)]

    return read


def encoded(source: type[JsonLines | CsvTable]) -> Read:
    return lambda file: [one.text for one in source(file, encoding=said(file)).documents()]


JSON, TABLE, TEXT, COUNTS = (
    '{"text": "grün"}\n{"text": "rot"}\n',
    "id,text\n1,grün\n2,rot\n",
    "grün\nrot\n",
    "1,0\n0,1\n",
)
INSTANCES = '{"features": [1, 0]}\n{"features": [0, 1]}\n'
READERS: dict[str, tuple[str, Read]] = {
    "prepare jsonl": (JSON, encoded(JsonLines)),
    "prepare csv": (TABLE, encoded(CsvTable)),
    "prepare folder": (
        TEXT,
        lambda file: [one.text.split() for one in TextFolder(folder_of(file), encoding=said(file)).documents()],
    ),
    "Spark": (JSON, on_spark),
    "training": (COUNTS, training),
    "vocab.txt": (TEXT, vocabulary),
    "embeddings.txt": (
        "grün 1 0\nrot 0 1\n",
        lambda file: {n: v.tolist() for n, v in read_embeddings(file, ["grün", "rot"]).vectors.items()},
    ),
    "server text/csv": (COUNTS, server("text/csv")),
    "server jsonlines": (INSTANCES, server("application/jsonlines")),
    "url text/csv": (COUNTS, url("text/csv")),
    "url jsonlines": ('{"document": "grün"}\n{"document": "rot"}\n', url("application/jsonlines")),
    "url plain": (TEXT, url("text/plain")),
    "client lines": (TEXT, client("lines")),
    "client jsonl": (JSON, client("jsonl")),
    "client csv": (TABLE, client("csv")),
    "client counts": (COUNTS, client("counts")),
}
KINDS: dict[str, Callable[[str], bytes]] = {
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "CR": lambda text: text.replace("\n", "\r").encode(),
    "no last end": lambda text: text.rstrip("\n").encode(),
    "byte order mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-32": lambda text: text.encode("utf-32"),
    "gzip": lambda text: gzip.compress(text.encode()),
    "bzip2": lambda text: bz2.compress(text.encode()),
    "gzip of UTF-16 with CR": lambda text: gzip.compress(text.replace("\n", "\r").encode("utf-16")),
    "windows-1252": lambda text: text.encode("cp1252"),
    "windows-1252, said": lambda text: text.encode("cp1252"),
    "UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "semicolons": lambda text: text.replace(",", ";").encode(),
    "tabs": lambda text: text.replace(",", "\t").encode(),
    "JSON array": lambda text: ("[" + ",\n".join(text.splitlines()) + "]").encode(),
    "Parquet": lambda _: b"PAR1\x15\x04\x15\x00PAR1",
    "zip": lambda _: b"PK\x03\x04\x14\x00",
}


SENTENCES = {
    "o": "name its encoding with --encoding, for example --encoding windows-1252",
    "u": "not UTF-",
    "p": "is compressed: send it as it is",
    "m": "by its byte order mark, where UTF-8 is needed",
    "P": "is a Parquet file, and no text",
    "z": "is a zip archive, as spreadsheets are too, and no text",
    "j": "JSON",
    "n": "is not a ",
    "w": "columns, where the vocabulary has 2 words",
    "r": "is no row of counts",
    "h": "the first row holds no number",
}
"""What the letter of a refused cell stands for; `+` is read, `0` has no word of it, `.` is no kind of this reader's."""

TABLE_OF_CELLS = """
CRLF                    | + + + + + + + + + + + + + + + +
CR                      | + + + + + + + + + + + + + + + +
no last end             | + + + + + + + + + + + + + + + +
byte order mark         | + + + + + + + + + + + + + + + +
UTF-16                  | + + + u + + + m m m m m + + + +
UTF-32                  | + + + u + + + m m m m m + + + +
gzip                    | + + + + + + + p p p p p + + + +
bzip2                   | + + + + + + + p p p p p + + + +
gzip of UTF-16 with CR  | + + + u + + + p p p p p + + + +
windows-1252            | o o o u + u . + + + u u o o o +
windows-1252, said      | + + + + + u . + + + u u + + + +
UTF-16 without a mark   | o o o u n u 0 n j h u u o o o o
semicolons              | . + . . w . . w . h . . . . + r
tabs                    | . + . . w . . w . h . . . . + r
JSON array              | + . . . . . . . . . . . . + . .
Parquet                 | P P P j P P P P P P P P P P P P
zip                     | z z z j z z z z z z z z z z z z
"""


def cells() -> dict[tuple[str, str], str]:
    lines = [line.split("|") for line in TABLE_OF_CELLS.strip("\n").splitlines()]
    return {
        (reader, kind.strip()): cell
        for kind, letters in lines
        for reader, cell in zip(READERS, letters.split(), strict=True)
    }


@pytest.mark.parametrize(("reader", "kind"), [place for place, cell in cells().items() if cell != "."])
def test_a_reader_reads_a_kind_of_file_or_says_why_not(tmp_path: Path, reader: str, kind: str) -> None:
    expected = cells()[reader, kind]
    text, read = READERS[reader]
    for name, content in (("plain", text.encode()), ("kind", KINDS[kind](text))):
        (tmp_path / name).mkdir()
        # The suffix is the encoding that is said, where there is an option for it.
        (
            tmp_path / name / f"file{'.windows-1252' if (name, kind) == ('kind', 'windows-1252, said') else ''}"
        ).write_bytes(content)
    plain = read(next((tmp_path / "plain").iterdir()))

    if expected in SENTENCES:
        with pytest.raises(REFUSALS) as refusal:
            read(next((tmp_path / "kind").iterdir()))
        assert SENTENCES[expected] in str(getattr(refusal.value, "detail", refusal.value))
    else:
        assert read(next((tmp_path / "kind").iterdir())) == (plain if expected == "+" else {})


def test_the_table_has_every_kind_of_file() -> None:
    assert {kind for _, kind in cells()} == set(KINDS)
