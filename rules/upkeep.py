"""Rules on what keeps a stage in service: more than one instance, environments under keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.functions import FUNCTION
from rules.hosting import CONFIG
from rules.model import Fault, Rule, Template, objects, rule

if TYPE_CHECKING:
    from collections.abc import Iterator


@rule(
    "TM-FUNCTION-KEY",
    "A hardened stage's functions have their environment under a customer-managed key",
    "Names of buckets and parameters would lie under AWS's key",
)
def environment_key(template: Template) -> Iterator[Fault]:
    """Look at the key, where the stage is hardened."""
    for function in template.resources(FUNCTION) if template.hardened else ():
        if not function.get("KmsKeyArn"):
            yield Fault(function.logical_id, "Properties/KmsKeyArn", "the environment is under no key of ours")


@rule(
    "TM-ENDPOINT-INSTANCES",
    "A hardened stage's endpoint has two instances at least",
    "With one instance, the loss of its zone is the loss of the service",
)
def instances(template: Template) -> Iterator[Fault]:
    """Look at the variants, where the stage is hardened."""
    for config in template.resources(CONFIG) if template.hardened else ():
        for number, variant in enumerate(objects(config.get("ProductionVariants"))):
            count = variant.get("InitialInstanceCount")
            if "ServerlessConfig" not in variant and (not isinstance(count, int) or count <= 1):
                path = f"Properties/ProductionVariants/{number}/InitialInstanceCount"
                yield Fault(config.logical_id, path, "the endpoint has one instance")


RULES: Final[tuple[Rule, ...]] = (environment_key, instances)
