"""One page that tells how the service is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

from stacks.shared.alarms import OWN_METRICS, RolloutAlarms, endpoint_metric, function_metric, own_metric
from stacks.shared.names import endpoint_name
from stacks.shared.variant import VARIANT

from deployment_functions.model_fields import AGE, LOSS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_logs as logs
    from constructs import Construct

WIDTH: Final = 8
HEIGHT: Final = 6


class Dashboard(cloudwatch.Dashboard):
    """Endpoint, URL, what is asked, and what was trained: a row each."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: str, alarms: RolloutAlarms, function_logs: logs.ILogGroup
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            dashboard_name=endpoint_name(stage),
            default_interval=cdk.Duration.hours(12),
            widgets=[
                [
                    _graph("Requests to the endpoint", [endpoint_metric(stage, "Invocations", "Sum")]),
                    _graph(
                        "Latency of model and overhead (us)",
                        [
                            endpoint_metric(stage, "ModelLatency", "p50"),
                            endpoint_metric(stage, "ModelLatency", "p99"),
                            endpoint_metric(stage, "OverheadLatency", "p99"),
                        ],
                    ),
                    _graph(
                        "Refused (4xx) and failed (5xx) at the endpoint",
                        [
                            endpoint_metric(stage, "Invocation4XXErrors", "Sum"),
                            endpoint_metric(stage, "Invocation5XXErrors", "Sum"),
                        ],
                    ),
                ],
                [
                    _graph(
                        "Instances, and how busy they are (%)",
                        [
                            _instances(stage),
                            _host_metric(stage, "CPUUtilization"),
                            _host_metric(stage, "MemoryUtilization"),
                        ],
                    ),
                    _graph(
                        "Duration at the URL (ms)",
                        [function_metric(stage, "Duration", "p50"), function_metric(stage, "Duration", "p99")],
                    ),
                    _graph(
                        "Requests, errors and throttles at the URL",
                        [
                            function_metric(stage, "UrlRequestCount", "Sum"),
                            function_metric(stage, "Url4xxCount", "Sum"),
                            function_metric(stage, "Url5xxCount", "Sum"),
                            function_metric(stage, "Throttles", "Sum"),
                        ],
                    ),
                ],
                [
                    cloudwatch.LogQueryWidget(
                        title="Cold starts at the URL (ms)",
                        log_group_names=[function_logs.log_group_name],
                        query_lines=[
                            'filter @type = "REPORT" and ispresent(@initDuration)',
                            "stats count(*) as starts, pct(@initDuration, 50), max(@initDuration) by bin(1h)",
                        ],
                        view=cloudwatch.LogQueryVisualizationType.TABLE,
                        width=WIDTH,
                        height=HEIGHT,
                    ),
                    _graph("Topic shift since training (bits)", [own_metric(stage, "TopicShift", "Average")]),
                    _graph(
                        "Words that the vocabulary does not know (share)",
                        [own_metric(stage, "UnknownWordShare", "Average")],
                    ),
                ],
                [
                    _graph("Validation loss of each training", [_training_metric(stage, LOSS)]),
                    _graph("Age of the approved model (days)", [_training_metric(stage, AGE)]),
                    cloudwatch.AlarmStatusWidget(
                        title="What would roll a model back",
                        alarms=list(alarms.alarms),
                        width=WIDTH,
                        height=HEIGHT,
                    ),
                ],
            ],
        )


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=WIDTH, height=HEIGHT)


def _instances(stage: str) -> cloudwatch.MathExpression:
    # SageMaker tells no number of instances, but with each request its share of one: 1 / instances.
    return cloudwatch.MathExpression(
        expression="requests / shares",
        using_metrics={
            "requests": endpoint_metric(stage, "Invocations", "Sum"),
            "shares": endpoint_metric(stage, "InvocationsPerInstance", "Sum"),
        },
        label="Instances",
        period=cdk.Duration.minutes(1),
    )


def _host_metric(stage: str, name: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="/aws/sagemaker/Endpoints",
        metric_name=name,
        dimensions_map={"EndpointName": endpoint_name(stage), "VariantName": VARIANT},
        statistic="Average",
        period=cdk.Duration.minutes(1),
    )


def _training_metric(stage: str, name: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=OWN_METRICS,
        metric_name=name,
        dimensions_map={"Stage": stage},
        statistic="Maximum",
        period=cdk.Duration.hours(1),
    )
