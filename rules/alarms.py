"""The rule on the topic that alarms tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.model import Fault, Rule, Template, items, mapping, objects, reference, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

TOPIC: Final = "AWS::SNS::Topic"


@rule("TM-TOPIC-TLS", "A topic refuses what does not come by TLS", "Alarms would cross the network readable")
def topic_tls(template: Template) -> Iterator[Fault]:
    """Look for the denial in the topic's policy."""
    safe = set()
    for policy in template.resources("AWS::SNS::TopicPolicy"):
        for statement in objects(policy.get("PolicyDocument", "Statement")):
            unencrypted = mapping(mapping(statement.get("Condition")).get("Bool")).get("aws:SecureTransport")
            if statement.get("Effect") == "Deny" and unencrypted == "false":
                safe |= {reference(topic) for topic in items(policy.get("Topics"))}
    for topic in template.resources(TOPIC):
        if topic.logical_id not in safe:
            yield Fault(topic.logical_id, "Properties", "no policy denies requests without TLS")


RULES: Final[tuple[Rule, ...]] = (topic_tls,)
