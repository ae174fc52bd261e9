"""Data: the key and the buckets, and the corpus in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.data.access_logs import AccessLogs
from stacks.data.account_logs import AccountLogs
from stacks.data.captured import CapturedRequests
from stacks.data.code_upload import code_folder
from stacks.data.corpus_pointer import NewestCorpus
from stacks.data.corpus_upload import corpus_folder
from stacks.data.folder_upload import FolderUpload
from stacks.data.kept_exports import keep_exports
from stacks.data.keys import stage_key
from stacks.data.lost_events import LostEvents
from stacks.data.private_bucket import BucketEmptier, PrivateBucket
from stacks.data.private_network import PrivateNetwork, endpoints_beside, named_buckets
from stacks.data.region_rule import refuse_regions
from stacks.data.shared_data import DataValues
from stacks.settings.stage import ExistingNetwork, OwnNetwork
from stacks.shared.acknowledgments import acknowledge, everywhere
from stacks.shared.alarms import watch_lost_events
from stacks.shared.bucket_layout import (
    CORPORA_PREFIX,
    PREPARING_KEPT_DAYS,
    PREPARING_PREFIX,
    CodeLocation,
    CorpusLocation,
    LocalCorpus,
)
from stacks.shared.network import Placement
from stacks.shared.platform import Platform
from stacks.shared.roles.policies import add_stage_metadata, retention_days

if TYPE_CHECKING:
    from stacks.data.folder_upload import Folder
    from stacks.data.open_bundle import LocalBundle
    from stacks.settings.organisation import AlarmSettings
    from stacks.settings.stage import S3Corpus, StageSettings


class DataStack(cdk.Stack):
    """Keys, network and alarm topic; the buckets; and the corpus, uploaded when it was prepared here."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: str,
        settings: StageSettings,
        corpus: LocalCorpus | S3Corpus,
        bundle: LocalBundle | None,
        preparation_bundle: LocalBundle | None = None,
        description: str,
        env: cdk.Environment | None = None,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description=description)
        add_stage_metadata(self, stage, settings)
        refuse_regions(self, settings)
        removal_policy = cdk.RemovalPolicy(settings.removal_policy.upper())
        says = f"Topic model, stage {stage}: corpora, models, volumes and transform output"
        self.key = stage_key(self, "Key", purpose="data", settings=settings, says=says)
        self.platform = self._platform(stage, settings, removal_policy)
        if settings.account_logs is not None:
            AccountLogs(self, "AccountLogs", settings=settings.account_logs, platform=self.platform)
        self.access_logs = AccessLogs.of(self, stage, settings)
        corpora = self._bucket("Corpora", removal_policy)
        # Also where the stage prepares nothing any more: what its last runs left has documents' words in it.
        corpora.expire("ForgetPreparations", prefix=PREPARING_PREFIX, after_days=PREPARING_KEPT_DAYS)
        self.artifacts = self._bucket("Artifacts", removal_policy)
        self.captured = (
            CapturedRequests(
                self,
                "Capture",
                stage=stage,
                settings=settings,
                capture=settings.capture,
                access_logs=self.access_logs,
            )
            if settings.capture is not None
            else None
        )
        emptied = self._empty(corpora) if removal_policy is cdk.RemovalPolicy.DESTROY else None
        self.corpus = self._corpus(corpus, corpora, emptied)
        self.code = self._code("CodeUpload", bundle, corpora, emptied)
        self.preparation_code = self._code("PreparationCodeUpload", preparation_bundle, corpora, emptied)
        with_functions = (emptied, self.corpus.upload, self.code, self.preparation_code, settings.account_logs)
        if not any(each is not None for each in with_functions):
            self._lost_events.of_other_stacks()
        if settings.retraining is not None:
            newest = NewestCorpus(self, "NewestCorpus", stage=stage, corpus_hash=self.corpus.corpus_hash)
            if self.corpus.upload is not None:
                # Named when it is there, and not before.
                newest.node.add_dependency(self.corpus.upload)
        if settings.budget is not None:
            # Imported only where it is set.
            from stacks.data.budget import declare_budget  # noqa: PLC0415

            declare_budget(self, "Budget", stage=stage, settings=settings.budget, alarms=settings.alarms)
        self._describe(corpora, settings.alarms)
        self.values = DataValues(
            key=self.key,
            artifacts=self.artifacts,
            captured=self.captured.location if self.captured is not None else None,
            corpus=self.corpus,
            code=self.code,
            preparation_code=self.preparation_code,
            platform=self.platform,
            corpora=corpora,
        )
        self.values.tell(Construct(self, "Shared"))
        keep_exports(self, self.values, self._alarms)

    def _platform(self, stage: str, settings: StageSettings, removal_policy: cdk.RemovalPolicy) -> Platform:
        retention = retention_days(settings.log_retention_days)
        says = f"Topic model, stage {stage}: logs, alarm topic and lost events"
        key = stage_key(self, "OperationsKey", purpose="operations", settings=settings, says=says)
        self._alarms = sns.Topic(
            self,
            "Alarms",
            display_name=f"Topic model, stage {stage}: alarms",
            master_key=key,
            enforce_ssl=True,
        )
        self._alarms.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self._alarms.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        self._lost_events = LostEvents(self, "LostEvents", key=key)
        platform = Platform(
            stage=stage,
            hardened=settings.hardened,
            tracing=settings.operations.tracing,
            tags=tuple(settings.organisation.tags.items()),
            retention=retention,
            removal_policy=removal_policy,
            operations_key=key,
            lost_events=self._lost_events,
            alarms=self._heard(settings.alarms),
            alarms_key_arn=settings.alarms.topic_key_arn,
            placement=self._placement(stage, settings, key, removal_policy),
        )
        watch_lost_events(self, platform)
        return platform

    def _heard(self, settings: AlarmSettings) -> sns.ITopic:
        """Return the topic that is told, with the stage's subscribers."""
        if settings.topic_arn is not None:
            return sns.Topic.from_topic_arn(self, "NamedAlarms", settings.topic_arn)
        for email in settings.emails:
            subscription = sns.Subscription(
                self, f"Subscriber-{email}", topic=self._alarms, protocol=sns.SubscriptionProtocol.EMAIL, endpoint=email
            )
            kept = "Nobody reads a queue of undelivered e-mails; the alarm's state and history stay in CloudWatch."
            acknowledge(subscription, everywhere("SNSRedrivePolicy", kept, packs=("Serverless",)))
        return self._alarms

    def _placement(
        self, stage: str, settings: StageSettings, key: kms.IKey, removal_policy: cdk.RemovalPolicy
    ) -> Placement | None:
        network = settings.network
        if isinstance(network, OwnNetwork):
            return PrivateNetwork(
                self,
                "Network",
                stage=stage,
                settings=network,
                key=key,
                retention=retention_days(settings.log_retention_days),
                removal_policy=removal_policy,
                more=endpoints_beside(settings),
                reads=named_buckets(settings),
            ).placement
        if isinstance(network, ExistingNetwork):
            return Placement(network.subnet_ids, network.security_group_ids)
        return None

    def _bucket(self, construct_id: str, removal_policy: cdk.RemovalPolicy) -> PrivateBucket:
        return PrivateBucket(
            self, construct_id, key=self.key, access_logs=self.access_logs, removal_policy=removal_policy
        )

    def _empty(self, corpora: s3.Bucket) -> cdk.CustomResource:
        """Have every bucket emptied on destroy, and return what empties the corpora."""
        emptier = BucketEmptier(self, "OnDestroy", platform=self.platform)
        kept: list[s3.Bucket] = [self.artifacts] if self.captured is None else [self.artifacts, self.captured.bucket]
        emptied = emptier.empty(corpora)
        for bucket in kept:
            emptier.empty(bucket)
        if isinstance(self.access_logs.bucket, s3.Bucket):
            logs_emptied = emptier.empty(self.access_logs.bucket)
            for bucket in (corpora, *kept):
                # Deleted after them, as long as they are there they are logged.
                bucket.node.add_dependency(logs_emptied)
        return emptied

    def _corpus(
        self, corpus: LocalCorpus | S3Corpus, corpora: s3.Bucket, emptied: cdk.CustomResource | None
    ) -> CorpusLocation:
        if isinstance(corpus, LocalCorpus):
            upload = self._upload("CorpusUpload", corpus_folder(corpus), corpora, emptied)
            return CorpusLocation(corpora, CORPORA_PREFIX, corpus.corpus_hash, self.key, upload.resource)
        key = kms.Key.from_key_arn(self, "NamedCorporaKey", corpus.kms_key_arn) if corpus.kms_key_arn else None
        named = s3.Bucket.from_bucket_name(self, "NamedCorpora", corpus.bucket)
        parent = corpus.prefix.rstrip("/").removesuffix(corpus.corpus_hash)
        return CorpusLocation(named, parent, corpus.corpus_hash, key)

    def _code(
        self, construct_id: str, bundle: LocalBundle | None, corpora: s3.Bucket, emptied: cdk.CustomResource | None
    ) -> CodeLocation | None:
        if bundle is None:
            return None
        self._upload(construct_id, code_folder(bundle), corpora, emptied)
        return CodeLocation(corpora, bundle.bundle_hash)

    def _upload(
        self, construct_id: str, folder: Folder, bucket: s3.Bucket, emptied: cdk.CustomResource | None
    ) -> FolderUpload:
        upload = FolderUpload(self, construct_id, folder=folder, bucket=bucket, key=self.key, platform=self.platform)
        if emptied is not None:
            # Gone before the bucket is emptied, no upload can come after.
            upload.resource.node.add_dependency(emptied)
        return upload

    def _describe(self, corpora: s3.Bucket, alarms: AlarmSettings) -> None:
        cdk.CfnOutput(self, "AlarmTopic", value=self.platform.alarms.topic_arn, description="What every alarm tells")
        cdk.CfnOutput(
            self, "AlarmSubscribers", value=_subscribers(alarms), description="Who hears the alarms, by the settings"
        )
        cdk.CfnOutput(self, "CorporaBucket", value=corpora.bucket_name, description="Prepared corpora, a folder a hash")
        cdk.CfnOutput(
            self, "ArtifactsBucket", value=self.artifacts.bucket_name, description="Models and batch transform output"
        )
        cdk.CfnOutput(
            self,
            "CorpusUri",
            value=f"s3://{self.corpus.bucket.bucket_name}/{self.corpus.prefix}",
            description="The corpus that the next training reads",
        )


def _subscribers(settings: AlarmSettings) -> str:
    if settings.topic_arn is not None:
        return "the subscribers of the topic that is named"
    if settings.emails:
        return f"{', '.join(settings.emails)}: each once the message of Amazon SNS is confirmed"
    return "nobody: set alarms.emails or alarms.topic_arn"
