"""The function behind the URL: word counts or text in, topic weights out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.deployment_function import RUNTIME, function_code, function_role

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

    from stacks.data_stack import CorpusLocation
    from stacks.endpoint import AutoscaledEndpoint
    from stacks.settings import UrlSettings

TIMEOUT_S: Final = 75
"""Longer than the function waits for the endpoint (61 s), which is longer than the endpoint may take (60 s)."""
ALIAS: Final = "live"


class UrlFunction(Construct):
    """Function, alias and Function URL.

    The URL is on the alias from the first day: what it points at can never be changed without changing its address.
    Nothing that varies with the model is in the environment. A version keeps the environment it was published with,
    and a new model makes no new version; the function reads what is in service from a parameter.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: AutoscaledEndpoint,
        in_service_parameter: str,
        corpus: CorpusLocation,
        key: kms.IKey,
        settings: UrlSettings,
        retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(self, "Logs", retention=retention, removal_policy=cdk.RemovalPolicy.DESTROY)
        self.role = function_role(
            self, "Role", log_group=log_group, description="The topic URL: ask the endpoint, read vocabularies"
        )
        self._allow(endpoint, in_service_parameter, corpus, key)
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=RUNTIME,
            architecture=lambda_.Architecture.ARM_64,
            code=function_code("topics"),
            handler="topics_function.handler.handle",
            description="Serialises word counts or text to the topic model's endpoint; answers topic weights as JSON",
            role=self.role,
            log_group=log_group,
            timeout=cdk.Duration.seconds(TIMEOUT_S),
            memory_size=settings.memory_mb,
            reserved_concurrent_executions=settings.reserved_concurrency,
            environment={
                "ENDPOINT_NAME": endpoint.endpoint.attr_endpoint_name,
                "IN_SERVICE_PARAMETER": in_service_parameter,
                "CORPUS_BUCKET": corpus.bucket.bucket_name,
                "CORPORA_PREFIX": corpus.corpora_prefix,
            },
        )
        self.alias = lambda_.Alias(
            self, "Alias", alias_name=ALIAS, version=self.function.current_version, description="What the URL calls"
        )
        self.url = self.alias.add_function_url(auth_type=lambda_.FunctionUrlAuthType[settings.auth])

    def _allow(
        self, endpoint: AutoscaledEndpoint, in_service_parameter: str, corpus: CorpusLocation, key: kms.IKey
    ) -> None:
        stack = cdk.Stack.of(self)
        endpoint.grant_invoke(self.role)
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["ssm:GetParameter"],
                resources=[
                    stack.format_arn(
                        service="ssm", resource="parameter", resource_name=in_service_parameter.lstrip("/")
                    )
                ],
            )
        )
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:GetObject"],
                resources=[corpus.bucket.arn_for_objects(f"{corpus.corpora_prefix}*/vocabulary/*")],
            )
        )
        decrypting = key if corpus.own else corpus.bucket.encryption_key
        if decrypting is not None:
            self.role.add_to_policy(iam.PolicyStatement(actions=["kms:Decrypt"], resources=[decrypting.key_arn]))
