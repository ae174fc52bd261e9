"""Stage settings: what a platform team may choose, with the ranges that the services accept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from stacks.settings import instance_types
from stacks.settings.endpoint import CRON, CaptureSettings, EndpointSettings, RolloutSettings
from stacks.settings.frozen import Frozen
from stacks.settings.instance_types import InstanceType
from stacks.settings.organisation import (
    MOST_BUDGET_EMAILS,
    Account,
    AlarmSettings,
    BudgetSettings,
    KeySettings,
    OrganisationSettings,
)
from stacks.settings.place_names import BucketName, KeyArn, region_of
from stacks.settings.preparation import PreparationStep
from stacks.settings.url import UrlSettings
from training_scripts.corpus.manifest import DEFAULT_FOLDER
from training_scripts.hyperparameters import (
    OPEN_NTM_VALUES,
    Epochs,
    Float,
    Int,
    MiniBatchSize,
    NtmHyperparameters,
    NumTopics,
    OpenNtmSwitches,
    PatienceEpochs,
    default_mini_batch_size,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

HARDENED_LOG_DAYS: Final = 365
"""A year of logs is what PCI DSS 10.5.1 asks for; the rule on log groups asks the same of the templates."""

HARDENED_INSTANCES: Final = 2
"""Hosts in two zones; the rule on the endpoint's instances asks the same of the templates."""

DEPLOY_WAIT_LIMIT_S: Final = 3600
"""CloudFormation waits no longer for a custom resource, so neither can a deploy for a training."""
TRANSFORM_MB_UNDER_WAY: Final = 100
"""MaxPayloadInMB times MaxConcurrentTransforms, at most."""
LEAST_SWEEP_JOBS: Final = 2
MOST_SWEEP_JOBS: Final = 200
"""What Step Functions passes between states, 256 KB, holds the hyperparameters of so many."""
SCHEDULE: Final = rf"^(rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)|{CRON})$"
"""EventBridge's expressions: its own check comes late, at the deploy."""
START_UP_MARGIN_S: Final = 600
"""What a training job takes beside its run time: getting instances, downloading the image and data, uploading."""


class S3Corpus(Frozen):
    """A prepared corpus that is in S3 already, at an immutable prefix that ends with its hash."""

    bucket: BucketName
    prefix: Annotated[str, Field(pattern=r"^([A-Za-z0-9!_.*'()-]+/)*[0-9a-f]{64}/?$")]
    kms_key_arn: KeyArn | None = None
    """The customer-managed key the objects are encrypted with, if any: training must be allowed to decrypt."""

    @property
    def corpus_hash(self) -> str:
        """The last component of the prefix: the corpus_hash of its corpus.json."""
        return self.prefix.rstrip("/").rpartition("/")[2]


class CorpusSettings(Frozen):
    """Where the prepared corpus is: a folder here, which `cdk deploy` uploads, or a prefix in S3."""

    path: str = str(DEFAULT_FOLDER)
    """The folder that `python -m training_scripts.prepare` wrote, from the project's root."""
    s3: S3Corpus | None = None


class StageHyperparameters(NtmHyperparameters):
    """NTM's hyperparameters, with the tutorial's values where it departs from the algorithm's defaults."""

    num_topics: NumTopics = 30
    mini_batch_size: MiniBatchSize = 128
    epochs: Epochs = 100
    num_patience_epochs: PatienceEpochs = 5


Distribution = Literal["ShardedByS3Key", "FullyReplicated"]


