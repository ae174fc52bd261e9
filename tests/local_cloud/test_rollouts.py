"""Updates under a DeploymentConfig. Their waits are minutes long; the tests put the clock forward."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import LocalCloudError
from local_cloud.entrance.gate import TOKEN_HEADER
from tests.local_cloud.hosting import Hosting, ask
from tests.local_cloud.support import Account, unique, until

if TYPE_CHECKING:
    from local_cloud import LocalCloud

pytestmark = pytest.mark.local_cloud


def blue_green(kind: str, wait_s: int = 600, termination_s: int = 600, **sizes: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": wait_s, **sizes}
    return {"BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": routing,
        "TerminationWaitInSeconds": termination_s,
        "MaximumExecutionTimeoutInSeconds": 3600,
    }}  # fmt: skip


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def one_instance() -> dict[str, Any]:
    return {"Type": "INSTANCE_COUNT", "Value": 1}


def guarded(config: dict[str, Any], *alarms: str) -> dict[str, Any]:
    return {**config, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}}


class Rollouts:
    def __init__(self, cloud: LocalCloud, account: Account, hosting: Hosting) -> None:
        self._cloud, self._hosting = cloud, hosting
        self._sagemaker, self._runtime = account.root("sagemaker"), account.root("sagemaker-runtime")

    def update(self, endpoint: str, deployment: dict[str, Any], factor: int = 2, count: int = 1) -> str:
        config = self._hosting.config(factor, count)
        self._sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config, DeploymentConfig=deployment)
        return config

    def described(self, endpoint: str) -> dict[str, Any]:
        told: dict[str, Any] = self._sagemaker.describe_endpoint(EndpointName=endpoint)
        return told

    def baking(self, endpoint: str) -> dict[str, Any]:
        """Wait until the deployment waits, and return what is pending."""

        def pending() -> Any:
            told = self.described(endpoint).get("PendingDeploymentSummary")
            return told and told["ProductionVariants"][0]["VariantStatus"][0]["Status"] == "Baking" and told

        told: dict[str, Any] = until(pending)
        return told

    def advance(self, seconds: float) -> None:
        self._cloud.advance_clock(seconds)

    def answers(self, endpoint: str, requests: int = 20) -> Counter[int]:
        """Return how many of so many requests each model answered."""
        return Counter(ask(self._runtime, endpoint)["factor"] for _ in range(requests))

    def break_one_request(self, endpoint: str) -> None:
        with pytest.raises(ClientError):
            ask(self._runtime, endpoint, "broken")


@pytest.fixture
def rollouts(cloud: LocalCloud, account: Account, hosting: Hosting) -> Rollouts:
    return Rollouts(cloud, account, hosting)


@pytest.fixture
def server_errors(account: Account) -> Iterator[Any]:
    """Return what makes an alarm on an endpoint's server errors."""
    cloudwatch, made = account.root("cloudwatch"), list[str]()

    def alarm(endpoint: str, metric: str = "Invocation5XXErrors", threshold: float = 1) -> str:
        name = unique("alarm")
        cloudwatch.put_metric_alarm(
            AlarmName=name, Namespace="AWS/SageMaker", MetricName=metric, Statistic="Sum", Period=60,
            EvaluationPeriods=1, Threshold=threshold, ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData="notBreaching",
            Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": "AllTraffic"}],
        )  # fmt: skip
        made.append(name)
        return name

    yield alarm
    cloudwatch.delete_alarms(AlarmNames=made)


def test_a_canary_has_its_share_of_the_requests_until_its_wait_is_over(rollouts: Rollouts, hosting: Hosting) -> None:
    endpoint = hosting.endpoint(factor=1)
    old = rollouts.described(endpoint)["EndpointConfigName"]
    new = rollouts.update(endpoint, blue_green("CANARY", CanarySize=percent(20)))

    assert rollouts.baking(endpoint)["EndpointConfigName"] == new
    assert rollouts.answers(endpoint) == {1: 16, 2: 4}
    told = rollouts.described(endpoint)
    assert (told["EndpointStatus"], told["EndpointConfigName"]) == ("Updating", old)

    rollouts.advance(601)
    until(lambda: rollouts.answers(endpoint, 5) == {2: 5})
    assert rollouts.described(endpoint)["EndpointStatus"] == "Updating", "the old fleet waits for its termination"
    rollouts.advance(601)
    told = hosting.settled(endpoint)
    assert (told["EndpointStatus"], told["EndpointConfigName"]) == ("InService", new)
    assert "PendingDeploymentSummary" not in told


