"""All of the audit: its tables, and the files that they are written to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from audit import acknowledgments, changes, controls, diagram, flows, inventory, limits, page, sarif, statements
from audit import stores as stores_
from audit.assembly import REPORT, Assembly
from audit.faults import seeded
from audit.faults.seeds import SEEDS
from audit.faults.seeds_compute import SEEDS as COMPUTE_SEEDS
from audit.faults.seeds_preparation import PREPARATION_SEEDS
from audit.tables import Table

ALL_SEEDS = (*SEEDS, *COMPUTE_SEEDS)


def write(assembly: Assembly, folder: Path, release: Path | None) -> dict[str, str]:
    """Write the audit to `folder`, whole or not at all; return its figures.

    Raises:
        AuditError: `release` has no templates.
    """
    judge = controls.Judge(assembly)
    found = flows.flows(assembly)
    start = assembly.place(assembly.templates[0].stack, "")
    matrix = controls.matrix(controls.load(), judge, start)
    tables = [
        limits.limits(assembly),
        inventory.inventory(assembly),
        stores_.stores(assembly),
        flows.table(found),
        statements.statements(assembly),
        matrix,
        acknowledgments.acknowledgments(assembly),
        seeded.table(assembly, (*ALL_SEEDS, *PREPARATION_SEEDS)),
        changes.changes(assembly, release),
    ]
    figures = _figures(assembly, judge, {table.name: table for table in tables})
    title = f"Audit of {', '.join(template.stack for template in assembly.templates)}"
    files = {"index.html": page.page(title, figures, tables, svg=diagram.diagram(found), texts=assembly.texts)}
    for table in tables:
        files[f"{table.name}.csv"], files[f"{table.name}.json"] = table.as_csv(), table.as_json()
    files["findings.sarif"] = sarif.sarif(assembly, judge)
    summary = {"figures": figures, "outcomes": controls.outcomes(matrix)}
    files["summary.json"] = json.dumps(summary, indent=1) + "\n"
    _replace(folder, files)
    return figures


def _figures(assembly: Assembly, judge: controls.Judge, tables: dict[str, Table]) -> dict[str, str]:
    packs = assembly.packs
    open_ = [judged for said in (packs or {}).values() for judged in said if judged.reason is None]
    seeds = tables["seeded-faults"].rows
    caught = sum(row.cells[3] == "caught" for row in seeds)
    return {
        "resources": str(len(tables["inventory"].rows)),
        "IAM statements": str(len(tables["statements"].rows)),
        "data flows": str(len(tables["flows"].rows)),
        "findings of own rules": str(len(judge.findings)),
        "findings of the packs": str(len(open_)) if packs is not None else f"not checked: no {REPORT}",
        "acknowledged findings": str(len(tables["acknowledgments"].rows)),
        "seeded faults caught": f"{caught} of {len(seeds)}",
        **{
            f"{framework}: pass, acknowledged, finding, not checked": " · ".join(
                str(counts[outcome])
                for outcome in (controls.PASS, controls.ACKNOWLEDGED, controls.FINDING, controls.NOT_CHECKED)
            )
            for framework, counts in controls.outcomes(tables["controls"]).items()
        },
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
