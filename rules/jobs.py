"""Rules on what state machines start: training, transform and processing jobs, which the packs never see."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from rules import images
from rules.model import Fault, JsonValue, Resource, Rule, Template, mapping, rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MACHINE: Final = "AWS::StepFunctions::StateMachine"
TRAINING: Final = "createTrainingJob"
TRANSFORM: Final = "createTransformJob"
PROCESSING: Final = "createProcessingJob"
LONGEST_RUN_S: Final = 432_000


class Job(NamedTuple):
    """One state that starts a job."""

    machine: Resource
    state: str
    parameters: Mapping[str, JsonValue]

    def get(self, *path: str) -> JsonValue:
        """Return the request's value that `path` leads to, or None."""
        value: JsonValue = dict(self.parameters)
        for part in path:
            value = mapping(value).get(part)
        return value

    def resolved(self, *path: str) -> JsonValue:
        """Return a value with its `${Name}` replaced by what the template substitutes for it."""
        value = self.get(*path)
        if isinstance(value, str) and value.startswith("${") and value.endswith("}"):
            return self.machine.get("DefinitionSubstitutions", value[2:-1])
        return value

    def fault(self, path: str, message: str) -> Fault:
        """Return a fault at `path` of the request."""
        return Fault(
            self.machine.logical_id, f"Properties/DefinitionString/States/{self.state}/Parameters/{path}", message
        )


def definition(machine: Resource) -> Mapping[str, JsonValue] | None:
    """Return a machine's definition, or None where it cannot be read as JSON."""
    text = machine.get("DefinitionString")
    joined = mapping(text).get("Fn::Join")
    if isinstance(joined, list):
        parts = joined[1] if isinstance(joined[1], list) else []
        text = str(joined[0]).join(part if isinstance(part, str) else "resolved-at-deploy" for part in parts)
    try:
        return mapping(json.loads(str(text)))
    except ValueError:
        return None


def jobs(template: Template, *kinds: str) -> Iterator[Job]:
    """Return the states of every machine that start a job of these kinds, wherever they are nested."""
    for machine in template.resources(MACHINE):
        for name, state in _states(definition(machine) or {}):
            call = str(state.get("Resource", "")).rpartition(":")[2].removesuffix(".sync")
            if call in kinds:
                yield Job(machine, name, mapping(state.get("Parameters") or state.get("Arguments")))


def _states(node: Mapping[str, JsonValue]) -> Iterator[tuple[str, Mapping[str, JsonValue]]]:
    for name, state in mapping(node.get("States")).items():
        body = mapping(state)
        yield name, body
        branches = body.get("Branches")
        nested = [*(branches if isinstance(branches, list) else []), body.get("ItemProcessor"), body.get("Iterator")]
        for inner in nested:
            yield from _states(mapping(inner))


@rule("TM-JOB-READABLE", "A state machine's definition can be read", "What cannot be read cannot be checked")
def readable(template: Template) -> Iterator[Fault]:
    """Parse every definition."""
    for machine in template.resources(MACHINE):
        if definition(machine) is None:
            yield Fault(machine.logical_id, "Properties/DefinitionString", "the definition is not JSON in the template")


@rule("TM-JOB-ISOLATED", "A job's container has no network", "A container could send the documents away")
def isolated(template: Template) -> Iterator[Fault]:
    """Look at network isolation."""
    for job in jobs(template, TRAINING):
        if job.get("EnableNetworkIsolation") is not True:
            yield job.fault("EnableNetworkIsolation", "the training container has a network")
    for job in jobs(template, PROCESSING):
        if job.get("NetworkConfig", "EnableNetworkIsolation") is not True:
            yield job.fault("NetworkConfig/EnableNetworkIsolation", "the processing container has a network")


@rule(
    "TM-JOB-TRAFFIC-ENCRYPTED",
    "Instances of one job talk to each other encrypted",
    "Gradients and counts would cross the network readable",
)
def traffic_encrypted(template: Template) -> Iterator[Fault]:
    """Look at jobs of more than one instance."""
    for job in jobs(template, TRAINING):
        if (
            job.get("ResourceConfig", "InstanceCount") != 1
            and job.get("EnableInterContainerTrafficEncryption") is not True
        ):
            yield job.fault("EnableInterContainerTrafficEncryption", "traffic between instances is not encrypted")


