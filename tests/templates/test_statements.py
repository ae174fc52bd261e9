from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rules.identity import statements
from rules.model import JsonValue, items, mapping
from tests.templates.conftest import Templates
from tests.templates.policies import inlined

LIST = Path(__file__).parent / "snapshots" / "statements-of-prod.txt"


def flat(value: JsonValue) -> str:
    """An ARN as one reads it: references by the name of what they refer to."""
    if isinstance(value, str):
        return re.sub(r"[0-9a-f]{64}", "<hash>", value)
    known = mapping(value)
    if "Fn::Join" in known:
        separator, parts = items(known["Fn::Join"])
        return str(separator).join(flat(part) for part in items(parts))
    if "Fn::GetAtt" in known:
        return "<" + ".".join(str(part) for part in items(known["Fn::GetAtt"])) + ">"
    if "Fn::Sub" in known:
        return str(known["Fn::Sub"])
    return f"<{known['Ref']}>" if "Ref" in known else json.dumps(value, sort_keys=True)


def listed(templates: Templates) -> str:
    """Every statement of every role: who, what, on what, under which condition."""
    lines = []
    for template in inlined(templates):
        part = template.stack
        for statement in statements(template):
            condition = json.dumps(statement.condition, sort_keys=True) if statement.condition else ""
            lines.append(f"{part} {statement.logical_id}")
            lines += [f"    {action}" for action in sorted(statement.actions)]
            lines += [f"      on {flat(resource)}" for resource in items(statement.body.get("Resource"))]
            lines += [f"      when {condition}"] if condition else []
    return "\n".join(lines) + "\n"


def test_what_every_role_of_prod_may_do_is_what_was_reviewed(prod: Templates, request: pytest.FixtureRequest) -> None:
    """Read the difference; if it is meant, run pytest with --update-snapshots and commit it."""
    text = listed(prod)
    if request.config.getoption("--update-snapshots"):
        LIST.write_text(text, encoding="utf-8")

    assert text == LIST.read_text(encoding="utf-8")
