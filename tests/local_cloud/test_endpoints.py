from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.hosting import Hosting, ask, processes
from tests.local_cloud.support import IMAGE, Account, allow, unique, until

pytestmark = pytest.mark.local_cloud


def test_an_endpoint_answers_with_its_model_on_all_of_its_instances(
    sagemaker: Any, runtime: Any, hosting: Hosting
) -> None:
    name = hosting.endpoint(factor=3, count=2)

    assert ask(runtime, name)["factor"] == 3
    assert len(processes(runtime, name, 2)) == 2
    variant = sagemaker.describe_endpoint(EndpointName=name)["ProductionVariants"][0]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (2, 2)
    assert variant["DeployedImages"][0]["SpecifiedImage"] == IMAGE


def test_headers_go_to_the_container_and_its_own_come_back(runtime: Any, hosting: Hosting) -> None:
    name = hosting.endpoint()
    answer = runtime.invoke_endpoint(
        EndpointName=name, Body=b"1", ContentType="text/csv", Accept="application/json", CustomAttributes="trace=7"
    )

    told = json.loads(answer["Body"].read())
    assert (told["type"], told["accept"], told["custom"]) == ("text/csv", "application/json", "trace=7")
    assert answer["CustomAttributes"] == "model=m1"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["ContentType"] == "application/json"


@pytest.mark.parametrize(
    ("text", "status", "message"), [("bad", 400, '{"error": {"code": "bad"}}'), ("broken", 500, "it broke")]
)
def test_an_error_of_the_container_is_a_model_error(
    runtime: Any, hosting: Hosting, text: str, status: int, message: str
) -> None:
    name = hosting.endpoint()

    with pytest.raises(runtime.exceptions.ModelError) as refusal:
        ask(runtime, name, text)
    told = refusal.value.response
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert (told["OriginalStatusCode"], told["OriginalMessage"]) == (status, message)
    assert told["LogStreamArn"].endswith(f"log-group:/aws/sagemaker/Endpoints/{name}")


def test_bodies_up_to_the_limit_are_taken_and_larger_ones_refused(runtime: Any, hosting: Hosting) -> None:
    name = hosting.endpoint()

    assert len(ask(runtime, name, "x" * 6_000_000)["sent"]) == 6_000_000
    with pytest.raises(ClientError) as refusal:
        runtime.invoke_endpoint(EndpointName=name, Body=b"x" * 6_291_457, ContentType="text/csv")
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_slow_requests_do_not_hold_up_others(runtime: Any, hosting: Hosting, sagemaker: Any) -> None:
    name = hosting.endpoint()
    with ThreadPoolExecutor(4) as pool:
        slow = [pool.submit(ask, runtime, name, "sleep 1.5") for _ in range(3)]
        quick = pool.submit(ask, runtime, name)

        assert quick.result(timeout=1.4)["factor"] == 1
        assert sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService"
        assert not any(request.done() for request in slow)


def test_an_unknown_endpoint_is_a_validation_error_of_the_runtime(runtime: Any) -> None:
    with pytest.raises(runtime.exceptions.ValidationError, match="Endpoint none of account 000000000000 not found"):
        ask(runtime, "none")


def test_a_model_that_does_not_load_fails_the_endpoint_with_the_reason(
    sagemaker: Any, hosting: Hosting, model_data: Any
) -> None:
    name = unique("Endpoint")
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=hosting.config(factor=-1))

    told = hosting.settled(name)
    assert told["EndpointStatus"] == "Failed"
    assert "ping health check" in told["FailureReason"]
    with pytest.raises(ClientError, match="can only be deleted"):
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=hosting.config())
    sagemaker.delete_endpoint(EndpointName=name)


def test_an_update_changes_the_model_without_a_failed_request(sagemaker: Any, runtime: Any, hosting: Hosting) -> None:
    name, answers, stop = hosting.endpoint(factor=1), list[int](), threading.Event()
    # Made before the update, which may be over soon.
    new, another = hosting.config(factor=2), hosting.config(factor=2)

    def client() -> None:
        while not stop.is_set():
            answers.append(ask(runtime, name, "sleep 0.05")["factor"])

    with ThreadPoolExecutor(3) as pool:
        clients = [pool.submit(client) for _ in range(3)]
        try:
            until(lambda: len(answers) > 5)
            sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=new)
            with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
                sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=another)
            until(lambda: answers[-1] == 2)
            hosting.settled(name)
        finally:
            stop.set()
    assert [item.exception() for item in clients] == [None] * 3
    assert {1, 2} == set(answers)


def test_a_failed_update_leaves_the_old_model_in_service(sagemaker: Any, runtime: Any, hosting: Hosting) -> None:
    name = hosting.endpoint(factor=1)
    before = sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=hosting.config(factor=-1))

    told = hosting.settled(name)
    assert (told["EndpointStatus"], told["EndpointConfigName"]) == ("InService", before)
    assert "ping health check" in told["FailureReason"]
    assert ask(runtime, name)["factor"] == 1


