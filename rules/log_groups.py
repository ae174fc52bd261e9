"""Rules on log groups."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from rules.model import Fault, Rule, Template, mapping, objects, reference, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP: Final = "AWS::Logs::LogGroup"
SHARED: Final = tuple(f"/aws/sagemaker/{kind}" for kind in ("TrainingJobs", "TransformJobs", "ProcessingJobs"))
MACHINE_LOGS: Final = "/aws/vendedlogs/states/"
"""Groups so named take nothing of the account's Logs resource policy, which has 5,120 characters."""
HARDENED_DAYS: Final = 365
"""What PCI DSS 10.5.1 asks for."""


@rule("TM-LOGS-RETENTION", "A log group says how long it keeps logs", "Logs would be kept, and paid for, for ever")
def retention(template: Template) -> Iterator[Fault]:
    """Look at the retention; a hardened stage keeps a year at least."""
    for group in template.resources(GROUP):
        days = group.get("RetentionInDays")
        if not isinstance(days, int):
            yield Fault(group.logical_id, "Properties/RetentionInDays", "the log group has no retention")
        elif template.hardened and days < HARDENED_DAYS:
            message = f"logs are kept {days} days, under the {HARDENED_DAYS} of a hardened stage"
            yield Fault(group.logical_id, "Properties/RetentionInDays", message)


@rule(
    "TM-LOGS-NOT-SHARED",
    "No stack owns a log group that is one per account and region",
    "A second stage could not be deployed, and destroying the first would delete everybody's logs",
)
def not_shared(template: Template) -> Iterator[Fault]:
    """Look for the groups of SageMaker's jobs."""
    for group in template.resources(GROUP):
        if group.get("LogGroupName") in SHARED:
            yield Fault(group.logical_id, "Properties/LogGroupName", "this log group is everybody's in the account")


@rule(
    "TM-LOGS-ENDPOINT",
    "An endpoint's log group is declared beside it",
    "SageMaker would make it without key or retention, and leave it behind",
)
def endpoint(template: Template) -> Iterator[Fault]:
    """Look for a group by each endpoint's name."""
    names = [group.get("LogGroupName") for group in template.resources(GROUP)]
    for resource in template.resources("AWS::SageMaker::Endpoint"):
        if f"/aws/sagemaker/Endpoints/{resource.get('EndpointName')}" not in names:
            yield Fault(resource.logical_id, "Properties/EndpointName", "the endpoint's log group is not declared")


@rule(
    "TM-LOGS-MACHINE",
    "A state machine logs to a group under /aws/vendedlogs/states/ with a part of the stack's id in its name",
    "It would use up the account's Logs resource policy, or a stack made again would find the name taken",
)
def of_machine(template: Template) -> Iterator[Fault]:
    """Look at the name of each group that a state machine logs to."""
    for machine in template.resources("AWS::StepFunctions::StateMachine"):
        for destination in objects(machine.get("LoggingConfiguration", "Destinations")):
            arn = mapping(destination.get("CloudWatchLogsLogGroup")).get("LogGroupArn")
            group = template.resource(reference(arn) or "")
            name = json.dumps(group.get("LogGroupName")) if group else ""
            if not (MACHINE_LOGS in name and "AWS::StackId" in name):
                where = "Properties/LoggingConfiguration"
                yield Fault(machine.logical_id, where, "the state machine's log group has no vended name of its stack")


RULES: Final[tuple[Rule, ...]] = (retention, not_shared, endpoint, of_machine)
