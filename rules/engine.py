"""All the rules, and how they are put to a template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules import (
    alarms,
    buckets,
    functions,
    hosting,
    identity,
    jobs,
    keys,
    log_groups,
    network,
    parameters,
    queues,
    sharing,
    stages,
    upkeep,
)
from rules.model import Finding, JsonValue, Rule, Template

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ALL_RULES", "Finding", "JsonValue", "Rule", "Template", "check_all"]

ALL_RULES: Final[tuple[Rule, ...]] = (
    *stages.RULES,
    *keys.RULES,
    *buckets.RULES,
    *log_groups.RULES,
    *identity.RULES,
    *jobs.RULES,
    *hosting.RULES,
    *functions.RULES,
    *network.RULES,
    *parameters.RULES,
    *alarms.RULES,
    *queues.RULES,
    *sharing.RULES,
    *upkeep.RULES,
)


def check_all(templates: Iterable[Template], rules: Iterable[Rule] = ALL_RULES) -> list[Finding]:
    """Return what `rules` find in `templates`, template by template."""
    chosen = tuple(rules)
    return [finding for template in templates for rule in chosen for finding in rule.check(template)]
