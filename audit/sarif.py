"""Findings and acknowledged findings as SARIF 2.1.0, a run a pack."""

from __future__ import annotations

import json
from typing import Final

from audit.assembly import OWN, SUFFIX, Assembly
from audit.findings import Found
from audit.ratings import HIGH, LOW, MEDIUM, bare, rating
from rules.engine import ALL_RULES
from rules.model import JsonValue

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {HIGH: "error", MEDIUM: "warning", LOW: "note"}
_SCORES: Final = {HIGH: "8.0", MEDIUM: "5.0", LOW: "2.0"}
"""What readers of SARIF sort by: the middle of each band of CVSS."""


def sarif(assembly: Assembly, found: tuple[Found, ...]) -> str:
    """Return the log: the own rules' run, then one of each pack."""
    about = {rule.id: (rule.title, rule.why) for rule in ALL_RULES}
    runs: list[JsonValue] = [_run(OWN, about, found)]
    for pack in assembly.packs or {}:
        # A rule's message is that of its findings; where these differ, of the last by name.
        messages = sorted({(bare(each.rule), each.message) for each in found if each.pack == pack})
        runs.append(_run(pack, {rule: (message, "") for rule, message in messages}, found))
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": runs}, indent=1, ensure_ascii=False) + "\n"


def _run(pack: str, about: dict[str, tuple[str, str]], found: tuple[Found, ...]) -> JsonValue:
    rules: list[JsonValue] = [_rule(rule, title, why) for rule, (title, why) in about.items()]
    results: list[JsonValue] = [_result(each) for each in found if each.pack == pack]
    return {"tool": {"driver": {"name": pack, "rules": rules}}, "columnKind": "unicodeCodePoints", "results": results}


def _rule(rule: str, title: str, why: str) -> JsonValue:
    rated = rating(rule)
    body: dict[str, JsonValue] = {
        "id": rule,
        "shortDescription": {"text": title},
        "help": {"text": rated.remediation},
        "properties": {"tags": ["security", rated.severity]},
    }
    if why:
        body["fullDescription"] = {"text": why}
    if rated.severity in _SCORES:
        body["properties"] = {"tags": ["security", rated.severity], "security-severity": _SCORES[rated.severity]}
    return body


def _result(found: Found) -> JsonValue:
    message = found.message if found.pack == OWN else f"{found.rule}: {found.message}"
    place = found.place
    result: dict[str, JsonValue] = {
        "ruleId": bare(found.rule),
        "level": _LEVELS.get(rating(found.rule).severity, "warning"),
        "message": {"text": message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": f"{place.stack}{SUFFIX}"},
                    "region": {"startLine": place.line},
                },
                "logicalLocations": [{"name": place.logical_id, "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"resource/v1": f"{place.stack}/{place.logical_id}/{message}"},
    }
    if found.reason is not None:
        result["suppressions"] = [{"kind": "inSource", "justification": found.reason}]
    return result
