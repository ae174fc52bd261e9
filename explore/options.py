"""Options that the commands of this package share, and how they end."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from explore import documents
from explore.errors import ExploreError
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.manifest import DEFAULT_FOLDER
from training_scripts.corpus.sources import ApiReference, CsvTable, JsonLines, Newsgroups
from training_scripts.os_errors import in_a_sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from explore.documents import CountedDocuments
    from training_scripts.corpus.documents import Source
    from training_scripts.corpus.progress import Progress

BAD_INPUT = 2
INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """Refuses with one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        """End with the message."""
        self.exit(BAD_INPUT, f"{self.prog}: {message}\n")


def run(name: str, command: Callable[[], None]) -> int:
    """Run a command; what a person can mend is one sentence and exit code 2."""
    return in_a_sentence(name)(_ended)(name, command)


def _ended(name: str, command: Callable[[], None]) -> int:
    try:
        command()
    except (ExploreError, CorpusError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print(f"{name}: interrupted; nothing was half written", file=sys.stderr)
        return INTERRUPTED
    return 0


def add_documents(parser: argparse.ArgumentParser) -> None:
    """Add the options that name documents: a prepared corpus, and the texts behind it."""
    add = parser.add_argument_group("documents").add_argument
    add("--corpus", type=Path, default=DEFAULT_FOLDER, metavar="DIR", help=f"the prepared corpus ({DEFAULT_FOLDER})")
    add(
        "--source",
        choices=("api-reference", "20newsgroups", "jsonl", "csv"),
        help="read the texts too: all of them get a row, also those that preparation left out",
    )
    add("--archive", type=Path, metavar="FILE", help="20newsgroups: a local 20news-bydate.tar.gz")
    add("--input", type=Path, metavar="FILE", help="jsonl and csv: the file")
    add("--text-field", default="text", metavar="NAME", help="jsonl and csv: field of the text (text)")
    add("--label-field", metavar="NAME", help="jsonl and csv: field of the label (no labels)")
    add("--id-field", metavar="NAME", help="jsonl and csv: field of the id (a hash of the text)")


def read_documents(options: argparse.Namespace, progress: Progress) -> CountedDocuments:
    """Return the documents that the options name.

    Raises:
        ExploreError, CorpusError: they cannot be read.
    """
    source = _source(options)
    if source is None:
        return documents.of_corpus(options.corpus)
    return documents.of_source(source, options.corpus, progress)


def _source(options: argparse.Namespace) -> Source | None:
    if options.source is None:
        if options.archive or options.input:
            raise ExploreError("--archive and --input need --source, which says what they are")
        return None
    if options.source == "api-reference":
        return ApiReference()
    if options.source == "20newsgroups":
        return Newsgroups(options.archive)
    if options.input is None:
        raise ExploreError(f"--source {options.source} needs --input FILE")
    kind = JsonLines if options.source == "jsonl" else CsvTable
    return kind(
        options.input, text_field=options.text_field, label_field=options.label_field, id_field=options.id_field
    )
