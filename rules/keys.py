"""Rules on KMS keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.model import Fault, Rule, Template, items, mapping, objects, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY: Final = "AWS::KMS::Key"


@rule(
    "TM-KEY-NOT-PUBLIC",
    "A key's policy allows nobody by a wildcard",
    "Anyone who gets at the ciphertext could decrypt it",
)
def not_public(template: Template) -> Iterator[Fault]:
    """Look for a principal of any account."""
    for key in template.resources(KEY):
        for number, statement in enumerate(objects(key.get("KeyPolicy", "Statement"))):
            principal = statement.get("Principal")
            everybody = principal == "*" or "*" in items(mapping(principal).get("AWS"))
            if statement.get("Effect") == "Allow" and everybody and not statement.get("Condition"):
                yield Fault(key.logical_id, f"Properties/KeyPolicy/Statement/{number}", "the key is open to everybody")


@rule(
    "TM-KEY-LOGS-OF-THIS-ACCOUNT",
    "CloudWatch Logs may use a key for log groups of this account only",
    "The service could be made to decrypt with the key on behalf of another account's log group",
)
def logs_of_this_account(template: Template) -> Iterator[Fault]:
    """Look for the encryption context in what the logs service is allowed."""
    for key in template.resources(KEY):
        for number, statement in enumerate(objects(key.get("KeyPolicy", "Statement"))):
            service = str(mapping(statement.get("Principal")).get("Service", ""))
            if "logs." in service and "delivery.logs" not in service:
                condition = str(statement.get("Condition"))
                if "kms:EncryptionContext:aws:logs:arn" not in condition:
                    yield Fault(
                        key.logical_id,
                        f"Properties/KeyPolicy/Statement/{number}",
                        "CloudWatch Logs may use the key for whatever log group",
                    )


@rule(
    "TM-KEY-KEPT",
    "A hardened stage's keys outlive their stack",
    "Deleting a stack would make every object, log and backup under the key unreadable",
)
def kept(template: Template) -> Iterator[Fault]:
    """Look at the deletion policy, where the stage is hardened."""
    for key in template.resources(KEY) if template.hardened else ():
        if key.body.get("DeletionPolicy") != "Retain":
            yield Fault(key.logical_id, "DeletionPolicy", "the key is deleted with its stack")


RULES: Final[tuple[Rule, ...]] = (not_public, logs_of_this_account, kept)
