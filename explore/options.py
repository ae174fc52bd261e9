"""Options that name documents: those of explore and of the commands that score or transform."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import Final

from explore import dates, documents
from explore.documents import CountedDocuments
from explore.errors import ExploreError
from training_scripts.corpus.documents import Source
from training_scripts.corpus.manifest import DEFAULT_FOLDER
from training_scripts.corpus.progress import Progress
from training_scripts.corpus.sources import ApiReference, CsvTable, JsonLines, Newsgroups, ParquetTable, TextFolder

_KINDS: Final[dict[str, type[JsonLines | CsvTable | ParquetTable]]] = {
    "jsonl": JsonLines,
    "csv": CsvTable,
    "parquet": ParquetTable,
}
FOLDER: Final = "folder"


def add_documents(parser: argparse.ArgumentParser) -> None:
    """Add the options that name documents: a prepared corpus, and the texts behind it."""
    add = parser.add_argument_group("documents").add_argument
    add("--corpus", type=Path, default=DEFAULT_FOLDER, metavar="DIR", help=f"the prepared corpus ({DEFAULT_FOLDER})")
    add(
        "--source",
        choices=("api-reference", "20newsgroups", *_KINDS, FOLDER),
        help="read the texts too: all of them get a row, also those that preparation left out",
    )
    add("--archive", type=Path, metavar="FILE", help="20newsgroups: a local 20news-bydate.tar.gz")
    add("--input", type=Path, metavar="PATH", help="jsonl, csv and parquet: the file; folder: that of text files")
    add("--text-field", default="text", metavar="NAME", help="its field of the text (text)")
    add("--label-field", metavar="NAME", help="its field of the label (no labels)")
    add("--id-field", metavar="NAME", help="its field of the id (a hash of the text)")
    add("--encoding", metavar="NAME", help="of a file that is text (utf-8, or by a byte order mark)")


def read_documents(options: argparse.Namespace, progress: Progress, *, texts: bool = False) -> CountedDocuments:
    """Return the documents that the options name, with their texts where those are wanted and a source is named.

    Raises:
        ExploreError, CorpusError: they cannot be read.
    """
    source = _source(options)
    if source is None:
        return documents.of_corpus(options.corpus)
    return documents.of_source(source, options.corpus, progress, texts=texts)


def add_dates(parser: argparse.ArgumentParser) -> None:
    """Add the options that say when documents are of."""
    add = parser.add_argument_group("topics over time").add_argument
    add("--date-field", metavar="NAME", help="the field of the date, in ISO 8601, of jsonl, csv and parquet")
    add("--dates", type=Path, metavar="FILE", help="or a file of ids (--id-field: id) and dates (--date-field: date)")


def read_dates(options: argparse.Namespace) -> dict[str, date]:
    """Return the dates that the options name, by id.

    Raises:
        ExploreError, CorpusError: they cannot be read.
    """
    if options.dates is not None:
        return dates.read_dates(
            options.dates,
            id_field=options.id_field or "id",
            date_field=options.date_field or "date",
            encoding=options.encoding,
        )
    if options.date_field is None:
        return {}
    if options.source not in _KINDS:
        raise ExploreError(
            f"--date-field needs --dates FILE, or --source {', '.join(_KINDS)}, whose documents have fields"
        )
    source = _source(argparse.Namespace(**{**vars(options), "label_field": options.date_field}))
    assert source is not None  # noqa: S101 -- a kind is named
    return dates.dates_of(options.input, ((document.id, document.label) for document in source.documents()))


def _source(options: argparse.Namespace) -> Source | None:
    if options.source is None:
        if options.archive or options.input or (options.encoding and not getattr(options, "dates", None)):
            raise ExploreError("--archive, --input and --encoding need --source, which says what they are")
        return None
    if options.source == "api-reference":
        return ApiReference()
    if options.source == "20newsgroups":
        return Newsgroups(options.archive)
    if options.input is None:
        raise ExploreError(f"--source {options.source} needs --input PATH")
    if options.source == FOLDER:
        return TextFolder(options.input, encoding=options.encoding)
    return _KINDS[options.source](
        options.input,
        text_field=options.text_field,
        label_field=options.label_field,
        id_field=options.id_field,
        encoding=options.encoding,
    )
