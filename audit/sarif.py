"""Findings and acknowledged findings as SARIF 2.1.0, a run a pack."""

from __future__ import annotations

import json
from typing import Final

from audit.assembly import SUFFIX, Assembly, construct_path
from audit.controls import Judge
from audit.tables import Place
from rules.engine import ALL_RULES
from rules.model import JsonValue

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
OWN: Final = "TopicModelRules"


def sarif(assembly: Assembly, judge: Judge) -> str:
    """Return the log: the own rules' run, then one of each pack."""
    own: list[JsonValue] = [
        _result(finding.rule_id, finding.message, assembly.place(finding.stack, finding.logical_id, finding.path), None)
        for finding in judge.findings
    ]
    rules: list[JsonValue] = [
        {"id": rule.id, "shortDescription": {"text": rule.title}, "fullDescription": {"text": rule.why}}
        for rule in ALL_RULES
    ]
    runs = [_run(OWN, rules, own), *_packs(assembly)]
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": runs}, indent=1, ensure_ascii=False) + "\n"


def _packs(assembly: Assembly) -> list[JsonValue]:
    where = {
        construct_path(resource): assembly.place(stack, resource.logical_id) for stack, resource in assembly.resources()
    }
    start = assembly.place(assembly.templates[0].stack, "")
    runs: list[JsonValue] = []
    for pack, said in (assembly.packs or {}).items():
        known = sorted({(judged.rule.partition("[")[0], judged.message) for judged in said})
        rules: list[JsonValue] = [{"id": rule, "shortDescription": {"text": message}} for rule, message in known]
        results: list[JsonValue] = [
            _result(
                judged.rule.partition("[")[0],
                f"{judged.rule}: {judged.message}",
                where.get(judged.construct, start),
                judged.reason,
            )
            for judged in said
        ]
        runs.append(_run(pack, rules, results))
    return runs


def _run(name: str, rules: list[JsonValue], results: list[JsonValue]) -> JsonValue:
    return {"tool": {"driver": {"name": name, "rules": rules}}, "columnKind": "unicodeCodePoints", "results": results}


def _result(rule: str, message: str, place: Place, reason: str | None) -> JsonValue:
    result: dict[str, JsonValue] = {
        "ruleId": rule,
        "level": "error",
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
    if reason is not None:
        result["suppressions"] = [{"kind": "inSource", "justification": reason}]
    return result
