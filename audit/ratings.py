"""How severe a rule's findings are, and what mends them: by this project's own judgment."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

SOURCE: Final = Path(__file__).parent / "rules.csv"
HIGH, MEDIUM, LOW, UNRATED = "high", "medium", "low", "not rated"
SEVERITIES: Final = (HIGH, MEDIUM, LOW, UNRATED)
_OWN: Final = "TM-"


class Rating(NamedTuple):
    """A rule's severity, and what mends its findings."""

    severity: str
    remediation: str


@cache
def ratings() -> Mapping[str, Rating]:
    """Return the ratings of the source table: of own rules by their id, of packs' by their name without the pack."""
    with SOURCE.open(encoding="utf-8", newline="") as stream:
        return {row["rule"]: Rating(row["severity"], row["remediation"]) for row in csv.DictReader(stream)}


def is_own(rule: str) -> bool:
    """Tell whether a rule is of this project."""
    return rule.startswith(_OWN)


def pack_of(rule: str) -> str:
    """Return the pack that a rule is of: what is before the last dash."""
    return rule.rpartition("-")[0]


def bare(rule: str) -> str:
    """Return a pack's rule without what it is about: IAM5[Action::*] is IAM5."""
    return rule.partition("[")[0]


def rating(rule: str) -> Rating:
    """Return a rule's rating; a rule that the table does not know is told as not rated."""
    name = rule if is_own(rule) else bare(rule).rpartition("-")[2]
    return ratings().get(name, Rating(UNRATED, "Not in audit/rules.csv: read the rule's message"))
