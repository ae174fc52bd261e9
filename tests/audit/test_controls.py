from __future__ import annotations

import re
import tarfile
from dataclasses import replace
from pathlib import Path

import cdk_nag
import pytest

from audit import controls
from audit.assembly import Assembly, assemble
from audit.controls import ACKNOWLEDGED, FINDING, NOT_CHECKED, PASS, Control, Judge
from audit.tables import Place
from rules.engine import ALL_RULES

START = Place("TopicModel-prod-Data", 1)
PACKS = {
    "NIST.800.53.R5": "nist-800-53-r5",
    "HIPAA.Security": "hipaa-security",
    "PCI.DSS.321": "pci-dss-321",
}


def bare(control: str) -> str:
    """A control's id without the brackets at its end: some of the packs' texts have lost the last one."""
    return control.strip().rstrip(").")


@pytest.fixture(scope="module")
def source() -> tuple[Control, ...]:
    """The source table."""
    return controls.load()


@pytest.fixture(scope="module")
def mapped() -> set[tuple[str, str]]:
    """Which rule of the packs is for which control, by the text of the installed packs."""
    [archive] = Path(cdk_nag.__file__).parent.glob("_jsii/*.tgz")
    found = set()
    with tarfile.open(archive) as files:
        for pack, name in PACKS.items():
            member = files.extractfile(f"package/lib/packs/{name}.js")
            assert member is not None
            entries = re.findall(
                r"(?:ruleSuffixOverride: '(\w+)',\s*)?info: (['\"`])(.*?)\2,.*?rule: \w+\.(\w+)",
                member.read().decode(),
                re.DOTALL,
            )
            for override, _, text, rule in entries:
                ids = re.search(r"\(Control IDs?: (.*)\)\.?$", text)
                for control in ids[1].split(",") if ids else []:
                    found.add((f"{pack}-{override or rule}", bare(control)))
    return found


def test_every_control_that_a_packs_rule_is_for_is_so_by_the_text_of_that_pack(
    source: tuple[Control, ...], mapped: set[tuple[str, str]]
) -> None:
    theirs = {(control.rule, control.control) for control in source if control.mapped_by.startswith("cdk-nag")}

    assert len(theirs) > 700
    assert {(rule, bare(control)) for rule, control in theirs} <= mapped


def test_every_control_of_a_rule_in_the_table_is_in_the_table(
    source: tuple[Control, ...], mapped: set[tuple[str, str]]
) -> None:
    theirs = {(control.rule, control.control) for control in source if control.mapped_by.startswith("cdk-nag")}
    rules = {rule for rule, _ in theirs}

    assert {pair for pair in mapped if pair[0] in rules} == {(rule, bare(control)) for rule, control in theirs}


def test_every_own_rule_in_the_table_exists(source: tuple[Control, ...]) -> None:
    named = {control.rule for control in source if control.rule.startswith("TM-")}

    assert named
    assert named <= {rule.id for rule in ALL_RULES}


def test_every_row_has_the_form_of_its_frameworks_ids_and_a_source(source: tuple[Control, ...]) -> None:
    forms = {
        "AWS FSBP": r"[A-Za-z0-9]+\.\d+",
        "NIST 800-53 R5": r"[A-Z]{2}-\d+.*",
        "HIPAA": r"164\.\d{3}\(.*",
        "PCI DSS 3.2.1": r"\d+(\.\d+)*",
    }
    for control in source:
        assert re.fullmatch(forms[control.framework], control.control), control
        assert control.source.startswith("https://")
        assert bool(control.rule) == bool(control.resource_type)
    assert len(set(source)) == len(source)


def test_a_control_without_a_rule_is_not_checked_and_never_passes(prod: Assembly, source: tuple[Control, ...]) -> None:
    rows = controls.matrix(source, Judge(prod), START).rows

    assert {row.cells[5] for row in rows if not row.cells[4]} == {NOT_CHECKED}
    assert all(row.cells[4] for row in rows if row.cells[5] == PASS)
    assert {row.cells[1] for row in rows if not row.cells[4]} >= {"CloudTrail.1", "AT-2", "164.308(a)(2)", "9.1"}


def test_a_rule_that_nobody_has_is_not_checked(prod: Assembly) -> None:
    asked = Control("AWS FSBP", "S3.1", "?", "AWS::S3::Bucket", "BucketEncryption", "TM-NO-SUCH", "", "https://…")

    assert {row.cells[5] for row in controls.matrix((asked,), Judge(prod), START).rows} == {NOT_CHECKED}


def test_without_the_packs_report_their_controls_are_not_checked(prod: Assembly, source: tuple[Control, ...]) -> None:
    rows = controls.matrix(source, Judge(replace(prod, packs=None)), START).rows

    assert {row.cells[5] for row in rows if not row.cells[4].startswith("TM-")} == {NOT_CHECKED}


def test_what_is_acknowledged_says_its_reason(prod: Assembly, source: tuple[Control, ...]) -> None:
    rows = [row for row in controls.matrix(source, Judge(prod), START).rows if row.cells[5] == ACKNOWLEDGED]

    assert rows
    assert all(len(row.cells[6]) > 40 for row in rows)


def test_a_finding_of_an_own_rule_is_a_finding_of_its_controls(prod: Assembly, source: tuple[Control, ...]) -> None:
    texts = {
        stack: text.replace('"EnableNetworkIsolation": true', '"EnableNetworkIsolation": false')
        for stack, text in prod.texts.items()
    }
    judge = Judge(assemble(texts, prod.packs))

    found = {row.cells[1] for row in controls.matrix(source, judge, START).rows if row.cells[5] == FINDING}

    assert found == {"SageMaker.5", "SC-7(5)", "AC-4", "1.3.4"}


def test_a_finding_of_a_pack_is_a_finding_of_its_controls(prod: Assembly, source: tuple[Control, ...]) -> None:
    assert prod.packs is not None
    packs = {
        pack: tuple(replace(judged, reason=None) if "Replication" in judged.rule else judged for judged in said)
        for pack, said in prod.packs.items()
    }

    rows = controls.matrix(source, Judge(replace(prod, packs=packs)), START).rows

    assert {row.cells[4] for row in rows if row.cells[5] == FINDING} == {
        f"{pack}-S3BucketReplicationEnabled" for pack in PACKS
    }


def test_a_rule_on_training_jobs_says_nothing_of_a_machine_that_starts_none(
    prod: Assembly, source: tuple[Control, ...]
) -> None:
    rows = controls.matrix(source, Judge(prod), START).rows

    assert {row.place.stack for row in rows if row.cells[4] == "TM-JOB-TRAFFIC-ENCRYPTED"} == {
        "TopicModel-prod-Training"
    }
    assert len({row.place.stack for row in rows if row.cells[4] == "TM-JOB-VOLUME-KEY"}) == 2
