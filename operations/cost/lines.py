"""From templates and prices to lines: what runs day and night, what is paid by use, and what no price is known of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from operations.cost.prices import Price, Prices
from rules.jobs import KINDS, jobs
from rules.model import JsonValue, Resource, Template, items, mapping, objects

HOURS: Final = 730
"""Of a month, as AWS's own calculator counts."""
MB_A_GB: Final = 1024
LEAST_MEMORY_MB: Final = 128
"""Of a function that names none."""

_ONCE: Final[Mapping[str, str]] = {
    "AWS::CloudWatch::Alarm": "alarm",
    "AWS::CloudWatch::Dashboard": "dashboard",
    "AWS::KMS::Key": "key",
}
"""What is paid for being there."""
_FREE: Final[Mapping[str, str]] = {
    "AWS::IAM::ManagedPolicy": "role or policy",
    "AWS::IAM::Role": "role or policy",
    "AWS::SSM::Parameter": "parameter",
}
"""What has a price of nothing, with a page that says so."""
_BY_USE: Final[Mapping[str, str]] = {
    "AWS::Logs::LogGroup": "log ingestion",
    "AWS::S3::Bucket": "storage",
    "AWS::SQS::Queue": "queue requests",
    "AWS::SNS::Topic": "e-mails",
}
_PART_OF_ANOTHER: Final = frozenset(
    {
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::Lambda::Alias",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Url",
        "AWS::Lambda::Version",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::Subscription",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
        "AWS::SageMaker::Endpoint",
        "AWS::SageMaker::Model",
    }
)
"""Types whose cost is another's line: of a function, bucket, topic, queue, target of scaling or endpoint config."""


class Meter(NamedTuple):
    """One thing that a resource is paid by."""

    price: str
    """Its name among the prices."""
    units: float | None
    """How many a month; None: by use."""
    says: str
    times: float = 1
    """By use: what one unit of the resource is, in units of the price."""


@dataclass(frozen=True)
class Line:
    """One line of the bill."""

    stack: str
    resource: str
    """The logical id."""
    path: str
    """The construct's path, '' where the template does not tell it."""
    says: str
    price: Price
    usd: float
    """A month, or by use the price of one unit."""


@dataclass(frozen=True)
class Bill:
    """What a stage costs."""

    fixed: tuple[Line, ...]
    by_use: tuple[Line, ...]
    unpriced: tuple[tuple[str, str], ...]
    """The resource, as stack/logical id, and what of it no price is known of: its type, or one of its meters."""
    part_of_another: int
    """Resources that are in another resource's line."""

    @property
    def total(self) -> float:
        """USD a month of what is there, used or not."""
        return sum(line.usd for line in self.fixed)


def bill(templates: Iterable[Template], prices: Prices) -> Bill:
    """Return what the resources of a stage's templates cost."""
    fixed: list[Line] = []
    by_use: list[Line] = []
    unpriced: list[tuple[str, str]] = []
    parts = 0
    for template in templates:
        for resource in template.resources():
            if resource.type in _PART_OF_ANOTHER:
                parts += 1
                continue
            meters = list(_meters(template, resource))
            if not meters:
                unpriced.append((f"{template.stack}/{resource.logical_id}", resource.type))
            for meter in meters:
                price = prices.prices.get(meter.price)
                if price is None:
                    unpriced.append((f"{template.stack}/{resource.logical_id}", f"{resource.type}: {meter.price}"))
                    continue
                path = str(resource.metadata("aws:cdk:path") or "")
                usd = price.usd * (meter.times if meter.units is None else meter.units)
                line = Line(template.stack, resource.logical_id, path, meter.says, price, usd)
                (by_use if meter.units is None else fixed).append(line)
    return Bill(tuple(fixed), tuple(by_use), tuple(unpriced), parts)


def _meters(template: Template, resource: Resource) -> Iterator[Meter]:
    kind = resource.type
    once = "custom resource" if kind.startswith("Custom::") else _ONCE.get(kind) or _FREE.get(kind)
    if once is not None:
        yield Meter(once, 1, f"1 {once}")
        if resource.get("EnableKeyRotation") is True:
            yield Meter("key", None, "each rotation, once a year")
    elif kind in _BY_USE:
        yield Meter(_BY_USE[kind], None, _BY_USE[kind])
    elif kind in _OWN:
        yield from _OWN[kind](template, resource)


def _endpoint(template: Template, endpoint: Resource) -> Iterator[Meter]:
    del template
    if endpoint.get("VpcEndpointType") == "Gateway":
        yield Meter("gateway endpoint", 1, "1 gateway endpoint")
        return
    zones = len(items(endpoint.get("SubnetIds")))
    yield Meter("interface endpoint", zones * HOURS, f"{zones} zones x {HOURS} h")
    yield Meter("interface endpoint data", None, "data through it")


def _function(template: Template, function: Resource) -> Iterator[Meter]:
    del template
    memory = _count(function.get("MemorySize")) or LEAST_MEMORY_MB
    yield Meter("function requests", None, "requests")
    yield Meter("function time", None, f"time, at {memory} MB", memory / MB_A_GB)
    if mapping(function.get("SnapStart")).get("ApplyOn") == "PublishedVersions":
        yield Meter("snapshots", None, "snapshots kept and restored")


def _hosts(template: Template, config: Resource) -> Iterator[Meter]:
    del template
    for variant in objects(config.get("ProductionVariants")):
        serverless = mapping(variant.get("ServerlessConfig"))
        if serverless:
            memory = serverless.get("MemorySizeInMB")
            yield Meter(f"serverless inference of {memory} MB", None, f"time, at {memory} MB")
            continue
        kind, count = str(variant.get("InstanceType")), _count(variant.get("InitialInstanceCount"))
        name = f"{kind}, of a number that is not in the template" if count is None else kind
        yield Meter(name, (count or 0) * HOURS, f"{count} x {kind} x {HOURS} h")


def _more_hosts(template: Template, target: Resource) -> Iterator[Meter]:
    """The instances that load may add, by the one endpoint config of the stack."""
    most = target.get("MaxCapacity")
    for config in template.resources("AWS::SageMaker::EndpointConfig"):
        for variant in objects(config.get("ProductionVariants")):
            kind = str(variant.get("InstanceType"))
            yield Meter(kind, None, f"each {kind} that load adds, up to {most} in all")


def _machine(template: Template, machine: Resource) -> Iterator[Meter]:
    yield Meter("state transitions", None, "state transitions")
    for job in jobs(template, *KINDS):
        if job.machine.logical_id == machine.logical_id:
            kind, count = str(job.get(*job.kind.machines, "InstanceType")), _count(job.instances)
            name = f"{kind}, of a number that is not in the template" if count is None else kind
            yield Meter(name, None, f"{count} x {kind} for the job {job.state}", count or 0)


def _count(value: JsonValue) -> int | None:
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else None


_OWN: Final[Mapping[str, Callable[[Template, Resource], Iterator[Meter]]]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": _more_hosts,
    "AWS::EC2::VPCEndpoint": _endpoint,
    "AWS::Lambda::Function": _function,
    "AWS::SageMaker::EndpointConfig": _hosts,
    "AWS::StepFunctions::StateMachine": _machine,
}
