"""Rules on queues, and on what sends them events that were lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.model import Fault, Rule, Template, items, mapping, objects, reference, rule
from rules.sharing import open_statements

if TYPE_CHECKING:
    from collections.abc import Iterator

QUEUE: Final = "AWS::SQS::Queue"
POLICY: Final = "AWS::SQS::QueuePolicy"


@rule("TM-QUEUE-KEY", "A queue is under a customer-managed key", "Lost events would lie under no key of ours")
def queue_key(template: Template) -> Iterator[Fault]:
    """Look at the queue's key."""
    for queue in template.resources(QUEUE):
        key = queue.get("KmsMasterKeyId")
        if not key or "alias/aws/sqs" in str(key):
            yield Fault(queue.logical_id, "Properties/KmsMasterKeyId", "the queue is under no key of ours")


@rule("TM-QUEUE-TLS", "A queue refuses what does not come by TLS", "Events would cross the network readable")
def queue_tls(template: Template) -> Iterator[Fault]:
    """Look for the denial in the queue's policy."""
    safe = set()
    for policy in template.resources(POLICY):
        for statement in objects(policy.get("PolicyDocument", "Statement")):
            unencrypted = mapping(mapping(statement.get("Condition")).get("Bool")).get("aws:SecureTransport")
            if statement.get("Effect") == "Deny" and unencrypted == "false":
                safe |= {reference(queue) for queue in items(policy.get("Queues"))}
    for queue in template.resources(QUEUE):
        if queue.logical_id not in safe:
            yield Fault(queue.logical_id, "Properties", "no policy denies requests without TLS")


@rule("TM-QUEUE-NOT-SHARED", "No queue is open to everybody, or to other accounts", "Strangers could read lost events")
def queue_not_shared(template: Template) -> Iterator[Fault]:
    """Look at whom queue policies allow."""
    for policy in template.resources(POLICY):
        for path, who in open_statements(policy):
            yield Fault(policy.logical_id, path, f"the queue is open to {who}")


@rule("TM-EVENT-LOST", "An event that cannot be delivered is kept", "A failed retraining could go unnoticed")
def event_lost(template: Template) -> Iterator[Fault]:
    """Look for the dead-letter queue of every target."""
    for found in template.resources("AWS::Events::Rule"):
        for number, target in enumerate(objects(found.get("Targets"))):
            if not mapping(target.get("DeadLetterConfig")).get("Arn"):
                path = f"Properties/Targets/{number}/DeadLetterConfig"
                yield Fault(found.logical_id, path, "an event that the target does not take is lost")


RULES: Final[tuple[Rule, ...]] = (queue_key, queue_tls, queue_not_shared, event_lost)
