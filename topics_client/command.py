"""The command `topics`: what are these documents about?"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections import deque
from typing import TYPE_CHECKING, Final, NoReturn, TextIO

from topics_client import outputs
from topics_client.client import TopicsClient
from topics_client.completion import SHELLS, Completion
from topics_client.errors import TopicsError
from topics_client.reading import inputs
from topics_client.reading.inputs import Form, InputError, Named
from topics_client.similar import SimilarClient, SimilarDocuments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from topics_client.results import Prediction

VERSION: Final = "0.1.0"
"""As in pyproject.toml, by which this folder need not have been installed."""
URL_VARIABLE: Final = "TOPICS_URL"
VIA_VARIABLE: Final = "TOPICS_VIA"
SIMILAR_URL_VARIABLE: Final = "TOPICS_SIMILAR_URL"
SOME_DOCUMENTS_REFUSED: Final = 1
REFUSED: Final = 2
INTERRUPTED: Final = 130

_EXAMPLES: Final = f"""\
examples:
  topics score letter.txt report.txt             each file is one document
  topics score tickets.jsonl --field body        a document a line; or .json, an array of them
  topics score reviews.csv --field Review        a document a row of a table with a header; or .tsv
  topics score tickets.jsonl --id-field number   name each document in the output by its own id
  topics score counts.csv --as counts            a row of word counts a document
  some command | topics score                    a document a line of standard input
  topics list                                    the topics of the model in service
  topics health --endpoint                       is it there, and does it answer?
  topics similar --id article-17                 the documents most like one of the index
  topics similar letter.txt                      or most like a file

