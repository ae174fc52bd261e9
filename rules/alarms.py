"""Rules on alarms and the topic that they tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.model import Fault, Rule, Template, items, mapping, objects, reference, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

TOPIC: Final = "AWS::SNS::Topic"


@rule("TM-TOPIC-KEY", "A topic is under a customer-managed key", "What it tells would lie under no key, or AWS's")
def topic_key(template: Template) -> Iterator[Fault]:
    """Look at the topic's key."""
    for topic in template.resources(TOPIC):
        key = topic.get("KmsMasterKeyId")
        if not key or "alias/aws/sns" in str(key):
            yield Fault(topic.logical_id, "Properties/KmsMasterKeyId", "the topic is under no key of ours")


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


@rule("TM-ALARM-TELLS", "An alarm tells somebody", "It would fire and nobody would know")
def alarm_tells(template: Template) -> Iterator[Fault]:
    """Look at the alarm's actions."""
    for alarm in template.resources("AWS::CloudWatch::Alarm"):
        if not items(alarm.get("AlarmActions")) or alarm.get("ActionsEnabled") is False:
            yield Fault(alarm.logical_id, "Properties/AlarmActions", "the alarm tells nobody")


RULES: Final[tuple[Rule, ...]] = (topic_key, topic_tls, alarm_tells)