@pytest.mark.parametrize(("excluded", "count"), [([], 2), ([{"VariantPropertyType": "DesiredInstanceCount"}], 1)])
def test_an_update_keeps_the_scaled_count_unless_that_is_excluded(
    sagemaker: Any, hosting: Hosting, excluded: list[dict[str, str]], count: int
) -> None:
    name = hosting.endpoint(count=1)
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}]
    )
    hosting.settled(name)
    sagemaker.update_endpoint(
        EndpointName=name,
        EndpointConfigName=hosting.config(factor=2),
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=excluded,
    )

    assert hosting.settled(name)["ProductionVariants"][0]["CurrentInstanceCount"] == count


def test_an_instance_that_dies_is_replaced(sagemaker: Any, runtime: Any, hosting: Hosting) -> None:
    name = hosting.endpoint(count=2)
    pids = processes(runtime, name, 2)
    with pytest.raises(runtime.exceptions.ModelError, match="closed before it answered"):
        ask(runtime, name, "die")

    def answered_by_another() -> bool:
        try:
            return ask(runtime, name)["pid"] not in pids
        except runtime.exceptions.ModelError:
            return False  # sent to the lost one before its end was noticed
        except runtime.exceptions.ServiceUnavailable:
            return False  # the other one was lost, too, or its replacement does not answer yet

    until(answered_by_another)


def test_output_of_an_instance_is_in_the_endpoints_log_group(account: Account, runtime: Any, hosting: Hosting) -> None:
    name = hosting.endpoint()
    ask(runtime, name)
    logs = account.root("logs")

    group = f"/aws/sagemaker/Endpoints/{name}"
    until(lambda: logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"])

    def messages() -> list[str]:
        return [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]

    until(lambda: "served /invocations" in messages())


def test_invocations_and_latencies_are_cloudwatch_metrics(account: Account, runtime: Any, hosting: Hosting) -> None:
    name = hosting.endpoint()
    for _ in range(3):
        ask(runtime, name)
    with pytest.raises(ClientError):
        ask(runtime, name, "bad")
    dimensions = [{"Name": "EndpointName", "Value": name}, {"Name": "VariantName", "Value": "AllTraffic"}]

    def total(metric: str) -> float:
        points = account.root("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker", MetricName=metric, Dimensions=dimensions, Period=3600, Statistics=["Sum"],
            StartTime="2020-01-01T00:00:00Z", EndTime="2100-01-01T00:00:00Z",
        )["Datapoints"]  # fmt: skip
        return float(sum(point["Sum"] for point in points))

    until(lambda: total("Invocations") == 4)
    assert total("Invocation4XXErrors") == 1
    assert total("ModelLatency") > 0


def test_a_model_whose_data_its_role_may_not_read_is_refused(
    sagemaker: Any, account: Account, model_data: Any, bucket: str
) -> None:
    role = account.role(allow("s3:ListBucket", resource=f"arn:aws:s3:::{bucket}"))

    with pytest.raises(ClientError, match="Could not access model data at"):
        sagemaker.create_model(
            ModelName=unique("Model"),
            ExecutionRoleArn=role,
            PrimaryContainer={"Image": IMAGE, "ModelDataUrl": model_data(1)},
        )


def test_deleted_things_are_gone(sagemaker: Any, hosting: Hosting) -> None:
    config = hosting.config()
    name = unique("Endpoint")
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    hosting.settled(name)
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.delete_endpoint_config(EndpointConfigName=config)
    sagemaker.delete_model(ModelName=config)

    until(lambda: not sagemaker.list_endpoints(NameContains=name)["Endpoints"])
    with pytest.raises(ClientError, match="Could not find endpoint"):
        sagemaker.describe_endpoint(EndpointName=name)
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        sagemaker.describe_endpoint_config(EndpointConfigName=config)
    with pytest.raises(ClientError, match="Could not find model"):
        sagemaker.describe_model(ModelName=config)


def test_only_who_may_invoke_an_endpoint_does(account: Account, hosting: Hosting) -> None:
    name = hosting.endpoint()
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:endpoint/{name.lower()}"
    allowed = account.user(allow("sagemaker:InvokeEndpoint", resource=arn))("sagemaker-runtime")
    elsewhere = account.user(allow("sagemaker:InvokeEndpoint", resource=arn + "-other"))("sagemaker-runtime")

    assert ask(allowed, name)["factor"] == 1
    with pytest.raises(ClientError) as refusal:
        ask(elsewhere, name)
    assert refusal.value.response["Error"]["Code"] == "AccessDeniedException"
    assert f"not authorized to perform: sagemaker:InvokeEndpoint on resource: {arn}" in str(refusal.value)


def test_passing_a_role_needs_its_own_permission(account: Account, job_role: str, model_data: Any) -> None:
    create = allow("sagemaker:CreateModel")
    request = {"ExecutionRoleArn": job_role, "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": model_data(1)}}
    condition = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    passing = account.user(create, {**allow("iam:PassRole", resource=job_role), "Condition": condition})("sagemaker")
    not_passing = account.user(create)("sagemaker")

    passing.create_model(ModelName=unique("Model"), **request)
    with pytest.raises(ClientError, match="not authorized to perform: iam:PassRole"):
        not_passing.create_model(ModelName=unique("Model"), **request)
