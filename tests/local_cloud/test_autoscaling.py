from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.hosting import processes
from tests.local_cloud.support import IMAGE, Account, allow, unique, until

pytestmark = pytest.mark.local_cloud

NAMESPACE = {"ServiceNamespace": "sagemaker"}
DIMENSION = {"ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}


@pytest.fixture
def endpoint(sagemaker: Any, job_role: str, model_data: Callable[[int], str]) -> Iterator[str]:
    name = unique("scaled")
    sagemaker.create_model(
        ModelName=name, ExecutionRoleArn=job_role, PrimaryContainer={"Image": IMAGE, "ModelDataUrl": model_data(1)}
    )
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    until(lambda: status(sagemaker, name) == "InService")
    yield name
    until(lambda: status(sagemaker, name) == "InService")
    sagemaker.delete_endpoint(EndpointName=name)


def status(sagemaker: Any, name: str) -> str:
    return str(sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"])


def count(sagemaker: Any, name: str) -> int:
    return int(sagemaker.describe_endpoint(EndpointName=name)["ProductionVariants"][0]["CurrentInstanceCount"])


def named(endpoint: str) -> dict[str, str]:
    return {**NAMESPACE, **DIMENSION, "ResourceId": f"endpoint/{endpoint}/variant/AllTraffic"}


def policy(target: float, **more: Any) -> dict[str, Any]:
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    configuration = {"TargetValue": target, "PredefinedMetricSpecification": metric, **more}
    return {
        "PolicyName": "Invocations",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": configuration,
    }


def test_load_raises_and_idleness_lowers_the_number_of_instances(
    account: Account, sagemaker: Any, runtime: Any, endpoint: str
) -> None:
    scaling = account.root("application-autoscaling")
    scaling.register_scalable_target(**named(endpoint), MinCapacity=1, MaxCapacity=3)
    scaling.put_scaling_policy(**named(endpoint), **policy(60, ScaleInCooldown=0, ScaleOutCooldown=0))
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            runtime.invoke_endpoint(EndpointName=endpoint, Body=b"1", ContentType="text/csv")["Body"].read()

    client = threading.Thread(target=load)
    client.start()
    try:
        until(lambda: count(sagemaker, endpoint) == 3)
        assert len(processes(runtime, endpoint, 3)) == 3
    finally:
        stop.set()
        client.join()
    until(lambda: count(sagemaker, endpoint) == 1, timeout_s=40)

    activities = scaling.describe_scaling_activities(**NAMESPACE, ResourceId=named(endpoint)["ResourceId"])
    descriptions = [item["Description"] for item in activities["ScalingActivities"]]
    assert descriptions[0] == "Setting desired instance count to 1."
    assert descriptions[-1] != descriptions[0]
    assert all(item["Cause"] for item in activities["ScalingActivities"])
    scaling.deregister_scalable_target(**named(endpoint))


def test_a_target_below_its_minimum_is_brought_up_to_it(account: Account, sagemaker: Any, endpoint: str) -> None:
    scaling = account.root("application-autoscaling")
    scaling.register_scalable_target(**named(endpoint), MinCapacity=2, MaxCapacity=3)
    scaling.put_scaling_policy(**named(endpoint), **policy(1000))

    until(lambda: count(sagemaker, endpoint) == 2)
    scaling.deregister_scalable_target(**named(endpoint))


def test_targets_and_policies_are_described_changed_and_removed(account: Account, endpoint: str) -> None:
    scaling = account.root("application-autoscaling")
    arn = scaling.register_scalable_target(**named(endpoint), MinCapacity=1, MaxCapacity=2)["ScalableTargetARN"]
    scaling.register_scalable_target(**named(endpoint), MaxCapacity=4)
    first = scaling.put_scaling_policy(**named(endpoint), **policy(100))["PolicyARN"]
    second = scaling.put_scaling_policy(**named(endpoint), **policy(200))["PolicyARN"]
    resource = named(endpoint)["ResourceId"]

    target = scaling.describe_scalable_targets(**NAMESPACE, ResourceIds=[resource])["ScalableTargets"][0]
    assert (target["ScalableTargetARN"], target["MinCapacity"], target["MaxCapacity"]) == (arn, 1, 4)
    kept = scaling.describe_scaling_policies(**NAMESPACE, ResourceId=resource)["ScalingPolicies"]
    assert [(item["PolicyARN"], item["TargetTrackingScalingPolicyConfiguration"]["TargetValue"]) for item in kept] == [
        (second, 200)
    ]
    assert first == second
    scaling.delete_scaling_policy(**named(endpoint), PolicyName="Invocations")
    scaling.deregister_scalable_target(**named(endpoint))
    with pytest.raises(scaling.exceptions.ObjectNotFoundException):
        scaling.deregister_scalable_target(**named(endpoint))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ServiceNamespace": "ecs"}, "Service namespace ecs is not emulated"),
        ({"ResourceId": "endpoint/none/variant/AllTraffic"}, "Could not find endpoint"),
        ({"ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency"}, "is not emulated"),
        ({"MinCapacity": 3, "MaxCapacity": 2}, "cannot be less than minimum capacity"),
    ],
)
def test_what_cannot_be_scaled_is_refused(
    account: Account, endpoint: str, change: dict[str, Any], message: str
) -> None:
    scaling = account.root("application-autoscaling")

    with pytest.raises(ClientError, match=message):
        scaling.register_scalable_target(**{**named(endpoint), "MinCapacity": 1, "MaxCapacity": 2, **change})


