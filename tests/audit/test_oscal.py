from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from audit import controls, oscal
from audit.assembly import Assembly
from audit.controls import Judge
from audit.origin import Origin
from tests.synths import ROOT

SCHEMA = Path(os.environ.get("OSCAL_SCHEMA", ROOT / "build" / "oscal" / "oscal_assessment-results_schema.json"))
SOURCE = f"https://github.com/usnistgov/OSCAL/releases/download/v{oscal.VERSION}/oscal_assessment-results_schema.json"


def written(assembly: Assembly, origin: Origin) -> dict[str, Any]:
    """The document."""
    source = controls.load()
    matrix = controls.matrix(source, Judge(assembly), assembly.start)
    return dict(json.loads(oscal.results(assembly, source, matrix, origin)))


@pytest.fixture(scope="module", params=["dev", "prod"])
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The assessment results of a stage with findings, and of one without."""
    return written(request.getfixturevalue(request.param), Origin())


@pytest.fixture(scope="module")
def schema() -> jsonschema_rs.Validator:
    """NIST's schema."""
    if not SCHEMA.is_file():
        pytest.skip(f"NIST's schema is not at {SCHEMA}: it is at {SOURCE}")
    validator: jsonschema_rs.Validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text(encoding="utf-8")))
    return validator


def test_the_results_are_valid_by_nists_schema(document: dict[str, Any], schema: jsonschema_rs.Validator) -> None:
    assert [f"{list(error.instance_path)}: {error.message}" for error in schema.iter_errors(document)] == []


def test_the_schema_refuses_results_without_a_start(document: dict[str, Any], schema: jsonschema_rs.Validator) -> None:
    broken = json.loads(json.dumps(document))
    del broken["assessment-results"]["results"][0]["start"]

    assert not schema.is_valid(broken)


def test_the_results_with_a_commit_say_its_date_and_are_valid(dev: Assembly, schema: jsonschema_rs.Validator) -> None:
    origin = Origin("0123456789abcdef0123", "2026-11-30T12:00:00+02:00")
    document = written(dev, origin)

    assert schema.is_valid(document)
    assert {result["start"] for result in document["assessment-results"]["results"]} == {origin.date}


def test_every_finding_has_the_state_that_the_totals_count(dev: Assembly) -> None:
    source = controls.load()
    totals = controls.totals(controls.matrix(source, Judge(dev), dev.start))

    for result in written(dev, Origin())["assessment-results"]["results"]:
        framework = next(name for name in totals if result["title"].startswith(name))
        states = [finding["target"]["status"] for finding in result["findings"]]
        counts = totals[framework]
        assert len(states) == sum(counts.values()) - counts[controls.NOT_CHECKED]
        assert sum(state["reason"] == "fail" for state in states) == counts[controls.FINDING]
        assert sum(state["state"] == "satisfied" for state in states) == counts[controls.PASS]


def test_every_reference_leads_to_something_in_the_document(document: dict[str, Any]) -> None:
    uuids: list[str] = []
    references: set[str] = set()

    def walk(value: object) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == "uuid":
                    uuids.append(str(inner))
                elif str(key).endswith("-uuid"):
                    references.add(str(inner))
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(document)
    assert references <= set(uuids)
    assert len(uuids) == len(set(uuids))


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        ("SC-7(5)", ("sc-7.5", "sc-7.5_smt")),
        ("AC-17b", ("ac-17", "ac-17_smt.b")),
        ("AC-17(4)(a)", ("ac-17.4", "ac-17.4_smt.a")),
        ("PM-14a.1", ("pm-14", "pm-14_smt.a.1")),
    ],
)
def test_a_control_of_nists_has_the_ids_of_nists_catalog(control: str, expected: tuple[str, str]) -> None:
    assert oscal.ids("NIST 800-53 R5", control) == expected


def test_no_two_controls_of_a_framework_have_one_statement() -> None:
    known = {(control.framework, control.control) for control in controls.load()}

    assert len({(framework, oscal.ids(framework, control)[1]) for framework, control in known}) == len(known)
