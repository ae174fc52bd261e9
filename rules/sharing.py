"""Whom resources' own policies let in; and the rules on topics and captured documents that rest on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.model import Fault, Resource, Rule, Template, items, mapping, objects, reference, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

CAPTURE: Final = "Capture"
"""What the logical id of the construct starts with that declares the store of captured documents."""


def open_statements(policy: Resource) -> Iterator[tuple[str, str]]:
    """Return the path of every statement that allows everybody or an account, and whom; a service needs a source."""
    for number, statement in enumerate(objects(policy.get("PolicyDocument", "Statement"))):
        if statement.get("Effect") != "Allow":
            continue
        path = f"Properties/PolicyDocument/Statement/{number}"
        principal = statement.get("Principal")
        for account in [principal] if isinstance(principal, str) else items(mapping(principal).get("AWS")):
            yield f"{path}/Principal", "everybody" if account == "*" else str(account)
        for service in items(mapping(principal).get("Service")):
            if "aws:Source" not in str(statement.get("Condition")):
                yield f"{path}/Condition", f"{service} on behalf of any account"


@rule("TM-TOPIC-NOT-SHARED", "No topic is open to everybody, or to other accounts", "Strangers could forge alarms")
def topic_not_shared(template: Template) -> Iterator[Fault]:
    """Look at whom topic policies allow."""
    for policy in template.resources("AWS::SNS::TopicPolicy"):
        for path, who in open_statements(policy):
            yield Fault(policy.logical_id, path, f"the topic is open to {who}")


@rule(
    "TM-CAPTURE-READERS",
    "Captured documents are read by those on a list only",
    "Whoever may read buckets in the account could read what clients asked",
)
def capture_readers(template: Template) -> Iterator[Fault]:
    """Look for the denial of reading, without an exception that is open."""
    for bucket in template.resources("AWS::S3::Bucket"):
        if bucket.logical_id.startswith(CAPTURE) and not any(
            _denies_reading(policy)
            for policy in template.resources("AWS::S3::BucketPolicy")
            if reference(policy.get("Bucket")) == bucket.logical_id
        ):
            yield Fault(bucket.logical_id, "Properties", "captured documents may be read by whoever may read buckets")


def _denies_reading(policy: Resource) -> bool:
    return any(
        statement.get("Effect") == "Deny"
        and "s3:GetObject" in items(statement.get("Action"))
        and "aws:SecureTransport" not in str(statement.get("Condition"))
        for statement in objects(policy.get("PolicyDocument", "Statement"))
    )


RULES: Final[tuple[Rule, ...]] = (topic_not_shared, capture_readers)
