"""What the other stacks take from the data stack: values in SSM parameters, which each of their deploys reads anew.

An export that another stack imports can be neither changed nor removed, and so no setting that changes what it names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from stacks.shared.names import data_parameters_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stacks.data.captured import CaptureLocation
    from stacks.shared.bucket_layout import CodeLocation, CorpusLocation
    from stacks.shared.network import Placement
    from stacks.shared.platform import Platform

KEY: Final = "Key"
OPERATIONS_KEY: Final = "OperationsKey"
LOST_EVENTS: Final = "LostEvents"
ALARMS: Final = "Alarms"
CORPORA: Final = "Corpora"
ARTIFACTS: Final = "Artifacts"
CAPTURED: Final = "Captured"
CAPTURE_KEY: Final = "CaptureKey"
SUBNET: Final = "Subnet"
SECURITY_GROUP: Final = "SecurityGroup"


@dataclass(frozen=True)
class DataValues:
    """Key, buckets, corpus and platform, as constructs of the data stack."""

    key: kms.IKey
    artifacts: s3.IBucket
    captured: CaptureLocation | None
    corpus: CorpusLocation
    code: CodeLocation | None
    preparation_code: CodeLocation | None
    platform: Platform
    corpora: s3.IBucket
    """The stage's own bucket of corpora and code; `corpus` may lie in another."""

    def tell(self, scope: Construct) -> None:
        """Write the values into parameters, below `scope` in the data stack."""
        for name, value in self._values():
            ssm.StringParameter(
                scope,
                name,
                parameter_name=f"{data_parameters_prefix(self.platform.stage)}/{name}",
                string_value=value,
                description="Read by each deploy of the stage's other stacks",
            )

    def _values(self) -> Iterator[tuple[str, str]]:
        yield KEY, self.key.key_arn
        yield OPERATIONS_KEY, self.platform.operations_key_arn
        yield LOST_EVENTS, self.platform.lost_events.queue_arn
        yield ALARMS, self.platform.alarms_arn
        yield CORPORA, self.corpora.bucket_name
        yield ARTIFACTS, self.artifacts.bucket_name
        if self.captured is not None:
            yield CAPTURED, self.captured.bucket.bucket_name
            yield CAPTURE_KEY, self.captured.key.key_arn
        placement = self.platform.placement
        if placement is not None and placement.ready:
            for number, subnet in enumerate(placement.subnet_ids):
                yield f"{SUBNET}{number}", subnet
            for number, group in enumerate(placement.security_group_ids):
                yield f"{SECURITY_GROUP}{number}", group


class SharedData(Construct):
    """The values as constructs of the stack that uses them. What it does not use, its template does not read."""

    def __init__(self, stack: cdk.Stack, values: DataValues) -> None:
        super().__init__(stack, "Data")
        self._values = values

    @cached_property
    def key(self) -> kms.IKey:
        """The key of corpora, models, volumes and transform output."""
        return self._key(KEY)

    @cached_property
    def artifacts(self) -> s3.IBucket:
        """The bucket of models and batch transform output."""
        return self._bucket(ARTIFACTS)

    @property
    def captures(self) -> bool:
        """Whether the stage keeps what the endpoint was asked; reads no parameter."""
        return self._values.captured is not None

    @cached_property
    def captured(self) -> CaptureLocation | None:
        """Where SageMaker puts what the endpoint was asked, where the stage keeps it."""
        captured = self._values.captured
        return replace(captured, bucket=self._bucket(CAPTURED), key=self._key(CAPTURE_KEY)) if captured else None

    @cached_property
    def corpus(self) -> CorpusLocation:
        """The corpus that the next training reads."""
        corpus = self._values.corpus
        return replace(corpus, bucket=self._corpora, key=self.key) if corpus.bucket is self._values.corpora else corpus

    @cached_property
    def code(self) -> CodeLocation | None:
        """The code of the open NTM, where the stage trains it."""
        code = self._values.code
        return replace(code, bucket=self._corpora) if code else None

    @cached_property
    def preparation_code(self) -> CodeLocation | None:
        """The code that prepares on Spark, where the stage does."""
        code = self._values.preparation_code
        return replace(code, bucket=self._corpora) if code else None

    @cached_property
    def platform(self) -> Platform:
        """What every function, log group and job of the stage shares."""
        platform, key = self._values.platform, self._key(OPERATIONS_KEY)
        return replace(
            platform,
            operations_key=key,
            lost_events=sqs.Queue.from_queue_attributes(
                self, LOST_EVENTS, queue_arn=self._value(LOST_EVENTS), key_arn=key.key_arn
            ),
            alarms=sns.Topic.from_topic_arn(self, ALARMS, self._value(ALARMS)),
            placement=self._placement(platform.placement),
        )

    @cached_property
    def _corpora(self) -> s3.IBucket:
        return self._bucket(CORPORA)

    def _placement(self, placement: Placement | None) -> Placement | None:
        """Return the network, without what in the data stack must be there before the stage's own can be used."""
        if placement is None or not placement.ready:
            return placement
        return replace(
            placement,
            subnet_ids=[self._value(f"{SUBNET}{number}") for number in range(len(placement.subnet_ids))],
            security_group_ids=[
                self._value(f"{SECURITY_GROUP}{number}") for number in range(len(placement.security_group_ids))
            ],
            ready=(),
        )

    def _key(self, name: str) -> kms.IKey:
        return kms.Key.from_key_arn(self, name, self._value(name))

    def _bucket(self, name: str) -> s3.IBucket:
        return s3.Bucket.from_bucket_name(self, name, self._value(name))

    def _value(self, name: str) -> str:
        """Return a value as CloudFormation reads it in each deploy."""
        parameter = cdk.CfnParameter(
            self,
            f"{name}Value",
            type="AWS::SSM::Parameter::Value<String>",
            default=f"{data_parameters_prefix(self._values.platform.stage)}/{name}",
            description=f"{name} of the data stack",
        )
        parameter.override_logical_id(f"Data{name}")
        return parameter.value_as_string