@rule("TM-JOB-VOLUME-KEY", "A job's volumes are under a customer-managed key", "Documents would lie under AWS's key")
def volume_key(template: Template) -> Iterator[Fault]:
    """Look at the volumes' key."""
    for job in jobs(template, TRAINING):
        if not job.resolved("ResourceConfig", "VolumeKmsKeyId"):
            yield job.fault("ResourceConfig/VolumeKmsKeyId", "the training volumes are under no key of ours")
    for job in jobs(template, TRANSFORM):
        if not job.resolved("TransformResources", "VolumeKmsKeyId"):
            yield job.fault("TransformResources/VolumeKmsKeyId", "the transform volumes are under no key of ours")


@rule("TM-JOB-OUTPUT-KEY", "What a job writes is under a customer-managed key", "Models would lie under AWS's key")
def output_key(template: Template) -> Iterator[Fault]:
    """Look at the output's key."""
    for job in jobs(template, TRAINING):
        if not job.resolved("OutputDataConfig", "KmsKeyId"):
            yield job.fault("OutputDataConfig/KmsKeyId", "the model artifact is under no key of ours")
    for job in jobs(template, TRANSFORM):
        if not job.resolved("TransformOutput", "KmsKeyId"):
            yield job.fault("TransformOutput/KmsKeyId", "the transform output is under no key of ours")


@rule("TM-JOB-VPC", "A hardened stage's jobs run in a VPC", "Their traffic to S3 would leave by public addresses")
def in_vpc(template: Template) -> Iterator[Fault]:
    """Look for the VPC's subnets and security groups, where the stage is hardened."""
    if not template.hardened:
        return
    for job in jobs(template, TRAINING):
        for part in ("Subnets", "SecurityGroupIds"):
            if not job.get("VpcConfig", part):
                yield job.fault(f"VpcConfig/{part}", f"the training job has no {part} of a VPC")


@rule(
    "TM-JOB-IMAGE",
    "A training job runs AWS's own image of its region: the NTM, or the open one's container",
    "Somebody else's image would be given the documents and the role",
)
def own_image(template: Template) -> Iterator[Fault]:
    """Compare the image's account with the table of registry accounts."""
    for job in jobs(template, TRAINING):
        image = job.resolved("AlgorithmSpecification", "TrainingImage")
        message = images.fault_of(image, template)
        if message is not None:
            yield job.fault("AlgorithmSpecification/TrainingImage", message)


@rule("TM-JOB-BOUNDED", "A training job has a bound on its run time", "A job that never ends is paid for without end")
def bounded(template: Template) -> Iterator[Fault]:
    """Look at the stopping condition."""
    for job in jobs(template, TRAINING):
        limit = job.get("StoppingCondition", "MaxRuntimeInSeconds")
        if not isinstance(limit, int) or not 0 < limit <= LONGEST_RUN_S:
            yield job.fault("StoppingCondition", "the training job may run without end")


@rule("TM-JOB-LOGGED", "A state machine logs and traces its runs", "Nobody could tell why a training failed")
def logged(template: Template) -> Iterator[Fault]:
    """Look at logging and tracing; what a run was given is not logged."""
    for machine in template.resources(MACHINE):
        if machine.get("LoggingConfiguration", "Level") not in {"ALL", "ERROR"}:
            yield Fault(machine.logical_id, "Properties/LoggingConfiguration", "the state machine logs nothing")
        if machine.get("TracingConfiguration", "Enabled") is not True:
            yield Fault(machine.logical_id, "Properties/TracingConfiguration", "the state machine is not traced")


RULES: Final[tuple[Rule, ...]] = (
    readable,
    isolated,
    traffic_encrypted,
    volume_key,
    output_key,
    in_vpc,
    own_image,
    bounded,
    logged,
)
