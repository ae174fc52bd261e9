"""What doctor says of the hosts that an endpoint has and is to have, by botocore's own models of the answers."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.stub import Stubber

from operations.doctor import checks, hosts
from stacks.settings.stage import StageSettings
from stacks.shared.names import endpoint_name

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/e"


def client(service: str) -> tuple[Any, Stubber]:
    made = boto3.client(service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="y")
    stub = Stubber(made)
    stub.activate()
    return made, stub


def answer(deployed: Mapping[str, object] | None, *, scaled: bool, **endpoint: object) -> checks.Answer:
    """Ask of a stage whose endpoint has one variant, `deployed`, and whose settings are `endpoint`."""
    sagemaker, endpoints = client("sagemaker")
    scaling, targets = client("application-autoscaling")
    name = endpoint_name("dev")
    if deployed is None:
        endpoints.add_client_error(
            "describe_endpoint",
            service_error_code="ValidationException",
            service_message=f'Could not find endpoint "{ARN}".',
        )
    else:
        described = {"EndpointName": name, "EndpointArn": ARN, "EndpointConfigName": "c", "EndpointStatus": "InService",
                     "CreationTime": NOW, "LastModifiedTime": NOW}  # fmt: skip
        endpoints.add_response("describe_endpoint", described, {"EndpointName": name})
        variants = [{"VariantName": "AllTraffic", "ModelName": "m", **deployed}]
        config = {
            "EndpointConfigName": "c",
            "EndpointConfigArn": ARN,
            "ProductionVariants": variants,
            "CreationTime": NOW,
        }
        endpoints.add_response("describe_endpoint_config", config, {"EndpointConfigName": "c"})
    resource = f"endpoint/{name}/variant/AllTraffic"
    target = {
        "ServiceNamespace": "sagemaker", "ResourceId": resource, "MinCapacity": 1, "MaxCapacity": 2, "RoleARN": ARN,
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount", "CreationTime": NOW,
    }  # fmt: skip
    targets.add_response(
        "describe_scalable_targets",
        {"ScalableTargets": [target] if scaled else []},
        {"ServiceNamespace": "sagemaker", "ResourceIds": [resource]},
    )
    place = checks.Place("eu-west-1", StageSettings.model_validate({"endpoint": endpoint}), "dev")
    return hosts.hosts_may_change(cast("Any", sagemaker), cast("Any", scaling), place)


def test_a_stage_without_an_endpoint_may_have_any_host() -> None:
    assert answer(None, scaled=False).outcome == "good"


def test_another_type_of_a_scaled_endpoint_is_bad_and_names_both_types() -> None:
    told = answer({"InstanceType": "ml.m5.large"}, scaled=True, instance_type="ml.c5.large")

    assert told.outcome == "bad"
    assert "scaled on ml.m5.large and the settings ask for ml.c5.large" in told.says


@pytest.mark.parametrize(("scaled", "wanted"), [(False, "ml.c5.large"), (True, "ml.m5.large")])
def test_another_type_of_a_fixed_fleet_and_the_same_type_of_a_scaled_one_are_good(scaled: bool, wanted: str) -> None:
    assert answer({"InstanceType": "ml.m5.large"}, scaled=scaled, instance_type=wanted).outcome == "good"


@pytest.mark.parametrize(
    ("deployed", "endpoint"),
    [
        ({"InstanceType": "ml.m5.large"}, {"serverless": {}}),
        ({"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}, {"instance_type": "ml.m5.large"}),
    ],
)
def test_no_endpoint_moves_between_instances_and_serverless(
    deployed: dict[str, object], endpoint: dict[str, object]
) -> None:
    told = answer(deployed, scaled=False, **endpoint)

    assert told.outcome == "bad"
    assert "between which no endpoint can move" in told.says
