"""Train on this machine, without any cloud, and explore what came out: `python -m operations.fit`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from explore import options as common
from explore.__main__ import explore
from explore.map import METHODS
from explore.scorers import LocalModel, score_all
from explore.vectors import DEFAULT_FILE, write_topic_vectors
from operations import stage_settings
from operations.command import add_settings, add_stage, command
from operations.sweep.command import plan, read_setting
from operations.sweep.jobs import run_all
from training_scripts.command_line import Parser
from training_scripts.corpus.manifest import CorpusManifest
from training_scripts.corpus.progress import Progress

PROGRAM: Final = "python -m operations.fit"
DEFAULT_OUTPUT: Final = Path("build/fit")
_HASH_CHARS: Final = 12


@command("fit")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    progress = Progress("fit")
    corpus = CorpusManifest.load_whole(options.corpus)
    chosen = stage_settings.hyperparameters(options.settings, options.stage, documents=corpus.documents.train)
    fixed = {**chosen, **dict(read_setting(text) for text in options.set)}
    [planned] = plan([], fixed, 1, corpus.feature_dim, options.out)
    job = replace(planned, root=options.out / f"fit-{corpus.corpus_hash[:_HASH_CHARS]}")
    run_all([job], options.corpus, corpus, at_a_time=1, budget_s=None, progress=progress)
    documents = common.read_documents(options, progress)
    weights, model = score_all(LocalModel(job.model), documents, progress)
    vectors = options.out / DEFAULT_FILE.name
    write_topic_vectors(vectors, documents, weights, model=model)
    explore(vectors, job.model, documents, out=options.out, method=METHODS[0], seed=0, progress=progress)
    print(f"  vectors  {vectors}\n  folder   {job.model}")
    return 0


def _parser() -> Parser:
    parser = Parser(prog=PROGRAM, description=__doc__, allow_abbrev=False)
    add_stage(parser, by_default=True)
    add_settings(parser)
    add = parser.add_argument
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="a hyperparameter over the stage's")
    add("--out", type=Path, default=DEFAULT_OUTPUT, metavar="DIR", help=f"folder to write ({DEFAULT_OUTPUT})")
    common.add_documents(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