def test_a_linear_rollout_shifts_step_by_step(rollouts: Rollouts, hosting: Hosting) -> None:
    endpoint = hosting.endpoint(factor=1)
    rollouts.update(endpoint, blue_green("LINEAR", LinearStepSize=percent(50), termination_s=0))

    rollouts.baking(endpoint)
    assert rollouts.answers(endpoint) == {1: 10, 2: 10}
    rollouts.advance(601)
    hosting.settled(endpoint)
    assert rollouts.answers(endpoint) == {2: 20}


def test_all_at_once_keeps_the_old_fleet_until_its_termination(rollouts: Rollouts, hosting: Hosting) -> None:
    endpoint = hosting.endpoint(factor=1)
    rollouts.update(endpoint, blue_green("ALL_AT_ONCE", wait_s=0))

    rollouts.baking(endpoint)
    assert rollouts.answers(endpoint) == {2: 20}
    rollouts.advance(601)
    assert hosting.settled(endpoint)["EndpointStatus"] == "InService"


def rolling(**more: Any) -> dict[str, Any]:
    return {"RollingUpdatePolicy": {"MaximumBatchSize": one_instance(), "WaitIntervalInSeconds": 600, **more}}


def test_a_rolling_update_exchanges_one_batch_after_the_other(rollouts: Rollouts, hosting: Hosting) -> None:
    endpoint = hosting.endpoint(factor=1, count=2)
    rollouts.update(endpoint, rolling(), count=2)

    pending = rollouts.baking(endpoint)
    assert pending["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert rollouts.answers(endpoint) == {1: 10, 2: 10}
    rollouts.advance(601)
    until(lambda: rollouts.answers(endpoint, 4) == {2: 4})
    rollouts.advance(601)
    told = hosting.settled(endpoint)
    assert "FailureReason" not in told
    assert told["ProductionVariants"][0]["CurrentInstanceCount"] == 2


@pytest.mark.parametrize("how", ["canary", "rolling"])
def test_an_alarm_on_the_endpoints_own_errors_brings_the_old_model_back(
    rollouts: Rollouts, hosting: Hosting, server_errors: Any, how: str
) -> None:
    endpoint = hosting.endpoint(factor=1, count=2)
    before = rollouts.described(endpoint)["EndpointConfigName"]
    alarm = server_errors(endpoint)
    policy = blue_green("CANARY", CanarySize=percent(50)) if how == "canary" else rolling()
    rollouts.update(endpoint, guarded(policy, alarm), count=2)
    rollouts.baking(endpoint)

    rollouts.break_one_request(endpoint)
    told = hosting.settled(endpoint)
    assert (told["EndpointStatus"], told["EndpointConfigName"]) == ("InService", before)
    assert f"{alarm} went into the ALARM state" in told["FailureReason"]
    assert told["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert rollouts.answers(endpoint) == {1: 20}


def test_a_rolling_update_whose_old_instances_cannot_come_back_is_left_as_it_is_and_mended_by_an_update(
    rollouts: Rollouts, account: Account, hosting: Hosting, server_errors: Any
) -> None:
    endpoint, sagemaker = hosting.endpoint(factor=1, count=2), account.root("sagemaker")
    before = rollouts.described(endpoint)["EndpointConfigName"]
    alarm = server_errors(endpoint)
    rollouts.update(endpoint, guarded(rolling(), alarm), count=2)
    rollouts.baking(endpoint)
    rollouts.advance(601)
    until(lambda: rollouts.answers(endpoint, 4) == {2: 4})
    # The account's six instances are in use: two of the new fleet, one of the old one, and these.
    other = hosting.endpoint(factor=5, count=3)

    rollouts.break_one_request(endpoint)
    told = hosting.settled(endpoint)
    assert told["EndpointStatus"] == "UpdateRollbackFailed"
    assert f"{alarm} went into the ALARM state" in told["FailureReason"]
    assert "The rollback failed: The account-level service limit" in told["FailureReason"]
    assert set(rollouts.answers(endpoint)) <= {1, 2}, "it still answers"
    # Nothing of the update stays: with it, the old fleet and the other endpoint, there would be no room for two more.
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=before)
    assert hosting.settled(endpoint)["EndpointStatus"] == "InService"
    assert rollouts.answers(endpoint) == {1: 20}
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=other, DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 4}]
    )
    told = hosting.settled(other)
    assert told["ProductionVariants"][0]["CurrentInstanceCount"] == 4


def test_latency_of_the_model_rings_an_alarm_too(rollouts: Rollouts, hosting: Hosting, server_errors: Any) -> None:
    endpoint = hosting.endpoint(factor=1)
    alarm = server_errors(endpoint, metric="ModelLatency", threshold=1)
    rollouts.answers(endpoint, 1)

    rollouts.update(endpoint, guarded(blue_green("ALL_AT_ONCE"), alarm))
    assert alarm in hosting.settled(endpoint)["FailureReason"]