def test_autoscaling_needs_its_own_permissions(account: Account, endpoint: str) -> None:
    describing = account.user(allow("application-autoscaling:Describe*"))("application-autoscaling")

    describing.describe_scalable_targets(**NAMESPACE)
    with pytest.raises(ClientError) as refusal:
        describing.register_scalable_target(**named(endpoint), MinCapacity=1, MaxCapacity=2)
    assert refusal.value.response["Error"]["Code"] == "AccessDeniedException"


def test_whoever_registers_a_target_may_do_what_scaling_does(account: Account, endpoint: str) -> None:
    scaling = allow("application-autoscaling:*")
    of_endpoints = allow("sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities")
    one_config = allow("sagemaker:DescribeEndpointConfig", resource=f"arn:aws:sagemaker:*:*:endpoint-config/{endpoint}")
    of_alarms = allow("cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm")

    def register(*statements: dict[str, Any], **more: str) -> None:
        client = account.user(scaling, *statements)("application-autoscaling")
        client.register_scalable_target(**named(endpoint), MinCapacity=1, MaxCapacity=2, **more)
        client.deregister_scalable_target(**named(endpoint))

    with pytest.raises(ClientError, match="User is missing the following permissions: cloudwatch:DeleteAlarms, cloud"):
        register(of_endpoints)
    # It asks by a config of another name.
    with pytest.raises(ClientError, match="User is missing the following permissions: sagemaker:DescribeEndpointConf"):
        register(of_endpoints, of_alarms, one_config)
    enough = of_endpoints, of_alarms, allow("sagemaker:DescribeEndpointConfig")
    with pytest.raises(ClientError, match="User is missing the following permissions: iam:PassRole"):
        register(*enough, RoleARN="arn:aws:iam::000000000000:role/scales")
    register(*enough)


def test_a_scheduled_action_is_kept_changed_and_deleted(account: Account, endpoint: str) -> None:
    scaling = account.root("application-autoscaling")
    scaling.register_scalable_target(**named(endpoint), MinCapacity=1, MaxCapacity=3)
    night = {
        **named(endpoint), "ScheduledActionName": "down", "Schedule": "cron(0 19 ? * MON-FRI *)",
        "Timezone": "Europe/Berlin", "ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 1},
    }  # fmt: skip

    scaling.put_scheduled_action(**night)
    scaling.put_scheduled_action(**{**night, "Schedule": "cron(0 20 ? * MON-FRI *)"})

    of_endpoint = {**NAMESPACE, "ResourceId": named(endpoint)["ResourceId"]}
    [kept] = scaling.describe_scheduled_actions(**of_endpoint, ScheduledActionNames=["down"])["ScheduledActions"]
    assert (kept["Schedule"], kept["Timezone"]) == ("cron(0 20 ? * MON-FRI *)", "Europe/Berlin")
    assert kept["ScalableTargetAction"] == {"MinCapacity": 1, "MaxCapacity": 1}
    scaling.delete_scheduled_action(**named(endpoint), ScheduledActionName="down")
    assert scaling.describe_scheduled_actions(**of_endpoint)["ScheduledActions"] == []
    with pytest.raises(ClientError, match="ObjectNotFoundException"):
        scaling.delete_scheduled_action(**named(endpoint), ScheduledActionName="down")
    scaling.deregister_scalable_target(**named(endpoint))
