"""Rules on models and endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules import images
from rules.model import Fault, Resource, Rule, Template, items, mapping, objects, own_disks, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL: Final = "AWS::SageMaker::Model"
CONFIG: Final = "AWS::SageMaker::EndpointConfig"
ENDPOINT: Final = "AWS::SageMaker::Endpoint"
SCALABLE_TARGET: Final = "AWS::ApplicationAutoScaling::ScalableTarget"


def is_serverless(config: Resource) -> bool:
    """Tell whether an endpoint configuration has no instances of ours."""
    return any("ServerlessConfig" in variant for variant in objects(config.get("ProductionVariants")))


def has_own_disks(config: Resource) -> bool:
    """Tell whether the hosts encrypt their own disks in hardware, and so refuse a key."""
    return any(own_disks(variant.get("InstanceType")) for variant in objects(config.get("ProductionVariants")))


@rule("TM-MODEL-ISOLATED", "A hosted container has no network", "It could send the documents that it is given away")
def isolated(template: Template) -> Iterator[Fault]:
    """Look at network isolation; serverless endpoints have none to offer."""
    if any(is_serverless(config) for config in template.resources(CONFIG)) and not template.hardened:
        return
    for model in template.resources(MODEL):
        if model.get("EnableNetworkIsolation") is not True:
            yield Fault(model.logical_id, "Properties/EnableNetworkIsolation", "the hosted container has a network")


@rule("TM-MODEL-IMAGE", "A model runs AWS's own image", "Somebody else's image would be given the documents")
def own_image(template: Template) -> Iterator[Fault]:
    """Compare the image's account with the table of registry accounts."""
    for model in template.resources(MODEL):
        message = images.fault_of(model.get("PrimaryContainer", "Image"), template)
        if message is not None:
            yield Fault(model.logical_id, "Properties/PrimaryContainer/Image", message)


@rule(
    "TM-MODEL-VPC", "A hardened stage's model is hosted in a VPC", "Its artifact would be fetched by public addresses"
)
def in_vpc(template: Template) -> Iterator[Fault]:
    """Look for the VPC, where the stage is hardened."""
    for model in template.resources(MODEL) if template.hardened else ():
        for part in ("Subnets", "SecurityGroupIds"):
            if not model.get("VpcConfig", part):
                yield Fault(model.logical_id, f"Properties/VpcConfig/{part}", f"the model has no {part} of a VPC")


@rule("TM-MODEL-APPROVED", "A model's artifact is the approved one", "A candidate that nobody approved would be served")
def approved(template: Template) -> Iterator[Fault]:
    """Follow the artifact to the parameter that holds the approved one."""
    for model in template.resources(MODEL):
        place, source = [*items(mapping(model.get("PrimaryContainer", "ModelDataUrl")).get("Fn::Select")), None, None][
            :2
        ]
        name = str(mapping(source).get("Ref"))
        read = mapping(mapping(template.body.get("Parameters")).get(name)).get("Default")
        if str(place) != "0" or not str(read).endswith("/approved/model"):
            path = "Properties/PrimaryContainer/ModelDataUrl"
            yield Fault(model.logical_id, path, "the artifact is not read from the approved model's parameter")


@rule("TM-ENDPOINT-KEY", "An endpoint's storage is under a customer-managed key", "The model would lie under AWS's key")
def storage_key(template: Template) -> Iterator[Fault]:
    """Look at the key; hosts with disks of their own encrypt them in hardware, and serverless takes none."""
    for config in template.resources(CONFIG):
        if not config.get("KmsKeyId") and not is_serverless(config) and not has_own_disks(config):
            yield Fault(config.logical_id, "Properties/KmsKeyId", "the endpoint's storage is under no key of ours")


@rule(
    "TM-ENDPOINT-CAPTURE",
    "A hardened stage captures what its endpoint is asked, under a key",
    "CloudTrail does not record InvokeEndpoint: nothing else tells what was asked",
)
def capture(template: Template) -> Iterator[Fault]:
    """Look at data capture, where the stage is hardened, and at its key wherever there is one."""
    for config in template.resources(CONFIG):
        data_capture = mapping(config.get("DataCaptureConfig"))
        if template.hardened and data_capture.get("EnableCapture") is not True:
            yield Fault(config.logical_id, "Properties/DataCaptureConfig", "what the endpoint is asked is not captured")
        if data_capture and not data_capture.get("KmsKeyId"):
            path = "Properties/DataCaptureConfig/KmsKeyId"
            yield Fault(config.logical_id, path, "captured documents are under no key of ours")


@rule("TM-ENDPOINT-ROLLBACK", "A hardened stage's rollout is watched by alarms", "A broken model would stay in service")
def rollback(template: Template) -> Iterator[Fault]:
    """Look at the rollback alarms, where the stage is hardened."""
    for endpoint in template.resources(ENDPOINT) if template.hardened else ():
        alarms = endpoint.get("DeploymentConfig", "AutoRollbackConfiguration", "Alarms")
        if not items(alarms):
            path = "Properties/DeploymentConfig/AutoRollbackConfiguration/Alarms"
            yield Fault(endpoint.logical_id, path, "no alarm rolls a bad rollout back")


@rule(
    "TM-ENDPOINT-KEEPS-SIZE",
    "An update keeps the size that scaling gave, and no other",
    "An update under load would drop requests, or a fixed fleet never change its size",
)
def keeps_size(template: Template) -> Iterator[Fault]:
    """Compare what an update retains with whether the fleet is scaled; capture cannot be excluded from it."""
    scaled = any(template.resources(SCALABLE_TARGET))
    for endpoint in template.resources(ENDPOINT):
        if (endpoint.get("RetainAllVariantProperties") is True) != scaled:
            message = "an update resets the fleet" if scaled else "an update keeps a size that nothing scales"
            yield Fault(endpoint.logical_id, "Properties/RetainAllVariantProperties", message)
        for excluded in objects(endpoint.get("ExcludeRetainedVariantProperties")):
            if excluded.get("VariantPropertyType") == "DataCaptureConfig":
                path = "Properties/ExcludeRetainedVariantProperties"
                yield Fault(endpoint.logical_id, path, "SageMaker does not support to exclude data capture")


@rule("TM-ENDPOINT-NAMES", "An endpoint has a name for life, its parts none", "Clients would lose it, or updates fail")
def names(template: Template) -> Iterator[Fault]:
    """Look at the three names."""
    for endpoint in template.resources(ENDPOINT):
        if not isinstance(endpoint.get("EndpointName"), str):
            yield Fault(endpoint.logical_id, "Properties/EndpointName", "the endpoint has no name of its own")
    for part, name in ((MODEL, "ModelName"), (CONFIG, "EndpointConfigName")):
        for resource in template.resources(part):
            if resource.get(name) is not None:
                yield Fault(resource.logical_id, f"Properties/{name}", f"a named {part} cannot be replaced")


RULES: Final[tuple[Rule, ...]] = (
    isolated,
    own_image,
    in_vpc,
    approved,
    storage_key,
    capture,
    rollback,
    keeps_size,
    names,
)