The URL comes from --url or ${URL_VARIABLE}; requests are signed with your AWS credentials.
The URL for similar documents is another: --url or ${SIMILAR_URL_VARIABLE}.
Completion: eval "$(topics --completion bash)", or zsh; topics --completion fish | source.
exit codes: 0 all went well, 1 some documents were refused (shown in their place), 2 nothing could be done.
"""


class _Parser(argparse.ArgumentParser):
    """Refuses with one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(REFUSED, f"topics: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        _prepare_output()
        code = _run(options)
        # Here, where a full disk can still be told, and not when the interpreter ends.
        sys.stdout.flush()
    except OSError as error:
        _drop_output()
        _complain(f"the output cannot be written: {error.strerror or type(error).__name__}")
    except (TopicsError, ValueError) as error:
        _complain(str(error))
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED
    else:
        return code
    return REFUSED


def _complain(sentence: str) -> None:
    """Write one line to standard error, where there is one that takes it."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"topics: {outputs.printable(sentence)}\n")
        sys.stderr.flush()


def _prepare_output() -> None:
    """Have standard output take every character, as UTF-8 in any locale; half a surrogate pair as an escape."""
    # None in a process that was started without it, whatever its type says.
    stream: TextIO | None = sys.stdout
    if stream is None or stream.closed:
        raise InputError("standard output is closed, so there is nowhere to write to")
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _drop_output() -> None:
    """Send what is still in the buffer nowhere: it would fail once more when the interpreter ends."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _run(options: argparse.Namespace) -> int:
    if options.command == "similar":
        outputs.write_similar(_similar(options), options.format, sys.stdout)
        return 0
    client = _client(options)
    if options.command == "score":
        return _score(client, options)
    if options.command == "list":
        outputs.write_topics(client.topics(), options.format, sys.stdout)
        return 0
    health = client.health(endpoint=options.endpoint)
    summary = f"ok: model {health.versions.model}, corpus {health.versions.corpus}, {health.feature_dim} words, "
    sys.stdout.write(outputs.printable(summary + health.algorithm) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="topics",
        description="Ask the topic model what documents are about.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--url", help=f"of the function (default: ${URL_VARIABLE}, or ${SIMILAR_URL_VARIABLE})")
    parser.add_argument("--region", help="of the function (default: from the URL, or your AWS configuration)")
    parser.add_argument("--unsigned", action="store_true", help="do not sign: for a URL that is open to everyone")
    parser.add_argument(
        "--via",
        default=os.environ.get(VIA_VARIABLE),
        help=f"connect here instead (default: ${VIA_VARIABLE}); local cloud",
    )
    parser.add_argument("--version", action="version", version=f"topics {VERSION}")
    parser.add_argument("--completion", action=Completion, choices=SHELLS, help="write what completes it in a shell")
    parser.add_argument("--quiet", action="store_true", help="tell no progress and no counts on standard error")
    parser.add_argument("--format", choices=outputs.FORMATS, default=outputs.TABLE)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    score = commands.add_parser("score", help="show the topics of documents")
    score.add_argument("files", nargs="*", default=[inputs.STANDARD_INPUT], help="- or none: standard input")
    score.add_argument("--as", dest="form", choices=inputs.FORMS, help="what the files hold (default: by their suffix)")
    score.add_argument("--field", default="text", help="member or column that holds the text (default: text)")
    score.add_argument(
        "--id-field", help="member or column that names a document in the output (default: file and line)"
    )
    score.add_argument("--encoding", help="of the files, such as windows-1252 (default: utf-8, or by byte order mark)")
    score.add_argument("--top", type=int, default=3, help="strongest topics to show; 0 shows all weights (default: 3)")
    score.add_argument("--mean", action="store_true", help="give documents without known words the corpus's mean")
    score.add_argument("--strict", action="store_true", help="stop at the first document that is refused")
    score.add_argument("--corpus-version", help="refuse a model of another corpus")
    commands.add_parser("list", help="show the topics of the model in service")
    health = commands.add_parser("health", help="tell which model is in service")
    health.add_argument("--endpoint", action="store_true", help="also have it score one document")
    similar = commands.add_parser("similar", help="show the documents most like one that is named, or a file")
    which = similar.add_mutually_exclusive_group()
    which.add_argument("file", nargs="?", default=inputs.STANDARD_INPUT, help="one document; - or none: standard input")
    which.add_argument("--id", help="of a document of the index")
    similar.add_argument("--number", type=int, help="how many (default: the function's, 10)")
    return parser


def _url(options: argparse.Namespace, variable: str) -> str:
    url: str | None = options.url or os.environ.get(variable)
    if not url:
        raise InputError(f"there is no URL: give --url, or set {variable}")
    return url


def _client(options: argparse.Namespace) -> TopicsClient:
    url = _url(options, URL_VARIABLE)
    return TopicsClient(url, region=options.region, signed=not options.unsigned, via=options.via)


def _similar(options: argparse.Namespace) -> SimilarDocuments:
    client = SimilarClient(_url(options, SIMILAR_URL_VARIABLE), region=options.region, via=options.via)
    if options.id is not None:
        return client.similar(options.id, number=options.number)
    [named] = inputs.documents_in([options.file], Form(inputs.WHOLE))
    if not isinstance(named.document, str):
        raise TypeError("a whole file is read as text")
    return client.similar_to(named.document, number=options.number)


def _score(client: TopicsClient, options: argparse.Namespace) -> int:
    asked: deque[tuple[str, float | None]] = deque()
    form = Form(options.form, options.field, options.encoding, options.id_field)
    predictions = client.stream(
        _noting(inputs.documents_in(options.files, form), asked),
        top=options.top or None,
        on_error="raise" if options.strict else "return",
        empty="mean" if options.mean else "refuse",
        corpus_version=options.corpus_version,
    )
    return _show(predictions, asked, options.format, is_quiet=options.quiet)


def _noting(
    documents: Iterator[Named], asked: deque[tuple[str, float | None]]
) -> Iterator[str | dict[int, float] | list[float]]:
    for named in documents:
        asked.append((named.name, named.share))
        yield named.document


def _show(
    predictions: Iterator[Prediction], asked: deque[tuple[str, float | None]], format_name: str, *, is_quiet: bool
) -> int:
    writer = outputs.writer_of(format_name, sys.stdout)
    progress = outputs.Progress()
    models: set[str] = set()
    shown = refused = 0
    try:
        for prediction in predictions:
            name, share = asked.popleft()
            writer.write(name, prediction)
            shown += 1
            refused += prediction.error is not None
            if prediction.versions.model is not None:
                models.add(prediction.versions.model)
            if not is_quiet:
                progress.step(share)
        writer.end()
    finally:
        progress.end()
    if len(models) > 1:
        _complain("the model was replaced meanwhile: topics of the first lines are not those of the last")
    if refused and not is_quiet:
        _complain(f"{refused} of {shown} documents were refused")
    return SOME_DOCUMENTS_REFUSED if refused else 0
