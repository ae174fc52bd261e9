"""Topic vectors of many documents by batch transform: `python -m operations.transform --help`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from explore import builtin_model
from explore import options as common
from explore.documents import records_of
from explore.vectors import DEFAULT_FILE, write_topic_vectors
from operations.command import add_stage, command
from operations.errors import OperationError
from operations.stage import DeployedStage
from operations.transform import run as transform_run
from operations.transform import scheduled as transform_scheduled
from operations.transform.formats import DEFAULT, FORMATS
from training_scripts.command_line import Parser
from training_scripts.corpus.manifest import VOCABULARY_PATH, CorpusManifest
from training_scripts.corpus.progress import Progress
from training_scripts.ntm.artifact import MODEL_FILE

PROGRAM: Final = "python -m operations.transform"


@command("transform")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    _transform(_parser().parse_args(arguments))
    return 0


def _transform(options: argparse.Namespace) -> None:
    progress = Progress("transform")
    note = options.out.with_name(f".{options.out.name}.transform.json")
    if options.model_out is not None:
        _refuse_another_folder(options.model_out)
    documents = common.read_documents(options, progress)
    deployed = DeployedStage(options.stage)
    stage = transform_run.find_stage(deployed)
    if options.scheduled:
        outcome = transform_scheduled.collect(deployed, stage, documents, options.corpus, progress)
    else:
        outcome = transform_run.run(deployed, stage, documents, note, progress, form=FORMATS.get(options.format))
    if options.model_out is not None:
        transform_run.fetch_model(deployed, outcome.artifact, options.model_out)
        _describe_builtin(options.model_out, outcome.model, stage.corpus, options.corpus)
    write_topic_vectors(options.out, documents, outcome.weights, model=outcome.model)
    note.unlink(missing_ok=True)
    known = outcome.weights.shape[0]
    print(
        f"{options.out}: {known:,} topic vectors of {outcome.weights.shape[1]} topics, and "
        f"{len(documents.ids) - known:,} documents without a known word\n"
        f"  job     {outcome.seconds:.1f} s on {stage.instances} instances, {known / max(outcome.seconds, 1e-3):,.0f} "
        f"documents a second\n  model   {outcome.model}\n  corpus  {documents.corpus}"
    )


def _describe_builtin(model: Path, version: str, corpus_hash: str, folder: Path) -> None:
    """Have a model of the built-in tell its topics, which the open NTM's does by itself."""
    if not builtin_model.is_builtin(model):
        return
    corpus = CorpusManifest.load_whole(folder)
    builtin_model.describe(
        model,
        version=version,
        corpus_hash=corpus_hash,
        words=(folder / VOCABULARY_PATH).read_text(encoding="utf-8").splitlines(),
        validation=records_of(folder, corpus, "validation"),
        metrics={},
    )


def _refuse_another_folder(folder: Path) -> None:
    if folder.exists() and not (folder / MODEL_FILE).is_file():
        raise OperationError(f"{folder} is there and holds no {MODEL_FILE}, so it is not replaced by a model")


def _parser() -> Parser:
    parser = Parser(prog=PROGRAM, description=__doc__, allow_abbrev=False)
    add_stage(parser)
    parser.add_argument("--out", type=Path, default=DEFAULT_FILE, metavar="FILE", help=f"to write ({DEFAULT_FILE})")
    parser.add_argument("--model-out", type=Path, metavar="DIR", help="unpack the model here too, to explore it by")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--scheduled", action="store_true", help="start nothing: collect what the schedule transformed")
    how.add_argument(
        "--format",
        choices=tuple(FORMATS),
        help="how documents travel: by order beside a manifest of their ids, or with these in JSON Lines "
        f"({DEFAULT.name}; where a run was interrupted, its own)",
    )
    common.add_documents(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
