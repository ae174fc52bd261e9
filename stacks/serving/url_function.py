"""The function behind the URL: word counts or text in, topic weights out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.serving.url_access import add_url
from stacks.shared.acknowledgments import acknowledge
from stacks.shared.alarms import URL_ALIAS
from stacks.shared.bucket_layout import MODELS_PREFIX, grant_corpus_read
from stacks.shared.deployment_function import (
    ARCHITECTURE,
    PYTHON_RUNTIME,
    function_code,
    function_role,
    never_queued,
    settle,
    tracing,
)
from stacks.shared.names import function_name

from deployment_functions.pipeline.topics_file import TOPICS_FILE

if TYPE_CHECKING:
    from stacks.data.shared_data import SharedData
    from stacks.serving.endpoint import AutoscaledEndpoint
    from stacks.settings.url import UrlSettings
    from stacks.shared.bucket_layout import CorpusLocation

TIMEOUT_S: Final = 75
"""Longer than the function waits for the endpoint (61 s), which is longer than the endpoint may take (60 s)."""

SERVERLESS_PAYLOAD_BYTES: Final = 4 * 1024 * 1024
"""Largest request that a serverless endpoint takes. Endpoints on instances take the function's default."""


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
        data: SharedData,
        settings: UrlSettings,
        serverless: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        corpus, platform = data.corpus, data.platform
        self.log_group = platform.log_group(self, "Logs")
        self.role = function_role(
            self,
            "Role",
            log_group=self.log_group,
            description="The topic URL: ask the endpoint, read vocabularies",
            platform=platform,
        )
        self._allow(endpoint, in_service_parameter, corpus)
        self.role.allow(
            "s3:GetObject",
            on=[data.artifacts.arn_for_objects(f"{MODELS_PREFIX}*/output/{TOPICS_FILE}")],
            because="The topics of a model lie beside its artifact, in a folder named by the job that made it.",
        )
        self.role.allow("kms:Decrypt", on=[data.key.key_arn])
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=function_name(platform.stage),
            runtime=PYTHON_RUNTIME,
            architecture=ARCHITECTURE,
            code=function_code("urls", "topics_function", "url_functions"),
            handler="topics_function.handler.handle",
            description="Serialises word counts or text to the topic model's endpoint; answers topic weights as JSON",
            role=self.role,
            log_group=self.log_group,
            timeout=cdk.Duration.seconds(TIMEOUT_S),
            memory_size=settings.memory_mb,
            reserved_concurrent_executions=settings.reserved_concurrency,
            environment={
                "ENDPOINT_NAME": endpoint.endpoint.attr_endpoint_name,
                "IN_SERVICE_PARAMETER": in_service_parameter,
                "CORPUS_BUCKET": corpus.bucket.bucket_name,
                "CORPORA_PREFIX": corpus.corpora_prefix,
                **({"MAX_PAYLOAD_BYTES": str(SERVERLESS_PAYLOAD_BYTES)} if serverless else {}),
            },
            tracing=tracing(platform),
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if settings.snap_start else None,
        )
        settle(self.function, platform)
        acknowledge(self.function, never_queued())
        self.alias = lambda_.Alias(
            self, "Alias", alias_name=URL_ALIAS, version=self.function.current_version, description="What the URL calls"
        )
        self.url = add_url(self.alias, settings) if settings.enabled else None

    def _allow(self, endpoint: AutoscaledEndpoint, in_service_parameter: str, corpus: CorpusLocation) -> None:
        # Described too: the built-in image does not say which model answers, so the function must know that no other
        # is on its way when it counts words by a vocabulary.
        self.role.allow("sagemaker:DescribeEndpoint", "sagemaker:InvokeEndpoint", on=[endpoint.endpoint.ref])
        self.role.allow(
            "ssm:GetParameter",
            on=[
                cdk.Stack.of(self).format_arn(
                    service="ssm", resource="parameter", resource_name=in_service_parameter.lstrip("/")
                )
            ],
        )
        grant_corpus_read(self.role, corpus, pattern="*/vocabulary/*")
