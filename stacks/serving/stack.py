"""Serving: the approved model on an autoscaled endpoint, and the URL in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm

from stacks.data.shared_data import SharedData
from stacks.serving.approval_guard import ApprovalGuard
from stacks.serving.dashboard import Dashboard
from stacks.serving.endpoint import AutoscaledEndpoint
from stacks.serving.hosted_model import HostedModel
from stacks.serving.model_age import ModelAge
from stacks.serving.serving_synthesizer import bound_roles, serving_synthesizer
from stacks.serving.transform.transform_pipeline import TransformPipeline
from stacks.serving.url_function import UrlFunction
from stacks.shared import algorithm_images, open_training
from stacks.shared.alarms import RolloutAlarms, watch_service
from stacks.shared.model_parameters import approved_model
from stacks.shared.names import endpoint_name, in_service_parameter
from stacks.shared.registry_image import RegistryImage
from stacks.shared.roles.policies import add_stage_metadata

from deployment_functions.model_fields import in_service_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import Construct

    from stacks.data.shared_data import DataValues
    from stacks.settings.stage import SimilarSettings, StageSettings


class ServingStack(cdk.Stack):
    """Model, endpoint, scaling, function and URL."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: str,
        settings: StageSettings,
        values: DataValues,
        description: str,
        env: cdk.Environment | None = None,
    ) -> None:
        synthesizer = serving_synthesizer(stage) if settings.retraining is not None else None
        super().__init__(scope, construct_id, env=env, description=description, synthesizer=synthesizer)
        if settings.retraining is not None:
            bound_roles(self, stage)
        add_stage_metadata(self, stage, settings)
        data = SharedData(self, values)
        platform = data.platform
        image = RegistryImage(self, "NtmImage", algorithm_images.hosting(settings))
        is_open = settings.algorithm == "open"
        approved = approved_model(self, stage=stage)
        guard = ApprovalGuard(self, "ApprovalGuard", approved=approved, platform=platform)
        hosted = HostedModel(
            self,
            "Hosted",
            artifact_uri=approved["artifact_uri"],
            data=data,
            image=image,
            endpoint_name=endpoint_name(stage),
            serverless=settings.endpoint.serverless is not None,
            watched=settings.rollout.rollback_on_alarm,
            environment=open_training.hosting_environment() if is_open else None,
        )
        # Updated before anything that can fail for the model's sake, the guard is rolled back whenever that does.
        hosted.model.node.add_dependency(guard.resource)
        alarms = RolloutAlarms(self, "RolloutAlarms", platform=platform, settings=settings.rollout)
        endpoint = AutoscaledEndpoint(
            self,
            "Hosting",
            name=endpoint_name(stage),
            model=hosted.model,
            settings=settings.endpoint,
            data=data,
            rollout=settings.rollout,
            alarms=alarms,
        )
        in_service = self._in_service(stage, settings, approved, endpoint, guard)
        topics = UrlFunction(
            self,
            "Topics",
            endpoint=endpoint,
            in_service_parameter=in_service,
            data=data,
            settings=settings.url,
            serverless=settings.endpoint.serverless is not None,
        )
        TransformPipeline(
            self,
            "Transform",
            settings=settings.transform,
            approved=approved,
            data=data,
            image=image,
            environment=open_training.hosting_environment(settings.transform) if is_open else None,
        )
        if settings.similar is not None:
            self._similar(settings.similar, topics, in_service, approved, data)
        ModelAge(self, "ModelAge", platform=platform)
        if settings.operations.dashboard:
            Dashboard(self, "Dashboard", stage=stage, alarms=alarms, function_logs=topics.log_group)
            cdk.CfnOutput(self, "DashboardName", value=endpoint_name(stage), description="The dashboard of CloudWatch")
        watch_service(self, platform, max_topic_shift=settings.operations.max_topic_shift)
        if topics.url is not None:
            cdk.CfnOutput(self, "FunctionUrl", value=topics.url.url, description="POST word counts or text here")
        cdk.CfnOutput(
            self,
            "FunctionAlias",
            value=topics.alias.function_arn,
            description="What the URL calls, and what other functions may invoke",
        )
        cdk.CfnOutput(
            self,
            "ModelInService",
            value=approved["job_name"],
            description="The approved model: after a rollout that was taken back, not the newest one",
        )
        cdk.CfnOutput(
            self,
            "EndpointName",
            value=endpoint.endpoint.attr_endpoint_name,
            description="The SageMaker endpoint behind the URL",
        )

    def _similar(
        self,
        settings: SimilarSettings,
        topics: UrlFunction,
        in_service: str,
        approved: Mapping[str, str],
        data: SharedData,
    ) -> None:
        # Imported lazily: disabled features add no synth time.
        from stacks.serving.similar.similar_documents import SimilarDocuments  # noqa: PLC0415
        from stacks.serving.similar.vector_index import VectorIndex  # noqa: PLC0415

        vectors = (
            VectorIndex(self, "Vectors", approved=approved, key=data.key, platform=data.platform)
            if settings.store == "s3-vectors"
            else None
        )
        SimilarDocuments(
            self,
            "Similar",
            topics=topics,
            in_service_parameter=in_service,
            data=data,
            vectors=vectors,
            settings=settings,
        )

    def _in_service(
        self,
        stage: str,
        settings: StageSettings,
        approved: Mapping[str, str],
        endpoint: AutoscaledEndpoint,
        guard: ApprovalGuard,
    ) -> str:
        """Declare the parameter that tells what the endpoint serves, written when it does, and return its name."""
        name = in_service_parameter(stage)
        parameter = ssm.StringParameter(
            self,
            "InService",
            parameter_name=name,
            description="The model that the endpoint serves, and the vocabulary that belongs to it",
            string_value=in_service_record(
                approved,
                endpoint_config=endpoint.config.attr_endpoint_config_name,
                algorithm=settings.algorithm,
            ),
        )
        parameter.node.add_dependency(guard.rolled_out(endpoint.endpoint, endpoint.config))
        return name
