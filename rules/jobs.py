"""Rules on what state machines start: training, transform and processing jobs, which the packs never see."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from rules import images
from rules.model import Fault, JsonValue, Resource, Rule, Template, mapping, own_disks, rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MACHINE: Final = "AWS::StepFunctions::StateMachine"
TRAINING: Final = "createTrainingJob"
TRANSFORM: Final = "createTransformJob"
PROCESSING: Final = "createProcessingJob"
LONGEST_RUN_S: Final = 432_000


class Kind(NamedTuple):
    """Where a kind of job's request has what the rules look at."""

    noun: str
    machines: tuple[str, ...]
    output: tuple[str, ...]
    image: tuple[str, ...]
    network: tuple[str, ...]
    written: str


KINDS: Final[Mapping[str, Kind]] = {
    TRAINING: Kind(
        "training", ("ResourceConfig",), ("OutputDataConfig",), ("AlgorithmSpecification", "TrainingImage"), (),
        "model artifact",
    ),
    TRANSFORM: Kind("transform", ("TransformResources",), ("TransformOutput",), (), (), "transform output"),
    PROCESSING: Kind(
        "processing", ("ProcessingResources", "ClusterConfig"), ("ProcessingOutputConfig",),
        ("AppSpecification", "ImageUri"), ("NetworkConfig",), "processing output",
    ),
}  # fmt: skip


class Job(NamedTuple):
    """One state that starts a job."""

    call: str
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

    @property
    def kind(self) -> Kind:
        """Where its request has what."""
        return KINDS[self.call]

    @property
    def instances(self) -> JsonValue:
        """On how many instances it runs."""
        return self.get(*self.kind.machines, "InstanceCount")

    @property
    def in_vpc(self) -> bool:
        """Whether it names a VPC of its own; a transform job runs in its model's."""
        return bool(self.get(*self.kind.network, "VpcConfig"))

    @property
    def traffic_encrypted(self) -> bool:
        """Whether its instances talk to each other encrypted."""
        return self.get(*self.kind.network, "EnableInterContainerTrafficEncryption") is True

    @property
    def volume_key(self) -> JsonValue:
        """The key of its volumes, as the template has it."""
        return self.resolved(*self.kind.machines, "VolumeKmsKeyId")

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
                yield Job(call, machine, name, mapping(state.get("Parameters") or state.get("Arguments")))


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
    """Look at network isolation; a transform job has its model's."""
    for job in jobs(template, TRAINING, PROCESSING):
        if job.get(*job.kind.network, "EnableNetworkIsolation") is not True:
            path = "/".join((*job.kind.network, "EnableNetworkIsolation"))
            yield job.fault(path, f"the {job.kind.noun} container has a network")


@rule(
    "TM-JOB-TRAFFIC-ENCRYPTED",
    "Instances of one job talk to each other encrypted",
    "Gradients and counts would cross the network readable",
)
def traffic_encrypted(template: Template) -> Iterator[Fault]:
    """Look at jobs of more than one instance; those of a transform do not talk."""
    for job in jobs(template, TRAINING, PROCESSING):
        if job.instances != 1 and not job.traffic_encrypted:
            path = "/".join((*job.kind.network, "EnableInterContainerTrafficEncryption"))
            yield job.fault(path, "traffic between instances is not encrypted")


@rule("TM-JOB-VOLUME-KEY", "A job's volumes are under a customer-managed key", "Documents would lie under AWS's key")
def volume_key(template: Template) -> Iterator[Fault]:
    """Look at the volumes' key; hosts with disks of their own encrypt them in hardware, and refuse one."""
    for job in jobs(template, *KINDS):
        path = "/".join((*job.kind.machines, "VolumeKmsKeyId"))
        if own_disks(job.get(*job.kind.machines, "InstanceType")):
            if job.volume_key:
                yield job.fault(path, f"the {job.kind.noun} instances have disks of their own, and refuse a key")
        elif not job.volume_key:
            yield job.fault(path, f"the {job.kind.noun} volumes are under no key of ours")


@rule("TM-JOB-OUTPUT-KEY", "What a job writes is under a customer-managed key", "Models would lie under AWS's key")
def output_key(template: Template) -> Iterator[Fault]:
    """Look at the output's key."""
    for job in jobs(template, *KINDS):
        if not job.resolved(*job.kind.output, "KmsKeyId"):
            yield job.fault("/".join((*job.kind.output, "KmsKeyId")), f"the {job.kind.written} is under no key of ours")


@rule("TM-JOB-VPC", "A hardened stage's jobs run in a VPC", "Their traffic to S3 would leave by public addresses")
def in_vpc(template: Template) -> Iterator[Fault]:
    """Look for the VPC's subnets and security groups, where the stage is hardened."""
    if not template.hardened:
        return
    for job in jobs(template, TRAINING, PROCESSING):
        for part in ("Subnets", "SecurityGroupIds"):
            if not job.get(*job.kind.network, "VpcConfig", part):
                path = "/".join((*job.kind.network, "VpcConfig", part))
                yield job.fault(path, f"the {job.kind.noun} job has no {part} of a VPC")


@rule(
    "TM-JOB-IMAGE",
    "A job runs AWS's own image of its region: the NTM, or the container of the open one or of Spark",
    "Somebody else's image would be given the documents and the role",
)
def own_image(template: Template) -> Iterator[Fault]:
    """Compare the image's account with the table of registry accounts."""
    for job in jobs(template, TRAINING, PROCESSING):
        message = images.fault_of(job.resolved(*job.kind.image), template)
        if message is not None:
            yield job.fault("/".join(job.kind.image), message)


@rule("TM-JOB-BOUNDED", "A job has a bound on its run time", "A job that never ends is paid for without end")
def bounded(template: Template) -> Iterator[Fault]:
    """Look at the stopping condition; a transform job has none, and its pipeline's timeout instead."""
    for job in jobs(template, TRAINING, PROCESSING):
        limit = job.get("StoppingCondition", "MaxRuntimeInSeconds")
        if not isinstance(limit, int) or not 0 < limit <= LONGEST_RUN_S:
            yield job.fault("StoppingCondition", f"the {job.kind.noun} job may run without end")


RULES: Final[tuple[Rule, ...]] = (
    readable,
    isolated,
    traffic_encrypted,
    volume_key,
    output_key,
    in_vpc,
    own_image,
    bounded,
)
