"""A stage that is not hardened is told as it is."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from audit import controls, report
from audit.__main__ import main
from audit.assembly import Assembly, read
from audit.controls import ACKNOWLEDGED, FINDING, NOT_CHECKED, PASS, Control, Judge
from audit.findings import findings
from audit.limits import limits
from audit.origin import Origin, of_working_tree
from audit.ratings import SEVERITIES, UNRATED, bare, rating, ratings
from rules.engine import ALL_RULES


@pytest.fixture(scope="module")
def written(dev: Assembly, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The audit of dev."""
    folder = tmp_path_factory.mktemp("report") / "audit"
    report.write(dev, folder, None, Origin())
    return folder


def records(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of a table."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_finding_that_the_packs_list_is_on_the_page_and_in_the_figures(written: Path, dev_folder: Path) -> None:
    listed = json.loads((dev_folder / "pack-findings.json").read_text(encoding="utf-8"))
    open_ = [finding for found in listed.values() for finding in found if finding["reason"] is None]
    summary = json.loads((written / "summary.json").read_text(encoding="utf-8"))
    rows = [row["rule"] for row in records(written, "findings") if not row["rule"].startswith("TM-")]

    assert open_
    assert summary["figures"]["findings of the packs"] == str(len(open_))
    assert sorted(rows) == sorted(finding["rule"] for finding in open_)
    assert "This stage is not hardened" in (written / "index.html").read_text(encoding="utf-8")


def test_a_rule_of_hardened_stages_passes_nothing_that_it_was_not_asked_of(dev: Assembly) -> None:
    asked = Control(
        "AWS FSBP", "SageMaker.2", "?", "AWS::SageMaker::Model", "VpcConfig", "TM-MODEL-VPC", "", "https://…"
    )

    rows = controls.matrix((asked,), Judge(dev), dev.start).rows

    assert {row.cells[5] for row in rows} == {FINDING}


def test_the_audit_ends_with_1_where_findings_are_open_and_with_0_where_none_is(
    dev_folder: Path, prod_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--assembly", str(dev_folder), "--out", str(tmp_path / "dev")]) == 1
    assert "open findings" in capsys.readouterr().err
    assert main(["--assembly", str(prod_folder), "--out", str(tmp_path / "prod")]) == 0


def test_what_this_stage_goes_without_is_not_told_as_in_place(dev: Assembly, prod: Assembly) -> None:
    def measures(assembly: Assembly) -> dict[str, tuple[str, str]]:
        return {row.cells[0]: (row.cells[1], row.cells[2]) for row in limits(Judge(assembly)).rows}

    of_dev, of_prod = measures(dev), measures(prod)

    assert {missing for _, missing in of_prod.values()} == {""}
    url = next(text for text in of_dev if "Function URL" in text)
    assert of_dev[url] == ("requests are signed by IAM", "the function's concurrency is bounded")
    recorded = of_dev["CloudTrail does not record InvokeEndpoint."]
    assert recorded[1] == "data capture keeps what the endpoint is asked and answers, by its sampling"
    assert not any("Captured documents" in text for text in of_dev)


def test_a_control_is_counted_once_by_the_weightiest_of_its_outcomes(written: Path) -> None:
    rows = records(written, "controls")
    totals = json.loads((written / "summary.json").read_text(encoding="utf-8"))["controls"]
    nist = {row["control"] for row in rows if row["framework"] == "NIST 800-53 R5"}

    assert sum(totals["NIST 800-53 R5"].values()) == len(nist) == 180
    for outcome in (FINDING, ACKNOWLEDGED, PASS, NOT_CHECKED):
        assert totals["NIST 800-53 R5"][outcome] > 0
    failing = {row["control"] for row in rows if row["framework"] == "NIST 800-53 R5" and row["outcome"] == FINDING}
    assert totals["NIST 800-53 R5"][FINDING] == len(failing)


def test_an_acknowledgment_outweighs_a_pass_and_a_finding_both(prod: Assembly) -> None:
    asked = [
        Control("AWS FSBP", "S3.1", "?", "AWS::S3::Bucket", "BucketEncryption", rule, "", "https://…")
        for rule in ("TM-BUCKET-OWNED", "NIST.800.53.R5-S3BucketReplicationEnabled", "TM-NO-SUCH")
    ]

    def total(*of: Control) -> str:
        return controls.by_control(controls.matrix(of, Judge(prod), prod.start))["AWS FSBP", "S3.1"]

    assert total(asked[0]) == PASS
    assert total(asked[0], asked[2]) == PASS
    assert total(*asked) == ACKNOWLEDGED
    assert total(asked[2]) == NOT_CHECKED


def test_every_rule_of_a_stage_and_of_a_control_has_a_severity_and_a_remediation(dev: Assembly, prod: Assembly) -> None:
    asked = {control.rule for control in controls.load() if control.rule} | {rule.id for rule in ALL_RULES}
    for assembly in (dev, prod):
        asked |= {bare(found.rule) for found in findings(assembly, Judge(assembly))}

    assert [rule for rule in sorted(asked) if rating(rule).severity == UNRATED] == []
    assert {rated.severity for rated in ratings().values()} < set(SEVERITIES)
    assert all(rated.remediation for rated in ratings().values())
    own = {rule for rule in ratings() if rule.startswith("TM-")}
    assert own == {rule.id for rule in ALL_RULES}


def test_a_rule_that_nobody_has_rated_is_told_as_such(dev: Assembly) -> None:
    assert dev.packs is not None
    judged = replace(dev.packs["Serverless"][0], rule="Serverless-NoSuchRule", reason=None)

    found = findings(replace(dev, packs={"Serverless": (judged,)}), Judge(dev))

    assert rating(found[-1].rule).severity == UNRATED


def test_pci_dss_3_2_1_is_named_as_retired(written: Path) -> None:
    assert "retired on 31 March 2024" in (written / "index.html").read_text(encoding="utf-8")
    assert "retired on 31 March 2024" in (written / "assessment-results.json").read_text(encoding="utf-8")


def test_the_page_says_the_commit_and_the_date_of_the_templates_or_that_they_are_unknown(
    dev: Assembly, written: Path, tmp_path: Path
) -> None:
    origin = Origin("0123456789abcdef", "2026-11-30T12:00:00+00:00", changed=True)
    report.write(dev, tmp_path / "audit", None, origin)
    page = (tmp_path / "audit" / "index.html").read_text(encoding="utf-8")

    assert "commit 0123456789ab of 2026-11-30T12:00:00+00:00, with changes that no commit has" in page
    assert "templates alone: unknown." in (written / "index.html").read_text(encoding="utf-8")


def test_a_folder_that_git_does_not_know_has_no_commit(tmp_path: Path) -> None:
    assert of_working_tree(tmp_path) == Origin()


def test_a_report_that_is_no_json_is_refused(dev_folder: Path, tmp_path: Path) -> None:
    for file in dev_folder.glob("*.template.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "pack-findings.json").write_text("{", encoding="utf-8")

    assert main(["--assembly", str(tmp_path), "--out", str(tmp_path / "audit")]) == 2


def test_what_a_failed_synth_repeats_is_told_once(dev_folder: Path, tmp_path: Path) -> None:
    for file in (*dev_folder.glob("*.template.json"), dev_folder / "pack-findings.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    violation = {"ruleName": "TM-KEY-KEPT", "description": "?", "violatingConstructs": [{"constructPath": "A/B"}]}
    reports = [{"pluginName": name, "violations": [violation]} for name in ("TopicModelRules", "AdvisoryPacks")]
    (tmp_path / "validation-report.json").write_text(json.dumps({"pluginReports": reports}), encoding="utf-8")

    assert read(tmp_path).packs == read(dev_folder).packs
