"""Tells once a day how old the approved model is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.shared.deployment_function import DeploymentFunction
from stacks.shared.model_parameters import parameters_arn
from stacks.shared.names import parameters_prefix

from deployment_functions.model_fields import APPROVED

if TYPE_CHECKING:
    from stacks.shared.platform import Platform


class ModelAge(Construct):
    """A function and its daily rule."""

    def __init__(self, scope: Construct, construct_id: str, *, platform: Platform) -> None:
        super().__init__(scope, construct_id)
        function = DeploymentFunction(
            self,
            "Teller",
            handler="pipeline.model_metrics.handle",
            description="Tells once a day how old the approved model is, as a metric",
            platform=platform,
            environment={"PARAMETERS": parameters_prefix(platform.stage), "STAGE": platform.stage},
        ).allow("ssm:GetParameter", on=[parameters_arn(cdk.Stack.of(self), platform.stage, f"{APPROVED}/job_name")])
        events.Rule(
            self,
            "Daily",
            description="Once a day the age of the approved model is told",
            schedule=events.Schedule.rate(cdk.Duration.days(1)),
            targets=[
                targets.LambdaFunction(
                    function.function,
                    dead_letter_queue=sqs.Queue.from_queue_arn(self, "LostEvents", platform.lost_events.queue_arn),
                )
            ],
        )
