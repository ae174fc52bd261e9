"""Alarms: what rolls a model back, and what somebody should know."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.shared.names import endpoint_name, function_name
from stacks.shared.variant import VARIANT

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_stepfunctions as sfn

    from stacks.settings.endpoint import RolloutSettings
    from stacks.shared.platform import Platform

ENDPOINT_METRICS: Final = "AWS/SageMaker"
URL_ALIAS: Final = "live"
OWN_METRICS: Final = "TopicModel"
"""The namespace that the URL function writes to; its role is not allowed metrics, since they travel in its log."""
RUNBOOKS: Final = "docs/runbooks.md"
"""Has a section for each alarm, headed by the ids of its construct below the stack."""


@cache
def _minutes(number: int) -> cdk.Duration:
    return cdk.Duration.minutes(number)


def endpoint_metric(stage: str, name: str, statistic: str) -> cloudwatch.Metric:
    """Return a metric of the endpoint's variant, a minute at a time."""
    return cloudwatch.Metric(
        namespace=ENDPOINT_METRICS,
        metric_name=name,
        dimensions_map={"EndpointName": endpoint_name(stage), "VariantName": VARIANT},
        statistic=statistic,
        period=_minutes(1),
    )


def function_metric(stage: str, name: str, statistic: str) -> cloudwatch.Metric:
    """Return a metric of the URL's function, by the alias that the URL calls."""
    function = function_name(stage)
    return cloudwatch.Metric(
        namespace="AWS/Lambda",
        metric_name=name,
        dimensions_map={"FunctionName": function, "Resource": f"{function}:{URL_ALIAS}"},
        statistic=statistic,
        period=_minutes(1),
    )


def own_metric(stage: str, name: str, statistic: str) -> cloudwatch.Metric:
    """Return a metric that the URL's function writes of what it is asked."""
    return cloudwatch.Metric(
        namespace=OWN_METRICS,
        metric_name=name,
        dimensions_map={"Endpoint": endpoint_name(stage)},
        statistic=statistic,
        period=_minutes(5),
    )


def alarm(
    scope: Construct,
    construct_id: str,
    *,
    platform: Platform,
    metric: cloudwatch.IMetric,
    threshold: float,
    says: str,
    periods: int = 1,
) -> cloudwatch.Alarm:
    """Declare an alarm that rings at `threshold` or above for `periods`, and tells the stage's topic.

    Its description is `says`, and the section of the runbooks that is headed by the alarm's name. Missing data
    does not breach: an endpoint without requests has no errors.
    """
    name = (
        "".join(node.node.id for node in scope.node.scopes if not isinstance(node, cdk.App | cdk.Stack)) + construct_id
    )
    made = cloudwatch.Alarm(
        scope,
        construct_id,
        metric=metric,
        threshold=threshold,
        evaluation_periods=periods,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description=f"{says}. What to do: {RUNBOOKS}#{name.lower()}",
    )
    resource = made.node.default_child
    if not isinstance(resource, cloudwatch.CfnAlarm):
        raise TypeError(f"{made.node.path} declares no alarm")
    resource.alarm_actions = [platform.alarms_arn]
    return made


def watch_lost_events(scope: Construct, platform: Platform) -> None:
    """Ring when a function could not handle an event: a deploy or a training waits in vain."""
    alarm(
        scope,
        "EventsLost",
        platform=platform,
        metric=platform.lost_events.metric_approximate_number_of_messages_visible(
            period=_minutes(1), statistic="Maximum"
        ),
        threshold=1,
        says=f"Topic model {platform.stage}: a function gave up on an event; see the queue of lost events",
    )


def watch_machine(
    scope: Construct, platform: Platform, machine: sfn.IStateMachine, *, says: str, prefix: str = ""
) -> None:
    """Ring when a run of a state machine fails or takes longer than it may: also where it could not tell of it itself.

    `says` is what happened, without the stage; `prefix` begins the alarms' names, where the scope's does not say whose.
    """
    for name, metric in (
        ("Failed", machine.metric_failed(statistic="Sum", period=_minutes(1))),
        ("TimedOut", machine.metric_timed_out(statistic="Sum", period=_minutes(1))),
    ):
        alarm(
            scope,
            f"{prefix}{name}",
            platform=platform,
            metric=metric,
            threshold=1,
            says=f"Topic model {platform.stage}: {says}",
        )


class RolloutAlarms(Construct):
    """What takes a new model back: the endpoint's and the URL's server errors, and the model's latency.

    They name endpoint and function by their names, since they must be there before both.
    """

    def __init__(self, scope: Construct, construct_id: str, *, platform: Platform, settings: RolloutSettings) -> None:
        super().__init__(scope, construct_id)
        stage = platform.stage
        self.alarms = [
            alarm(
                self,
                "EndpointErrors",
                platform=platform,
                metric=endpoint_metric(stage, "Invocation5XXErrors", "Sum"),
                threshold=settings.max_server_errors,
                says=f"Topic model {stage}: the endpoint answers 5xx",
            ),
            alarm(
                self,
                "EndpointLatency",
                platform=platform,
                # SageMaker tells microseconds.
                metric=endpoint_metric(stage, "ModelLatency", "p99"),
                threshold=settings.max_latency_ms * 1000,
                periods=3,
                says=f"Topic model {stage}: the model's p99 latency is above {settings.max_latency_ms} ms",
            ),
            alarm(
                self,
                "UrlErrors",
                platform=platform,
                # Not the URL's own count of 5xx: 503 is also how the function asks callers to come back while the
                # model is exchanged, and a rollout must not undo itself for that.
                metric=function_metric(stage, "Errors", "Sum"),
                threshold=settings.max_server_errors,
                says=f"Topic model {stage}: the function behind the URL fails",
            ),
        ]


def watch_service(scope: Construct, platform: Platform, *, max_topic_shift: float) -> None:
    """Ring when callers are turned away, and when what they send is not what the model was trained on."""
    stage = platform.stage
    alarm(
        scope,
        "UrlThrottled",
        platform=platform,
        metric=function_metric(stage, "Throttles", "Sum"),
        threshold=1,
        says=f"Topic model {stage}: the URL turns callers away, its budget of concurrency is used up",
    )
    alarm(
        scope,
        "TopicShift",
        platform=platform,
        metric=own_metric(stage, "TopicShift", "Average"),
        threshold=max_topic_shift,
        periods=3,
        says=f"Topic model {stage}: the topics asked for have moved from those trained on; consider a retraining",
    )


def watch_similar(scope: Construct, platform: Platform, alias: lambda_.IAlias) -> None:
    """Ring when the function for similar documents fails, which is not how it refuses a request."""
    alarm(
        scope,
        "Errors",
        platform=platform,
        metric=alias.metric_errors(period=_minutes(5), statistic="Sum"),
        threshold=1,
        says=f"Topic model {platform.stage}: the function for similar documents fails; see its log",
    )
