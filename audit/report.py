"""All of the audit: its tables, and the files that they are written to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from audit import (
    changes,
    controls,
    diagram,
    findings,
    flows,
    inventory,
    limits,
    oscal,
    page,
    sarif,
    statements,
)
from audit import stores as stores_
from audit.assembly import OWN, REPORT, Assembly
from audit.faults import seeded
from audit.faults.seeds import SEEDS
from audit.faults.seeds_compute import SEEDS as COMPUTE_SEEDS
from audit.faults.seeds_preparation import PREPARATION_SEEDS
from audit.findings import Found
from audit.origin import Origin
from audit.tables import Table

ALL_SEEDS = (*SEEDS, *COMPUTE_SEEDS)


class Summary(NamedTuple):
    """What a command tells of an audit."""

    figures: dict[str, str]
    totals: Mapping[str, Mapping[str, int]]
    """How many controls of each framework have which outcome."""
    open_findings: int


def write(assembly: Assembly, folder: Path, release: Path | None, origin: Origin) -> Summary:
    """Write the audit to `folder`, whole or not at all.

    Raises:
        AuditError: `release` has no templates, or the diagram cannot be laid out.
    """
    judge = controls.Judge(assembly)
    source = controls.load()
    all_findings = findings.findings(assembly, judge)
    moved = flows.flows(assembly)
    matrix = controls.matrix(source, judge, assembly.start)
    tables = [
        findings.table(all_findings),
        limits.limits(judge),
        inventory.inventory(assembly),
        stores_.stores(assembly),
        flows.table(moved),
        statements.statements(assembly),
        matrix,
        findings.rules(assembly, all_findings, source),
        findings.acknowledgments(assembly),
        seeded.table(assembly, (*ALL_SEEDS, *PREPARATION_SEEDS)),
        changes.changes(assembly, release),
    ]
    figures = _figures(assembly, all_findings, {table.name: table for table in tables})
    totals = controls.totals(matrix)
    about = page.About(assembly, str(origin), figures, totals)
    files = {"index.html": page.page(about, tables, svg=diagram.diagram(moved))}
    for table in tables:
        files[f"{table.name}.csv"], files[f"{table.name}.json"] = table.as_csv(), table.as_json()
    files["findings.sarif"] = sarif.sarif(assembly, all_findings)
    files["assessment-results.json"] = oscal.results(assembly, source, matrix, origin)
    summary = {
        "stacks": [template.stack for template in assembly.templates],
        "hardened": assembly.hardened,
        "origin": asdict(origin),
        "figures": figures,
        "controls": totals,
        "retired": controls.RETIRED,
    }
    files["summary.json"] = json.dumps(summary, indent=1) + "\n"
    _replace(folder, files)
    return Summary(figures, totals, sum(each.reason is None for each in all_findings))


def _figures(assembly: Assembly, found: tuple[Found, ...], tables: dict[str, Table]) -> dict[str, str]:
    own = sum(each.pack == OWN for each in found)
    open_ = sum(each.pack != OWN and each.reason is None for each in found)
    seeds = tables["seeded-faults"].rows
    caught = sum(row.cells[3] == "caught" for row in seeds)
    return {
        "resources": str(len(tables["inventory"].rows)),
        "IAM statements": str(len(tables["statements"].rows)),
        "data flows": str(len(tables["flows"].rows)),
        "findings of own rules": str(own),
        "findings of the packs": str(open_) if assembly.packs is not None else f"not checked: no {REPORT}",
        "acknowledged findings": str(len(tables["acknowledgments"].rows)),
        "seeded faults caught": f"{caught} of {len(seeds)}" if assembly.hardened else "not tried",
    }


def _replace(folder: Path, files: dict[str, str]) -> None:
    """Write the files beside the folder and put them in its place, so that it is never half of two audits."""
    fresh = folder.with_name(f"{folder.name}.new")
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir(parents=True)
    for name, text in files.items():
        (fresh / name).write_text(text, encoding="utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    fresh.rename(folder)
