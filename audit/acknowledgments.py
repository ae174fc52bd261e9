"""Findings that stand: each on one resource, with the reason that the template gives."""

from __future__ import annotations

from audit.assembly import Assembly, construct_path
from audit.tables import Row, Table
from rules.model import mapping, objects


def acknowledgments(assembly: Assembly) -> Table:
    """Return the table of what the templates acknowledge, for the packs and for Checkov."""
    rows: list[Row] = []
    for stack, resource in assembly.resources():
        metadata = mapping(resource.body.get("Metadata"))
        for section, field, reason in (("cdk_nag", "rules_to_suppress", "reason"), ("checkov", "skip", "comment")):
            for number, entry in enumerate(objects(mapping(metadata.get(section)).get(field))):
                place = assembly.place(stack, resource.logical_id, f"Metadata/{section}/{field}/{number}")
                finding = str(entry.get("id"))
                told = _told(assembly, finding, construct_path(resource))
                cells = (finding, resource.type, resource.logical_id, str(entry.get(reason)), told)
                rows.append(Row(cells, place))
    return Table(
        "acknowledgments",
        "Acknowledged findings",
        "Findings of the packs and of Checkov that stand, each on the one resource that it is about.",
        ("finding", "type", "resource", "reason", "in the report"),
        tuple(rows),
    )


def _told(assembly: Assembly, finding: str, construct: str) -> str:
    """Return whether the report that came with the templates has the finding: if not, its reason could go."""
    if finding.startswith("CKV_"):
        return "Checkov's own"
    if assembly.packs is None:
        return "no report"
    known = {(judged.rule, judged.construct) for said in assembly.packs.values() for judged in said}
    return "yes" if (finding, construct) in known else "no"
