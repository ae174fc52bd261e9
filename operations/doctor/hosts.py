"""Whether SageMaker lets the deployed endpoint go to the hosts that the settings ask for; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from botocore.exceptions import BotoCoreError, ClientError

from operations.doctor.checks import Answer, Place
from operations.ports import Client
from stacks.shared.names import endpoint_name
from stacks.shared.variant import VARIANT

CHECK: Final = "hosts"
SERVERLESS: Final = "serverless"


def hosts_may_change(sagemaker: Client, scaling: Client, place: Place) -> Answer:
    """Compare the hosts of the deployed endpoint with those of the settings."""
    endpoint, settings = endpoint_name(place.stage), place.settings.endpoint
    wanted = settings.instance_type if settings.serverless is None else SERVERLESS
    try:
        deployed = _deployed(sagemaker, endpoint)
        is_scaled = deployed is not None and deployed != wanted and _is_scaled(scaling, endpoint)
    except (BotoCoreError, ClientError) as error:
        return Answer(CHECK, "unknown", f"AWS could not be asked: {error}")
    if deployed is None:
        return Answer(CHECK, "good", "the stage has no endpoint yet")
    if SERVERLESS in {deployed, wanted} and deployed != wanted:
        says = f"the endpoint is on {deployed} and the settings ask for {wanted}, between which no endpoint can move: "
        return Answer(CHECK, "bad", says + "destroy the serving stack and deploy it, or use a second stage")
    if is_scaled:
        says = f"the endpoint is scaled on {deployed} and the settings ask for {wanted}, which SageMaker refuses: "
        return Answer(
            CHECK, "bad", f"{says}deploy three times, as docs/operations.md tells under Another instance type"
        )
    return Answer(CHECK, "good", f"the endpoint is on {deployed}, and may be on {wanted}")


def _deployed(sagemaker: Client, endpoint: str) -> str | None:
    """Return the instance type of the endpoint that is there, `serverless`, or None where there is none."""
    try:
        described = sagemaker.describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        if "Could not find" in error.response["Error"]["Message"]:
            return None
        raise
    config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    variant = cast("list[Mapping[str, str]]", config["ProductionVariants"])[0]
    return variant.get("InstanceType", SERVERLESS)


def _is_scaled(scaling: Client, endpoint: str) -> bool:
    listed = scaling.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[f"endpoint/{endpoint}/variant/{VARIANT}"]
    )
    return bool(listed["ScalableTargets"])