class TrainingSettings(Frozen):
    """The training job: what it learns, and on what."""

    hyperparameters: StageHyperparameters = StageHyperparameters()
    switches: OpenNtmSwitches | None = None
    """What only the open NTM takes; the built-in would fail the job for it."""
    instance_type: InstanceType = "ml.c5.xlarge"
    instance_count: Annotated[Int, Field(ge=1, le=20)] = 2
    train_distribution: Distribution = "ShardedByS3Key"
    """Each instance trains on its own shards, or each on all of them. The other channels are always replicated."""
    volume_size_gb: Annotated[Int, Field(ge=1, le=16_384)] = 30
    max_runtime_s: Annotated[Int, Field(ge=60, le=432_000)] = 2700
    run_on_deploy: bool = True
    """Train as part of `cdk deploy` when the corpus or the job's definition has changed, and wait for the end."""

    @property
    def pipeline_timeout_s(self) -> int:
        """How long one run of the pipeline may take in all."""
        return self.max_runtime_s + START_UP_MARGIN_S

    def with_hyperparameters(self, values: Mapping[str, object]) -> TrainingSettings:
        """Return the same with values for the hyperparameters that are not told."""
        given = self.hyperparameters.model_fields_set
        new = {name: value for name, value in values.items() if name not in given}
        return self.model_copy(update={"hyperparameters": self.hyperparameters.model_copy(update=new)})

    @model_validator(mode="after")
    def _the_volume_fits(self) -> TrainingSettings:
        instance_types.check_volume(self.instance_type, self.volume_size_gb)
        return self


class NoNetwork(Frozen):
    """Functions, jobs and hosts are in AWS's own networks."""

    kind: Literal["none"] = "none"


