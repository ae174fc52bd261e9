"""Bring a prepared corpus to a stage's bucket, as the newest one: `python -m operations.upload`.

The next retraining takes it. No deploy is needed, and the model in service stays until a new one passes the gate.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from stacks.shared.names import in_service_parameter, newest_corpus_parameter, stack_prefix
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.manifest import DEFAULT_FOLDER, MANIFEST_NAME, CorpusManifest
from training_scripts.os_errors import in_a_sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class UploadError(Exception):
    """What cannot be done, in one sentence."""


class S3(Protocol):
    """The operation of boto3's S3 client used here."""

    def upload_file(self, Filename: str, Bucket: str, Key: str) -> None:
        """Copy a file to an object."""


class Ssm(Protocol):
    """The operations of boto3's SSM client used here."""

    def get_parameter(self, *, Name: str) -> Mapping[str, Mapping[str, str]]:
        """Read a parameter."""

    def put_parameter(self, *, Name: str, Value: str, Type: str, Overwrite: bool) -> object:
        """Write a parameter."""


class CloudFormation(Protocol):
    """The operation of boto3's CloudFormation client used here."""

    def describe_stacks(self, *, StackName: str) -> Mapping[str, list[Mapping[str, list[Mapping[str, str]]]]]:
        """Tell a stack."""


@in_a_sentence("upload")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code: 0 done, 2 it could not be done, and nothing was named the newest."""
    parser = argparse.ArgumentParser(prog="python -m operations.upload", description=__doc__)
    parser.add_argument("--stage", required=True, help="as in cdk.json, for example prod")
    parser.add_argument("--corpus", type=Path, default=DEFAULT_FOLDER, help=f"the prepared folder ({DEFAULT_FOLDER})")
    options = parser.parse_args(arguments)
    try:
        where = upload(
            options.corpus,
            options.stage,
            s3=boto3.client("s3"),
            ssm=boto3.client("ssm"),
            cloudformation=boto3.client("cloudformation"),
        )
    except (UploadError, CorpusError, ClientError, BotoCoreError) as error:
        print(f"upload: {error}", file=sys.stderr)
        return 2
    print(where)
    return 0


def upload(folder: Path, stage: str, *, s3: S3, ssm: Ssm, cloudformation: CloudFormation) -> str:
    """Copy the corpus in `folder` beside the stage's other corpora, name it the newest, and return its URI.

    Raises:
        CorpusError: there is no prepared corpus, or it is broken.
        UploadError: the stage does not retrain, or the corpus counts words by another vocabulary than the model in
            service.
    """
    manifest = CorpusManifest.load_whole(folder)
    pointer = newest_corpus_parameter(stage)
    if _value(ssm, pointer) is None:
        raise UploadError(f"stage {stage!r} has no {pointer}: set `retraining` in its settings, and deploy it first")
    _check_vocabulary(manifest, stage, _value(ssm, in_service_parameter(stage)))
    if (left_aside := manifest.left_aside(folder)) is not None:
        print(f"upload: {left_aside}", file=sys.stderr)
    bucket, prefix = _place(cloudformation, stage)
    prefix = f"{prefix}{manifest.corpus_hash}/"
    # The manifest comes last: a folder that has it is whole.
    for name in [*sorted(manifest.files), MANIFEST_NAME]:
        s3.upload_file(str(folder / name), bucket, f"{prefix}{name}")
    ssm.put_parameter(Name=pointer, Value=manifest.corpus_hash, Type="String", Overwrite=True)
    return f"s3://{bucket}/{prefix}"


def _check_vocabulary(manifest: CorpusManifest, stage: str, in_service: str | None) -> None:
    served = json.loads(in_service)["vocabulary"] if in_service is not None else manifest.vocabulary_hash
    if manifest.vocabulary_hash != served:
        raise UploadError(
            f"the corpus has vocabulary {manifest.vocabulary_hash}, but stage {stage!r} serves {served}: prepare it "
            "with --vocabulary and the folder of the corpus in service, or deploy the new vocabulary"
        )


def _place(cloudformation: CloudFormation, stage: str) -> tuple[str, str]:
    """Return bucket and prefix of the stage's corpora, by the corpus that was deployed with it."""
    name = f"{stack_prefix(stage)}-Data"
    outputs = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    uri = next((output["OutputValue"] for output in outputs if output["OutputKey"] == "CorpusUri"), None)
    if uri is None:
        raise UploadError(f"stack {name} tells no CorpusUri: deploy it first")
    bucket, _, prefix = uri.removeprefix("s3://").rstrip("/").partition("/")
    parent = prefix.rpartition("/")[0]
    return bucket, f"{parent}/" if parent else ""


def _value(ssm: Ssm, name: str) -> str | None:
    try:
        return ssm.get_parameter(Name=name)["Parameter"]["Value"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
        return None


if __name__ == "__main__":
    sys.exit(main())
