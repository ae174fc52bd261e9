"""The runbook of docs/operations.md for another instance type of a scaled endpoint, by the CDK CLI."""

from __future__ import annotations

import pytest

from stacks.shared.names import endpoint_name
from tests.end_to_end.deployment import SERVING, STAGE, Deployment

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow]


def hosts(instance_type: str, most: int) -> dict[str, object]:
    return {"endpoint": {"instance_type": instance_type, "min_instances": 1, "max_instances": most}}


SCALED, FIXED = hosts("ml.m5.large", 2), hosts("ml.m5.large", 1)
CHANGED, SCALED_AGAIN = hosts("ml.c5.large", 1), hosts("ml.c5.large", 2)


@pytest.fixture(scope="module")
def scaled(deployment: Deployment) -> Deployment:
    """A stage whose endpoint is scaled."""
    run = deployment.deploy(**SCALED)
    assert run.exit_code == 0, run.output
    return deployment


def deployed_type(deployment: Deployment) -> str:
    sagemaker = deployment.client("sagemaker")
    config = sagemaker.describe_endpoint(EndpointName=endpoint_name(STAGE))["EndpointConfigName"]
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    return str(variants[0]["InstanceType"])


def test_a_scaled_endpoint_changes_its_type_in_three_deploys_and_not_in_one(scaled: Deployment) -> None:
    at_once = scaled.deploy(SERVING, **SCALED_AGAIN)
    assert at_once.exit_code != 0
    assert "must be deregistered as scalable target(s)" in " ".join(at_once.output.split())
    assert deployed_type(scaled) == "ml.m5.large"

    for step in (FIXED, CHANGED, SCALED_AGAIN):
        run = scaled.deploy(SERVING, **step)
        assert run.exit_code == 0, run.output
    assert deployed_type(scaled) == "ml.c5.large"
    scaling = scaled.client("application-autoscaling")
    [target] = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert target["MaxCapacity"] == 2
