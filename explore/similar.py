"""Documents of similar topics: `python -m explore.similar --help`.

All on this machine. `operations.publish_similar` gives a stage the index that its function answers from.
How documents are compared is told in `similar_function.index`, which the function searches by as well.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from explore.errors import ExploreError
from explore.files import written_whole
from explore.vectors import DEFAULT_FILE, TopicVectors, load_topic_vectors
from training_scripts.command_line import Parser, in_a_sentence

from similar_function.index import DocumentIndex, IndexFileError
from similar_function.similar import MOST_NEIGHBOURS, NEIGHBOURS, Similar, UnknownDocumentError

PROGRAM: Final = "python -m explore.similar"
DEFAULT_INDEX: Final = Path("build/similar.zip")


def index_of(vectors: TopicVectors) -> DocumentIndex:
    """Index the documents that have topics."""
    return DocumentIndex.build(vectors.weights, vectors.ids, vectors.labels, model=vectors.model, corpus=vectors.corpus)


def save(index: DocumentIndex, file: Path) -> int:
    """Write an index into `file`, and return how many bytes it has.

    Raises:
        ExploreError: there is something else, or it cannot be written.
    """
    if file.exists():
        # Only what this program has written is ever replaced.
        try:
            load(file)
        except ExploreError:
            raise ExploreError(f"{file} holds something else than an index, so nothing is written there") from None
    content = index.to_bytes()
    with written_whole(file) as partial:
        partial.write_bytes(content)
    return len(content)


def load(file: Path) -> DocumentIndex:
    """Read the index in `file`.

    Raises:
        ExploreError: there is none, or it is damaged.
    """
    try:
        return DocumentIndex.from_bytes(file.read_bytes())
    except FileNotFoundError:
        raise ExploreError(f"{file} is not there: make an index with {PROGRAM} index") from None
    except OSError as error:
        raise ExploreError(f"{file} cannot be read: {error.strerror}") from None
    except IndexFileError as error:
        raise ExploreError(f"the index {file} {error}") from None


def find(index: DocumentIndex, name: str, number: int = NEIGHBOURS) -> list[Similar]:
    """Return the documents nearest to one of the index.

    Raises:
        ExploreError: the index has no such document.
    """
    try:
        return index.of_document(name, number)
    except UnknownDocumentError:
        raise ExploreError(f"the index has no document {name!r}: it may be without a known word") from None


@in_a_sentence("similar", ExploreError, interrupted="interrupted; nothing was half written")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    {"index": _index, "find": _find}[options.command](options)
    return 0


def _index(options: argparse.Namespace) -> None:
    vectors = load_topic_vectors(options.vectors)
    size = save(index_of(vectors), options.index)
    print(f"{options.index}: {len(vectors.ids):,} documents of {vectors.num_topics} topics, {size / 1e6:.1f} MB")
    print(f"  model   {vectors.model}\n  corpus  {vectors.corpus}")


def _find(options: argparse.Namespace) -> None:
    if not 1 <= options.number <= MOST_NEIGHBOURS:
        raise ExploreError(f"--number is {options.number}, allowed are 1 to {MOST_NEIGHBOURS}")
    for similar in find(load(options.index), options.id, options.number):
        print(f"{similar.distance:.4f}  {similar.id}  {similar.label}")


def _parser() -> Parser:
    parser = Parser(prog=PROGRAM, description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    index = commands.add_parser("index", help="build an index over topic vectors")
    find_one = commands.add_parser("find", help="list the documents nearest to one")
    find_one.add_argument("id", help="the document's id")
    find_one.add_argument("--number", type=int, default=NEIGHBOURS, metavar="N", help=f"how many ({NEIGHBOURS})")
    for command in (index, find_one):
        command.add_argument("--index", type=Path, default=DEFAULT_INDEX, metavar="FILE", help=f"({DEFAULT_INDEX})")
    index.add_argument("--vectors", type=Path, default=DEFAULT_FILE, metavar="FILE", help=f"({DEFAULT_FILE})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
