from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from audit import report
from audit.__main__ import main
from audit.assembly import Assembly, assemble
from audit.flows import flows
from audit.limits import LIMITS
from audit.origin import Origin
from audit.statements import documents, statements
from audit.stores import stores
from rules.model import items


@pytest.fixture(scope="module")
def written(prod: Assembly, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The audit of prod."""
    folder = tmp_path_factory.mktemp("report") / "audit"
    report.write(prod, folder, None, Origin())
    return folder


class Links(HTMLParser):
    """The ids of a page, where its links lead, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: set[str] = set()
        self.loads: list[str] = []
        self.rows_without_place = 0
        self._places: int | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.ids += [known["id"] or ""] if "id" in known else []
        if tag == "a":
            self.targets.add(str(known["href"]))
            if self._places is not None and re.fullmatch(r"#(Data|Serving|Training)-\d+", str(known["href"])):
                self._places += 1
        self.loads += [str(known[name]) for name in ("src",) if name in known] + (["link"] if tag == "link" else [])
        if tag == "tr" and "not-checked" not in (known.get("data-places") or ""):
            self._places = 0

    def handle_endtag(self, tag: str) -> None:
        if tag == "tr" and self._places is not None:
            self.rows_without_place += self._places == 0
            self._places = None


@pytest.fixture(scope="module")
def links(written: Path) -> Links:
    """What is in the page."""
    return Links((written / "index.html").read_text(encoding="utf-8"))


def test_every_link_of_the_page_leads_to_something_on_it(links: Links) -> None:
    assert {target for target in links.targets if target.startswith("#")} <= {f"#{each}" for each in links.ids}
    assert len(links.ids) == len(set(links.ids))


def test_every_row_that_was_checked_leads_to_a_line_of_a_template(links: Links, written: Path) -> None:
    heads, of_rules, of_totals = 9, len(json.loads((written / "rules.json").read_text(encoding="utf-8"))), 5

    assert links.rows_without_place == heads + of_rules + of_totals


def test_the_page_loads_nothing(links: Links, written: Path) -> None:
    page = (written / "index.html").read_text(encoding="utf-8")

    assert links.loads == []
    assert "@import" not in page
    assert "url(http" not in page


def test_every_resource_is_in_the_inventory(written: Path, prod: Assembly) -> None:
    with (written / "inventory.csv").open(encoding="utf-8", newline="") as stream:
        listed = {(row["stack"], row["logical_id"]) for row in csv.DictReader(stream)}

    assert listed == {
        (stack, resource.logical_id) for stack, resource in prod.resources() if resource.type != "AWS::CDK::Metadata"
    }


def test_every_statement_of_every_policy_is_listed_at_its_own_line(prod: Assembly) -> None:
    rows = statements(prod).rows
    held = sum(
        len(items(document["Statement"])) for _, resource in prod.resources() for _, document in documents(resource)
    )
    permissions = len(list(prod.resources("AWS::Lambda::Permission")))

    assert len(rows) == held + permissions
    assert len({row.place for row in rows}) == len(rows)
    assert all(row.cells[2] and row.cells[3] and row.cells[4] for row in rows)


def test_csv_and_json_hold_the_same_rows(written: Path) -> None:
    for file in sorted(written.glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as stream:
            rows = [{**row, "template_line": int(row["template_line"])} for row in csv.DictReader(stream)]

        assert rows == json.loads(file.with_suffix(".json").read_text(encoding="utf-8")), file.name


def test_data_flows_from_the_url_to_the_endpoint_and_from_there_to_the_capture(prod: Assembly) -> None:
    known = {(flow.source.name, flow.verb, flow.target.name) for flow in flows(prod)}

    assert known >= {
        ("Client of the URL", "asks", "TopicsFunction"),
        ("TopicsFunction", "asks", "Endpoint topic-model-prod"),
        ("Endpoint topic-model-prod", "writes", "CaptureCaptured"),
        ("Train job", "reads", "Corpora"),
        ("Train job", "writes", "Artifacts"),
        ("Train job", "shares", "Train job"),
    }


def test_every_hop_of_prod_is_encrypted_and_every_store_says_under_what(prod: Assembly) -> None:
    assert {flow.hop.split(":")[0] for flow in flows(prod)} == {"TLS", "encrypted between containers"}
    assert all(row.cells[2] != "no key of ours" for row in stores(prod).rows)


def test_a_hop_that_nothing_enforces_is_told(prod: Assembly) -> None:
    texts = {
        stack: text.replace('"aws:SecureTransport": "false"', '"x": "false"') for stack, text in prod.texts.items()
    }

    hops = {flow.target.name: flow.hop for flow in flows(assemble(texts, prod.packs))}

    assert hops["Corpora"] == "not enforced"


def test_what_no_setting_closes_is_said(written: Path) -> None:
    told = json.loads((written / "limits.json").read_text(encoding="utf-8"))

    # The limit of what prod does not have by default is told where it is turned on: see test_retraining.py.
    assert len(told) == len([limit for limit in LIMITS if limit.resource_type != "AWS::SageMaker::ModelPackageGroup"])
    assert any("CloudTrail does not record InvokeEndpoint" in row["limit"] for row in told)
    assert any("public internet" in row["limit"] for row in told)


def test_prod_has_no_finding_and_every_acknowledgment_is_listed_with_its_reason(written: Path, prod: Assembly) -> None:
    figures = json.loads((written / "summary.json").read_text(encoding="utf-8"))["figures"]
    listed = json.loads((written / "acknowledgments.json").read_text(encoding="utf-8"))
    assert prod.packs is not None
    suppressed = sum(judged.reason is not None for said in prod.packs.values() for judged in said)

    assert (figures["findings of own rules"], figures["findings of the packs"]) == ("0", "0")
    assert sum(row["in the report"] == "yes" for row in listed) == suppressed
    assert all(len(row["reason"]) > 40 for row in listed)


def test_the_same_templates_give_the_same_bytes(written: Path, prod_folder: Path, tmp_path: Path) -> None:
    assert main(["--assembly", str(prod_folder), "--out", str(tmp_path / "again")]) == 0

    for file in sorted(written.iterdir()):
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes(), file.name


def test_a_folder_without_templates_is_refused_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--assembly", str(tmp_path), "--out", str(tmp_path / "audit")]) == 2

    assert "there are no templates in" in capsys.readouterr().err
    assert not (tmp_path / "audit").exists()
