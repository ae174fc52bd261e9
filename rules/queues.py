"""Rules on queues, and on what sends them events that were lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.model import Fault, Rule, Template, rule
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


@rule("TM-QUEUE-NOT-SHARED", "No queue is open to everybody, or to other accounts", "Strangers could read lost events")
def queue_not_shared(template: Template) -> Iterator[Fault]:
    """Look at whom queue policies allow."""
    for policy in template.resources(POLICY):
        for path, who in open_statements(policy):
            yield Fault(policy.logical_id, path, f"the queue is open to {who}")


RULES: Final[tuple[Rule, ...]] = (
    queue_key,
    queue_not_shared,
)
