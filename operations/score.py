"""Topic vectors of a whole corpus, by a model folder or by what is deployed. Batch transform: operations.transform."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from explore import options as common
from explore.scorers import LocalModel, Scorer, score_all
from explore.vectors import DEFAULT_FILE, write_topic_vectors
from operations.command import command
from operations.deployed_scorers import Endpoint, Url
from operations.errors import OperationError
from training_scripts.command_line import Parser
from training_scripts.corpus.progress import Progress

PROGRAM: Final = "python -m operations.score"


@command("score")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    _score(_parser().parse_args(arguments))
    return 0


def _score(options: argparse.Namespace) -> None:
    progress = Progress("score")
    scorer = _scorer(options)
    documents = common.read_documents(options, progress)
    weights, model = score_all(scorer, documents, progress)
    write_topic_vectors(options.out, documents, weights, model=model)
    without = len(documents.ids) - weights.shape[0]
    print(
        f"{options.out}: {weights.shape[0]:,} topic vectors of {weights.shape[1]} topics, and {without:,} documents "
        f"without a known word\n  model   {model}\n  corpus  {documents.corpus}"
    )


def _scorer(options: argparse.Namespace) -> Scorer:
    if options.model_version and not options.endpoint:
        raise OperationError("--model-version has a meaning beside --endpoint only: the others say their model")
    if options.endpoint:
        return Endpoint(options.endpoint, model=options.model_version)
    return Url(options.url) if options.url else LocalModel(options.model)


def _parser() -> Parser:
    parser = Parser(prog=PROGRAM, description=__doc__, allow_abbrev=False)
    by = parser.add_mutually_exclusive_group(required=True)
    by.add_argument("--model", type=Path, metavar="DIR", help="a model folder, scored on this machine")
    by.add_argument("--endpoint", metavar="NAME", help="a SageMaker endpoint")
    by.add_argument("--url", metavar="URL", help="the service's URL")
    parser.add_argument("--model-version", metavar="NAME", help="of an endpoint that does not say (built-in image)")
    parser.add_argument("--out", type=Path, default=DEFAULT_FILE, metavar="FILE", help=f"to write ({DEFAULT_FILE})")
    common.add_documents(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
