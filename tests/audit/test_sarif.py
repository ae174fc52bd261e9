from __future__ import annotations

import json
from typing import Any

import pytest

from audit.assembly import OWN, Assembly, assemble
from audit.controls import Judge
from audit.findings import findings
from audit.sarif import sarif


@pytest.fixture(scope="module")
def log(prod: Assembly) -> dict[str, Any]:
    """The log of prod."""
    return dict(json.loads(sarif(prod, findings(prod, Judge(prod)))))


def test_the_log_has_the_shape_of_sarif_2_1_0(log: dict[str, Any], prod: Assembly) -> None:
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    for run in log["runs"]:
        assert set(run) == {"tool", "columnKind", "results"}
        driver = run["tool"]["driver"]
        ids = [rule["id"] for rule in driver["rules"]]
        assert driver["name"]
        assert len(ids) == len(set(ids))
        for result in run["results"]:
            assert result["ruleId"] in ids
            assert result["level"] in {"none", "note", "warning", "error"}
            assert result["message"]["text"]
            [location] = result["locations"]
            physical = location["physicalLocation"]
            stack = physical["artifactLocation"]["uri"].removesuffix(".template.json")
            assert 1 <= physical["region"]["startLine"] <= len(prod.texts[stack].splitlines())
            for suppression in result.get("suppressions", []):
                assert suppression["kind"] in {"inSource", "external"}
                assert suppression["justification"]


def test_there_is_a_run_of_the_own_rules_and_one_of_each_pack(log: dict[str, Any]) -> None:
    assert [run["tool"]["driver"]["name"] for run in log["runs"]] == [
        OWN,
        "AwsSolutions",
        "NIST.800.53.R5",
        "HIPAA.Security",
        "PCI.DSS.321",
        "Serverless",
    ]


def test_every_result_of_prod_is_suppressed_with_its_reason(log: dict[str, Any]) -> None:
    results = [result for run in log["runs"] for result in run["results"]]

    assert results
    assert all(result["suppressions"] for result in results)


def test_a_finding_is_a_result_at_the_line_that_proves_it(prod: Assembly) -> None:
    texts = {stack: text.replace('"AuthType": "AWS_IAM"', '"AuthType": "NONE"') for stack, text in prod.texts.items()}
    edited = assemble(texts, prod.packs)

    [result] = json.loads(sarif(edited, findings(edited, Judge(edited))))["runs"][0]["results"]

    physical = result["locations"][0]["physicalLocation"]
    assert result["ruleId"] == "TM-URL-AUTH"
    assert "suppressions" not in result
    line = edited.texts["TopicModel-prod-Serving"].splitlines()[physical["region"]["startLine"] - 1]
    assert line.strip().startswith('"AuthType": "NONE"')
