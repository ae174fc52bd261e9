"""The function that finds documents of similar topics, apart from the one behind the topics URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.serving.similar import similar_asset
from stacks.shared.acknowledgments import acknowledge
from stacks.shared.alarms import URL_ALIAS, watch_similar
from stacks.shared.deployment_function import (
    ARCHITECTURE,
    NOT_IN_AN_ASSET,
    PYTHON_RUNTIME,
    function_role,
    never_queued,
    settle,
    tracing,
)
from stacks.shared.names import similar_function_name

from similar_function.places import INDEX_FILE, PREFIX, PUBLISHED_FILE

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

    from stacks.data.shared_data import SharedData
    from stacks.serving.similar.vector_index import VectorIndex
    from stacks.serving.url_function import UrlFunction
    from stacks.settings.stage import SimilarSettings

TIMEOUT_S: Final = 80
"""Longer than the topics function may take (75 s), which scores raw documents."""
SHARE_OF_MEMORY: Final = 5
"""Of the function's memory an index may take one part in so many: while it is exchanged, its file, what is read of it
and the index before it are there too."""


class SimilarDocuments(Construct):
    """Function, alias, and a Function URL of its own, which takes signed requests only."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        topics: UrlFunction,
        in_service_parameter: str,
        data: SharedData,
        vectors: VectorIndex | None,
        settings: SimilarSettings,
    ) -> None:
        super().__init__(scope, construct_id)
        artifacts, platform = data.artifacts, data.platform
        log_group = platform.log_group(self, "Logs")
        self.role = function_role(
            self,
            "Role",
            log_group=log_group,
            description="Similar documents: read the index of the model in service, have documents scored",
            platform=platform,
        )
        self._allow(topics, in_service_parameter, artifacts, data.key, vectors)
        max_index_bytes = settings.memory_mb * 1024 * 1024 // SHARE_OF_MEMORY
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=similar_function_name(platform.stage),
            runtime=PYTHON_RUNTIME,
            architecture=ARCHITECTURE,
            code=lambda_.Code.from_asset(str(similar_asset.find()), exclude=NOT_IN_AN_ASSET),
            handler="similar_function.handler.handle",
            description="Finds the documents whose topics are most like those of one that is named or sent",
            role=self.role,
            log_group=log_group,
            timeout=cdk.Duration.seconds(TIMEOUT_S),
            memory_size=settings.memory_mb,
            reserved_concurrent_executions=settings.reserved_concurrency,
            environment={
                "IN_SERVICE_PARAMETER": in_service_parameter,
                "TOPICS_FUNCTION": topics.alias.function_arn,
                "STORE": settings.store,
                "INDEX_BUCKET": artifacts.bucket_name,
                "MAX_INDEX_BYTES": str(max_index_bytes),
                **({"VECTOR_BUCKET": vectors.name} if vectors is not None else {}),
            },
            tracing=tracing(platform),
        )
        settle(self.function, platform)
        acknowledge(self.function, never_queued())
        self.alias = lambda_.Alias(
            self, "Alias", alias_name=URL_ALIAS, version=self.function.current_version, description="What the URL calls"
        )
        watch_similar(self, platform, self.alias)
        self._describe(topics, artifacts, vectors, max_index_bytes)

    def _allow(
        self,
        topics: UrlFunction,
        in_service_parameter: str,
        artifacts: s3.IBucket,
        key: kms.IKey,
        vectors: VectorIndex | None,
    ) -> None:
        self.role.allow(
            "ssm:GetParameter",
            on=[
                cdk.Stack.of(self).format_arn(
                    service="ssm", resource="parameter", resource_name=in_service_parameter.lstrip("/")
                )
            ],
        )
        file = INDEX_FILE if vectors is None else PUBLISHED_FILE
        self.role.allow(
            "s3:GetObject",
            on=[artifacts.arn_for_objects(f"{PREFIX}*/{file}")],
            because="The index of a model is in a folder named by the job that made the model.",
        )
        self.role.allow("kms:Decrypt", on=[key.key_arn])
        self.role.allow("lambda:InvokeFunction", on=[topics.alias.function_arn])
        if vectors is not None:
            self.role.allow(
                "s3vectors:GetVectors",
                "s3vectors:QueryVectors",
                on=[vectors.indexes_arn],
                because="A vector index has its model's name, and a model is approved after the role was made.",
            )

    def _describe(
        self, topics: UrlFunction, artifacts: s3.IBucket, vectors: VectorIndex | None, max_index_bytes: int
    ) -> None:
        outputs = {
            "SimilarFunctionAlias": (self.alias.function_arn, "What finds similar documents"),
            "SimilarIndexBucket": (artifacts.bucket_name, "Where python -m operations.publish_similar puts an index"),
            "SimilarMaxIndexBytes": (str(max_index_bytes), "Largest index that the function holds"),
        }
        if vectors is not None:
            outputs["SimilarVectorBucket"] = (vectors.name, "Where it puts the vectors")
        if topics.url is not None:
            # Where the region has no Function URLs, this function has none either.
            url = self.alias.add_function_url(auth_type=lambda_.FunctionUrlAuthType.AWS_IAM)
            outputs["SimilarUrl"] = (url.url, "GET or POST /similar here")
        for name, (value, description) in outputs.items():
            cdk.CfnOutput(cdk.Stack.of(self), name, value=value, description=description)