class ExistingNetwork(Frozen):
    """A VPC that is there already, named by its ids: nothing is looked up.

    It must lead to the services that the stage's own VPC has endpoints for, or the functions hang.
    """

    kind: Literal["existing"]
    subnet_ids: Annotated[tuple[Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}$")], ...], Field(min_length=1)]
    security_group_ids: Annotated[
        tuple[Annotated[str, Field(pattern=r"^sg-[0-9a-f]{8,17}$")], ...], Field(min_length=1, max_length=5)
    ]


class OwnNetwork(Frozen):
    """A private VPC that the data stack makes: no internet gateway, no NAT, endpoints only."""

    kind: Literal["own"]
    cidr: Annotated[str, Field(pattern=r"^(\d{1,3}\.){3}\d{1,3}/(1[6-9]|2[0-2])$")] = "10.42.0.0/20"
    zones: Annotated[Int, Field(ge=2, le=3)] = 2
    """Availability zones, a subnet each."""
    availability_zones: tuple[Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d[a-z]$")], ...] | None = None
    """Which ones, where the region's first lack an instance type or an endpoint service; None takes its first."""

    @model_validator(mode="after")
    def _each_subnet_has_a_zone(self) -> OwnNetwork:
        named = self.availability_zones
        if named is not None and (len(set(named)) != len(named) or len(named) != self.zones):
            raise ValueError(
                f"availability_zones names {', '.join(named) or 'none'}, but zones is {self.zones}: "
                "name so many, each once"
            )
        return self


Network = Annotated[NoNetwork | ExistingNetwork | OwnNetwork, Field(discriminator="kind")]


class OperationsSettings(Frozen):
    """Who watches, and how closely."""

    tracing: bool = False
    """X-Ray segments of every function."""
    dashboard: bool = True
    max_topic_shift: Annotated[Float, Field(gt=0, le=1)] = 0.2
    """Jensen-Shannon divergence, in bits, of recent topics from those of the training, at which an alarm rings."""


class AccountLogSettings(Frozen):
    """SageMaker's log groups that are one an account and region: for the one stage whose owner is the account's."""

    retention_days: Literal[1, 3, 7, 14, 30, 60, 90, 180, 365, 400, 731, 1827, 3653] = 365
    kms_key_arn: KeyArn | None = None
    """A key whose policy lets CloudWatch Logs use it for these groups, and that outlives every stage; None leaves
    them under theirs."""


class RetrainingSettings(Frozen):
    """A schedule on which the pipeline runs on the newest prepared corpus; see docs/operations.md."""

    schedule: Annotated[str, Field(pattern=SCHEDULE)] = "rate(7 days)"
    """When to check whether a retraining is due, as EventBridge takes it: rate(7 days), cron(0 3 ? * SUN *)."""
    max_loss_increase_percent: Annotated[Float, Field(ge=0, le=100)] = 0
    """How much larger than that of the model in service the new one's validation loss may be."""


class TransformSettings(Frozen):
    """Batch transform: how many instances work, and how much each is sent at a time."""

    instance_type: InstanceType = "ml.m5.large"
    instance_count: Annotated[Int, Field(ge=1, le=100)] = 2
    max_payload_mb: Annotated[Int, Field(ge=1, le=100)] = 6
    max_concurrent_transforms: Annotated[Int, Field(ge=1, le=100)] = 2
    max_runtime_s: Annotated[Int, Field(ge=60, le=432_000)] = 14_400
    schedule: Annotated[str, Field(pattern=SCHEDULE)] | None = None
    """When the stage's corpus is transformed, as EventBridge takes it: rate(7 days), cron(0 3 ? * SUN *)."""

    @model_validator(mode="after")
    def _what_is_under_way_is_bounded(self) -> TransformSettings:
        if self.max_payload_mb * self.max_concurrent_transforms > TRANSFORM_MB_UNDER_WAY:
            raise ValueError(
                f"max_payload_mb is {self.max_payload_mb} and max_concurrent_transforms "
                f"{self.max_concurrent_transforms}, together more than the {TRANSFORM_MB_UNDER_WAY} MB that SageMaker "
                "takes at a time: lower one of them"
            )
        return self


class SweepSettings(Frozen):
    """Training jobs side by side, to choose hyperparameters by: how many at a time, and what a sweep may use up."""

    max_concurrency: Annotated[Int, Field(ge=1, le=40)] = 2
    """Jobs at a time, each on the instances of a training; a Map runs 40 at most."""
    max_jobs: Annotated[Int, Field(ge=1, le=MOST_SWEEP_JOBS)] = 24
    max_instance_seconds: Annotated[Int, Field(ge=60)] = 129_600
    """Instances times the bound of a job's run time, of all jobs together: what a sweep can cost at most."""


class SimilarSettings(Frozen):
    """The function that finds documents of similar topics, with a URL of its own."""

    store: Literal["function", "s3-vectors"] = "function"
    """What holds the vectors: the function's memory, or Amazon S3 Vectors, for more than that."""
    memory_mb: Annotated[Int, Field(ge=512, le=10_240)] = 1024
    """Of the function; an index in its memory may take a fifth of it."""
    reserved_concurrency: Annotated[Int, Field(ge=1, le=1000)] | None = None
    """Most requests at once; None leaves the account's limit."""


Algorithm = Literal["builtin", "open"]


class StageSettings(Frozen):
    """Everything that may differ between stages."""

    algorithm: Algorithm = "builtin"
    """SageMaker's own NTM image, or the open NTM of this project in AWS's framework containers."""
    corpus: CorpusSettings = CorpusSettings()
    training: Annotated[TrainingSettings, Field(validate_default=True)] = TrainingSettings()
    endpoint: EndpointSettings = EndpointSettings()
    url: UrlSettings = UrlSettings()
    transform: TransformSettings = TransformSettings()
    similar: SimilarSettings | None = None
    sweep: SweepSettings | None = None
    preparation: PreparationStep | None = None
    """A state machine that prepares corpora on Spark, from documents in S3."""
    network: Network = NoNetwork()
    capture: CaptureSettings | None = None
    rollout: RolloutSettings = RolloutSettings()
    operations: OperationsSettings = OperationsSettings()
    alarms: AlarmSettings = AlarmSettings()
    organisation: OrganisationSettings = OrganisationSettings()
    keys: KeySettings = KeySettings()
    budget: BudgetSettings | None = None
    account_logs: AccountLogSettings | None = None
    """Set retention and key of the account's own log groups of SageMaker jobs; None leaves them alone."""
    retraining: RetrainingSettings | None = None
    """None: models are trained by deploys and by people only."""
    hardened: bool = False
    """Whether the stage promises what an auditor signs: settings and templates that fall short are refused."""
    approval: Literal["automatic", "manual"] = "manual"
    """Whether a successful training goes into service by itself. A stage's first model always does."""
    removal_policy: Literal["destroy", "retain"] = "retain"
    """What happens to keys, buckets and logs when the stacks are destroyed."""
    log_retention_days: Literal[1, 3, 7, 14, 30, 60, 90, 180, 365, 400, 731, 1827, 3653] = 90
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] | None = None
    """Refuse at synth what this region lacks. None: one template for every region, checked when it is deployed."""
    account: Account | None = None
    """With `region`: the one account that the stage is deployed to; the CDK CLI refuses other credentials."""

    @field_validator("training")
    @classmethod
    def _the_open_ntm_has_defaults_of_its_own(
        cls, training: TrainingSettings, info: ValidationInfo
    ) -> TrainingSettings:
        return training.with_hyperparameters(OPEN_NTM_VALUES) if info.data.get("algorithm") == "open" else training

    def for_documents(self, training_documents: int) -> StageSettings:
        """Return the settings with the open NTM's mini-batch for so many documents, where none is told."""
        if self.algorithm != "open":
            return self
        size = {"mini_batch_size": default_mini_batch_size(training_documents)}
        return self.model_copy(update={"training": self.training.with_hyperparameters(size)})

    @property
    def most_sweep_jobs(self) -> int:
        """How many jobs a sweep may have, by either bound; 0 without the setting."""
        if self.sweep is None:
            return 0
        a_job = self.training.instance_count * self.training.max_runtime_s
        return min(self.sweep.max_jobs, self.sweep.max_instance_seconds // a_job)

    @model_validator(mode="after")
    def _a_pinned_account_has_a_region(self) -> StageSettings:
        if self.account is not None and self.region is None:
            raise ValueError(f"account is {self.account} and region is not set: a stage is pinned to both")
        return self

    @model_validator(mode="after")
    def _named_keys_are_of_use_and_of_the_region(self) -> StageSettings:
        for name, arn in self.keys.named.items():
            there = region_of(arn)
            if self.region not in {None, there}:
                raise ValueError(f"keys.{name} is in {there} and region is {self.region}: name a key of that region")
        if self.keys.capture is not None and self.capture is None:
            raise ValueError("keys.capture is set and capture is not: there is nothing to encrypt, so leave it out")
        return self

    @model_validator(mode="after")
    def _a_budget_tells_somebody(self) -> StageSettings:
        addresses = len(self.alarms.emails)
        if self.budget is not None and not addresses and self.alarms.topic_arn is None:
            raise ValueError("budget is set, but nobody would hear of it: set alarms.emails or alarms.topic_arn")
        if self.budget is not None and addresses > MOST_BUDGET_EMAILS:
            raise ValueError(
                f"budget is set and alarms.emails has {addresses} addresses, but AWS Budgets tells "
                f"{MOST_BUDGET_EMAILS} at most: set alarms.topic_arn instead"
            )
        return self

    @model_validator(mode="after")
    def _a_retraining_keeps_the_names_of_its_roles(self) -> StageSettings:
        if self.retraining is not None and self.organisation.names_roles:
            raise ValueError(
                f"retraining is set and organisation.{self.organisation.names_roles[0]} too: a promotion deploys by a "
                "role of a fixed name, whose own boundary every role of the serving stack has"
            )
        return self

    @model_validator(mode="after")
    def _a_sweep_can_have_two_jobs(self) -> StageSettings:
        if self.sweep is not None and self.most_sweep_jobs < LEAST_SWEEP_JOBS:
            training = self.training
            raise ValueError(
                f"sweep.max_instance_seconds is {self.sweep.max_instance_seconds} and sweep.max_jobs "
                f"{self.sweep.max_jobs}, where one job may take training.instance_count x training.max_runtime_s = "
                f"{training.instance_count} x {training.max_runtime_s} instance-seconds: a sweep needs "
                f"{LEAST_SWEEP_JOBS} jobs or more"
            )
        return self

    @model_validator(mode="after")
    def _a_prepared_corpus_can_be_used(self) -> StageSettings:
        step = self.preparation
        if step is None:
            return self
        if self.corpus.s3 is not None:
            raise ValueError("preparation is set and corpus.s3 too: the stage writes corpora into its own bucket only")
        if step.settings.train_shards < self.training.instance_count:
            raise ValueError(
                f"preparation.settings.train_shards is {step.settings.train_shards}, fewer than "
                f"training.instance_count {self.training.instance_count}: an instance needs a shard or more"
            )
        if self.retraining is not None and not step.keep_vocabulary:
            raise ValueError(
                "retraining is set and preparation.keep_vocabulary is false: a retraining takes corpora of the "
                "vocabulary in service only"
            )
        return self

    @model_validator(mode="after")
    def _the_algorithm_takes_what_is_asked(self) -> StageSettings:
        training = self.training
        if self.algorithm == "builtin" and training.switches is not None:
            raise ValueError(
                "training.switches is set, but algorithm is builtin, which refuses them: remove it, or take open"
            )
        if self.algorithm == "open" and instance_types.family(training.instance_type) in instance_types.WITHOUT_JAX:
            raise ValueError(
                f"training.instance_type is {training.instance_type}, whose GPU the open NTM does not run on: take "
                "one of p3, g4dn or g5, or a CPU type"
            )
        return self

    @model_validator(mode="after")
    def _a_serverless_endpoint_can_do_what_is_asked(self) -> StageSettings:
        if self.endpoint.serverless is None:
            return self
        asked = {
            f"network.kind is {self.network.kind}": self.network.kind != "none",
            "capture is set": self.capture is not None,
            f"rollout.strategy is {self.rollout.strategy}": self.rollout.strategy != "all_at_once",
            "hardened is true, which asks for network isolation": self.hardened,
        }
        for setting, conflict in asked.items():
            if conflict:
                raise ValueError(
                    f"endpoint.serverless is set and {setting}, but a serverless endpoint has no VPC, no network "
                    "isolation, no data capture and no gradual rollout: take instances, or change that setting"
                )
        return self

    @model_validator(mode="after")
    def _a_hardened_stage_keeps_its_promises(self) -> StageSettings:
        if not self.hardened:
            return self
        owed = {
            "network.kind to own or existing": self.network.kind != "none",
            "capture": self.capture is not None,
            f"endpoint.min_instances to {HARDENED_INSTANCES} or more": self.endpoint.min_instances
            >= HARDENED_INSTANCES,
            "endpoint.schedule to null": self.endpoint.schedule is None,
            "removal_policy to retain": self.removal_policy == "retain",
            f"log_retention_days to {HARDENED_LOG_DAYS} or more": self.log_retention_days >= HARDENED_LOG_DAYS,
            "url.auth to AWS_IAM": self.url.auth == "AWS_IAM",
            "url.reserved_concurrency": self.url.reserved_concurrency is not None,
            "similar.reserved_concurrency": self.similar is None or self.similar.reserved_concurrency is not None,
            "operations.tracing to true": self.operations.tracing,
            "rollout.rollback_on_alarm to true": self.rollout.rollback_on_alarm,
        }
        for setting, paid in owed.items():
            if not paid:
                raise ValueError(f"hardened is true: set {setting}, or hardened to false")
        return self

    @model_validator(mode="after")
    def _a_deploy_can_wait_for_the_training(self) -> StageSettings:
        training = self.training
        if training.run_on_deploy and training.pipeline_timeout_s > DEPLOY_WAIT_LIMIT_S:
            raise ValueError(
                f"training.max_runtime_s is {training.max_runtime_s}, and with {START_UP_MARGIN_S} s to start up that "
                f"is more than the {DEPLOY_WAIT_LIMIT_S} s that a deploy may wait: lower it to "
                f"{DEPLOY_WAIT_LIMIT_S - START_UP_MARGIN_S}, or set training.run_on_deploy to false and train first, "
                "deploy after: (1) .venv/bin/cdk deploy TopicModel-<stage>-Training -c stage=<stage>  "
                "(2) .venv/bin/python -m operations.pipeline run --stage <stage>  "
                "(3) .venv/bin/cdk deploy --all -c stage=<stage>"
            )
        return self
