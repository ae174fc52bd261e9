"""Give topics the names of a names.json, which the page of topics exports: in a stage, in a model folder, or both."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from explore.page import names as topic_names
from explore.page.names import Names
from operations.command import add_stage, command
from operations.errors import OperationError
from operations.stage import DeployedStage
from training_scripts.command_line import Parser

from deployment_functions.ledger import SETS
from deployment_functions.pipeline.topics_file import TOPICS_FILE

PROGRAM: Final = "python -m operations.name_topics"


@command("name_topics")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    if options.stage is None and options.model is None:
        raise OperationError("nothing is named: give --stage NAME, --model DIR, or both")
    names = topic_names.read(options.file)
    # What the stage refuses, the folder does not get either.
    publication = None if options.stage is None else _named(DeployedStage(options.stage), names)
    if options.model is not None:
        names.write_to(options.model)
        print(f"{options.model}: {len(names.names)} topics named; python -m explore draws them so")
    if publication is not None:
        publication.write()
        print(f"stage {options.stage}: {len(names.names)} topics named; its URL says so within a minute")
    print(f"  model  {names.model}: the next one has topics and labels of its own")
    return 0


@dataclass(frozen=True)
class Published:
    """The topics.json beside a model's artifact, which the URL reads."""

    s3: Any
    bucket: str
    key: str
    content: dict[str, Any]

    @classmethod
    def read(cls, deployed: DeployedStage, artifact: str) -> Published | None:
        """Return that of an artifact, `s3://bucket/key`; None where there is none."""
        s3 = deployed.client("s3")
        bucket, _, key = f"{artifact.rpartition('/')[0]}/{TOPICS_FILE}".removeprefix("s3://").partition("/")
        try:
            content = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return None
        return cls(s3, bucket, key, content)

    def write(self) -> None:
        """Put it in the place of what is there, at once."""
        body = json.dumps(self.content, ensure_ascii=False).encode()
        self.s3.put_object(Bucket=self.bucket, Key=self.key, Body=body, ContentType="application/json")


def _named(deployed: DeployedStage, names: Names) -> Published:
    published = Published.read(deployed, _artifact(deployed, names))
    if published is None:
        raise OperationError(f"stage {deployed.name!r} publishes no topics of model {names.model}: give --model alone")
    return replace(published, content={**published.content, "topics": names.on(published.content["topics"])})


def _artifact(deployed: DeployedStage, names: Names) -> str:
    """Return the artifact of the names' model, which the stage knows."""
    served = deployed.in_service()
    if served is not None and served["model"] == names.model and "artifact" in served:
        return served["artifact"]
    for which in SETS:
        recorded = deployed.ledger.read(which)
        if recorded is not None and recorded["job_name"] == names.model:
            return recorded["artifact_uri"]
    names.refuse_another(served["model"] if served else "no model", f"stage {deployed.name!r}")
    raise OperationError(f"stage {deployed.name!r} does not say where model {names.model} lies: deploy it again")


def _parser() -> Parser:
    parser = Parser(prog=PROGRAM, description=__doc__, allow_abbrev=False)
    parser.add_argument("file", type=Path, metavar="FILE", help="the names.json that the page exported")
    add_stage(parser, required=False)
    parser.add_argument("--model", type=Path, metavar="DIR", help="the folder that python -m explore reads")
    return parser


if __name__ == "__main__":
    sys.exit(main())
