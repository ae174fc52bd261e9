from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.hosting import Hosting, ask
from tests.local_cloud.support import Account

pytestmark = pytest.mark.local_cloud


def serverless(memory_mb: int = 1024, concurrency: int = 2, **more: Any) -> dict[str, Any]:
    return {"ServerlessConfig": {"MemorySizeInMB": memory_mb, "MaxConcurrency": concurrency}, **more}


def test_a_serverless_variant_answers_and_tells_its_sizes_instead_of_instances(
    sagemaker: Any, runtime: Any, hosting: Hosting
) -> None:
    name = hosting.endpoint(factor=4, variant=serverless())

    assert ask(runtime, name)["factor"] == 4
    variant = sagemaker.describe_endpoint(EndpointName=name)["ProductionVariants"][0]
    assert variant["CurrentServerlessConfig"] == {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
    assert "CurrentInstanceCount" not in variant


def test_requests_beyond_its_concurrency_are_throttled(runtime: Any, hosting: Hosting) -> None:
    name = hosting.endpoint(variant=serverless(concurrency=2))

    def outcome(_: int) -> str:
        try:
            return str(ask(runtime, name, "sleep 1")["factor"])
        except ClientError as refusal:
            return f"{refusal.response['ResponseMetadata']['HTTPStatusCode']} {refusal.response['Error']['Code']}"

    with ThreadPoolExecutor(3) as pool:
        outcomes = sorted(pool.map(outcome, range(3)))
    assert outcomes == ["1", "1", "429 ThrottlingException"]
    assert ask(runtime, name)["factor"] == 1


def test_its_payload_is_four_megabytes(runtime: Any, hosting: Hosting) -> None:
    name = hosting.endpoint(variant=serverless())

    with pytest.raises(ClientError) as refusal:
        ask(runtime, name, "x" * (4 * 1024 * 1024 + 1))
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert ask(runtime, name, "x" * 4_000_000)["factor"] == 1


def test_a_serverless_variant_is_not_scaled_by_instances(sagemaker: Any, hosting: Hosting) -> None:
    name = hosting.endpoint(variant=serverless())

    with pytest.raises(ClientError, match="AllTraffic is serverless: it has no DesiredInstanceCount"):
        sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=name, DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}]
        )


def test_nor_by_application_auto_scaling(account: Account, hosting: Hosting) -> None:
    name = hosting.endpoint(variant=serverless())

    with pytest.raises(ClientError, match="AllTraffic is serverless: it has no instance count to scale"):
        account.root("application-autoscaling").register_scalable_target(
            ServiceNamespace="sagemaker", ResourceId=f"endpoint/{name}/variant/AllTraffic",
            ScalableDimension="sagemaker:variant:DesiredInstanceCount", MinCapacity=1, MaxCapacity=2,
        )  # fmt: skip


VPC = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
CAPTURE = {
    "InitialSamplingPercentage": 1, "DestinationS3Uri": "s3://b/c", "CaptureOptions": [{"CaptureMode": "Input"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("variant", "more", "message"),
    [
        (serverless(memory_mb=1500), {}, "MemorySizeInMB is 1500; it must be one of 1024, 2048"),
        (serverless(concurrency=201), {}, "less than or equal to 200"),
        (serverless(InstanceType="ml.m5.large"), {}, "InstanceType cannot be specified with ServerlessConfig"),
        (serverless(), {"VpcConfig": VPC, "ExecutionRoleArn": "arn:aws:iam::000000000000:role/x"}, "support VpcConfig"),
        (serverless(), {"EnableNetworkIsolation": True}, "do not support network isolation"),
        (serverless(), {"DataCaptureConfig": CAPTURE}, "do not support DataCaptureConfig"),
    ],
)
def test_what_serverless_inference_does_not_have_is_refused(
    hosting: Hosting, variant: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        hosting.config(variant=variant, **more)
