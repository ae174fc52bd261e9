"""The parameter that names the newest prepared corpus: a deploy's upload moves it, and so does an upload by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_ssm as ssm

from stacks.shared.names import newest_corpus_parameter

if TYPE_CHECKING:
    from constructs import Construct


class NewestCorpus(ssm.StringParameter):
    """The hash of the newest corpus under the stage's prefix.

    CloudFormation writes it when the deployed corpus changes, and leaves it alone otherwise: what
    `python -m operations.upload` has written since stays.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: str, corpus_hash: str) -> None:
        super().__init__(
            scope,
            construct_id,
            parameter_name=newest_corpus_parameter(stage),
            description="Hash of the newest prepared corpus, which the next retraining takes",
            string_value=corpus_hash,
        )
