"""Bring a prepared corpus to a stage's bucket, as the newest one: `python -m operations.upload`.

The next retraining takes it. No deploy is needed, and the model in service stays until a new one passes the gate.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from operations.command import add_stage, command
from operations.errors import OperationError
from operations.ports import S3
from operations.stage import DeployedStage
from stacks.shared.names import newest_corpus_parameter
from training_scripts.command_line import Parser
from training_scripts.corpus.manifest import DEFAULT_FOLDER, MANIFEST_NAME, CorpusManifest

from deployment_functions.ports import Ssm


@command("upload")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code: 0 done, 2 it could not be done, and nothing was named the newest."""
    parser = Parser(prog="python -m operations.upload", description=__doc__)
    add_stage(parser)
    parser.add_argument("--corpus", type=Path, default=DEFAULT_FOLDER, help=f"the prepared folder ({DEFAULT_FOLDER})")
    options = parser.parse_args(arguments)
    print(upload(options.corpus, DeployedStage(options.stage)))
    return 0


def upload(folder: Path, stage: DeployedStage) -> str:
    """Copy the corpus in `folder` beside the stage's other corpora, name it the newest, and return its URI.

    Raises:
        CorpusError: there is no prepared corpus, or it is broken.
        OperationError: the stage does not retrain, or the corpus counts words by another vocabulary than the model in
            service.
    """
    manifest = CorpusManifest.load_whole(folder)
    pointer = newest_corpus_parameter(stage.name)
    if stage.parameter(pointer) is None:
        raise OperationError(
            f"stage {stage.name!r} has no {pointer}: set `retraining` in its settings, and deploy it first"
        )
    _check_vocabulary(manifest, stage)
    if (left_aside := manifest.left_aside(folder)) is not None:
        print(f"upload: {left_aside}", file=sys.stderr)
    bucket, prefix = _place(stage)
    s3: S3 = stage.client("s3")
    prefix = f"{prefix}{manifest.corpus_hash}/"
    # The manifest comes last: a folder that has it is whole.
    for name in [*sorted(manifest.files), MANIFEST_NAME]:
        s3.upload_file(str(folder / name), bucket, f"{prefix}{name}")
    ssm: Ssm = stage.client("ssm")
    ssm.put_parameter(Name=pointer, Value=manifest.corpus_hash, Type="String", Overwrite=True)
    return f"s3://{bucket}/{prefix}"


def _check_vocabulary(manifest: CorpusManifest, stage: DeployedStage) -> None:
    in_service = stage.in_service()
    served = manifest.vocabulary_hash if in_service is None else in_service["vocabulary"]
    if manifest.vocabulary_hash != served:
        raise OperationError(
            f"the corpus has vocabulary {manifest.vocabulary_hash}, but stage {stage.name!r} serves {served}: prepare "
            "it with --vocabulary and the folder of the corpus in service, or deploy the new vocabulary"
        )


def _place(stage: DeployedStage) -> tuple[str, str]:
    """Return bucket and prefix of the stage's corpora, by the corpus that was deployed with it."""
    uri = stage.outputs("Data").get("CorpusUri")
    if uri is None:
        raise OperationError(f"stack {stage.stack('Data')} tells no CorpusUri: deploy it first")
    bucket, _, prefix = uri.removeprefix("s3://").rstrip("/").partition("/")
    parent = prefix.rpartition("/")[0]
    return bucket, f"{parent}/" if parent else ""


if __name__ == "__main__":
    sys.exit(main())