def test_errors_of_another_endpoint_do_not(rollouts: Rollouts, hosting: Hosting, server_errors: Any) -> None:
    endpoint, other = hosting.endpoint(factor=1), hosting.endpoint(factor=5)
    alarm = server_errors(endpoint)
    rollouts.update(endpoint, guarded(blue_green("ALL_AT_ONCE", termination_s=0), alarm))
    rollouts.break_one_request(other)

    assert "FailureReason" not in hosting.settled(endpoint)


def test_a_rollout_longer_than_its_time_is_rolled_back(rollouts: Rollouts, hosting: Hosting) -> None:
    endpoint = hosting.endpoint(factor=1)
    rollouts.update(endpoint, blue_green("ALL_AT_ONCE", termination_s=3500))
    rollouts.baking(endpoint)
    rollouts.advance(3700)

    told = hosting.settled(endpoint)
    assert "MaximumExecutionTimeoutInSeconds of 3600" in told.get("FailureReason", ""), told


def test_a_new_fleet_that_does_not_come_up_leaves_the_old_one(rollouts: Rollouts, hosting: Hosting) -> None:
    endpoint = hosting.endpoint(factor=1)
    rollouts.update(endpoint, blue_green("CANARY", CanarySize=percent(20)), factor=-1)

    assert "ping health check" in hosting.settled(endpoint)["FailureReason"]
    assert rollouts.answers(endpoint) == {1: 20}


@pytest.mark.parametrize(
    ("deployment", "message"),
    [
        (blue_green("CANARY"), "CanarySize must be specified"),
        (blue_green("CANARY", CanarySize=percent(51)), "CanarySize must be between 0% and 50%"),
        (blue_green("LINEAR", LinearStepSize=percent(9)), "LinearStepSize must be between 10% and 50%"),
        ({**blue_green("ALL_AT_ONCE"), **rolling()}, "not both"),
        (guarded(blue_green("ALL_AT_ONCE"), "no-such-alarm"), r"could not find the alarm\(s\) no-such-alarm"),
    ],
)
def test_a_rollout_that_cannot_be_is_refused_and_changes_nothing(
    rollouts: Rollouts, hosting: Hosting, deployment: dict[str, Any], message: str
) -> None:
    endpoint = hosting.endpoint(factor=1)

    with pytest.raises(ClientError, match=message):
        rollouts.update(endpoint, deployment)
    assert rollouts.described(endpoint)["EndpointStatus"] == "InService"


def test_a_stack_whose_rollout_is_rolled_back_fails_and_serves_the_old_model(
    rollouts: Rollouts, account: Account, hosting: Hosting, server_errors: Any
) -> None:
    stacks, stack, endpoint = account.root("cloudformation"), unique("stack"), unique("Endpoint")
    alarm = server_errors(endpoint)

    def template(config: str) -> str:
        properties = {
            "EndpointName": endpoint,
            "EndpointConfigName": config,
            "DeploymentConfig": guarded(blue_green("CANARY", CanarySize=percent(50)), alarm),
        }
        return json.dumps({"Resources": {"Endpoint": {"Type": "AWS::SageMaker::Endpoint", "Properties": properties}}})

    def settled(status: str) -> bool:
        return bool(stacks.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == status)

    stacks.create_stack(StackName=stack, TemplateBody=template(hosting.config(factor=1)))
    until(lambda: settled("CREATE_COMPLETE"))
    stacks.update_stack(StackName=stack, TemplateBody=template(hosting.config(factor=2)))
    rollouts.baking(endpoint)
    rollouts.break_one_request(endpoint)

    until(lambda: settled("UPDATE_ROLLBACK_COMPLETE"))
    events = stacks.describe_stack_events(StackName=stack)["StackEvents"]
    reasons = [item["ResourceStatusReason"] for item in events if item["ResourceStatus"] == "UPDATE_FAILED"]
    assert any(f"{alarm} went into the ALARM state" in reason for reason in reasons)
    assert rollouts.answers(endpoint, 4) == {1: 4}
    stacks.delete_stack(StackName=stack)
    until(lambda: not account.root("sagemaker").list_endpoints(NameContains=endpoint)["Endpoints"])


def test_the_clock_goes_forward_only(cloud: LocalCloud) -> None:
    with pytest.raises(LocalCloudError, match="0 or more"):
        cloud.advance_clock(-1)
    token = {TOKEN_HEADER: cloud.running.keys().token}
    request = urllib.request.Request(cloud.endpoint_url + "/_local_cloud/clock", json.dumps([1]).encode(), token)
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(request)
