"""What the rules find: open findings of own rules and packs, acknowledged ones, and the totals of each rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from audit.assembly import OWN, Assembly, construct_path
from audit.controls import ACKNOWLEDGED, FINDING, NOT_CHECKED, PASS, Control, Judge
from audit.ratings import SEVERITIES, bare, is_own, pack_of, rating
from audit.tables import Place, Row, Table
from rules.engine import ALL_RULES
from rules.model import mapping, objects


@dataclass(frozen=True)
class Found:
    """What one rule finds at one resource."""

    pack: str
    rule: str
    """As the pack names it, with what it is about in brackets: what an acknowledgment names too."""
    message: str
    place: Place
    reason: str | None
    """Why it stands, or None where nothing acknowledges it."""

    @property
    def outcome(self) -> str:
        """Whether the finding is open or acknowledged."""
        return FINDING if self.reason is None else ACKNOWLEDGED


def findings(assembly: Assembly, judge: Judge) -> tuple[Found, ...]:
    """Return what own rules and packs find, the packs' with their acknowledgments."""
    return (*_own(assembly, judge), *_of_packs(assembly))


def _own(assembly: Assembly, judge: Judge) -> Iterator[Found]:
    for each in judge.findings:
        yield Found(OWN, each.rule_id, each.message, assembly.place(each.stack, each.logical_id, each.path), None)


def _of_packs(assembly: Assembly) -> Iterator[Found]:
    places = {
        construct_path(resource): assembly.place(stack, resource.logical_id) for stack, resource in assembly.resources()
    }
    for pack, judged in (assembly.packs or {}).items():
        for each in judged:
            place = places.get(each.construct, assembly.start)
            yield Found(pack, each.rule, each.message, place, each.reason)


def table(found: tuple[Found, ...]) -> Table:
    """Return the open findings, the severest first."""
    rows = [
        Row(
            (rating(each.rule).severity, each.rule, each.place.logical_id, each.message, rating(each.rule).remediation),
            each.place,
        )
        for each in found
        if each.outcome == FINDING
    ]
    rows.sort(key=lambda row: (SEVERITIES.index(row.cells[0]), row.cells[1], row.place))
    return Table(
        "findings",
        "Open findings",
        "What own rules and packs find and nothing acknowledges, the severest first. Own rules of hardened stages are "
        "asked of every stage.",
        ("severity", "rule", "resource", "finding", "remediation"),
        tuple(rows),
    )


def rules(assembly: Assembly, found: tuple[Found, ...], controls: tuple[Control, ...]) -> Table:
    """Return every rule that is asked, with its severity, its remediation, and what it finds."""
    titles = {rule.id: rule.title for rule in ALL_RULES}
    asked = {control.rule for control in controls if control.rule} | {bare(each.rule) for each in found} | set(titles)
    counts = Counter((bare(each.rule), each.outcome) for each in found)
    messages = {bare(each.rule): each.message for each in found}
    rows = [
        Row(
            (
                rule,
                rating(rule).severity,
                _outcome(assembly, rule, counts),
                str(counts[rule, FINDING]),
                str(counts[rule, ACKNOWLEDGED]),
                titles.get(rule, messages.get(rule, "")),
                rating(rule).remediation,
            ),
            assembly.start,
        )
        for rule in sorted(asked, key=lambda rule: (not is_own(rule), rule))
    ]
    return Table(
        "rules",
        "Rules",
        "Every rule of the findings and of the controls: how severe its findings are and what mends them, by this "
        "project's own judgment. High: data could be read, changed or lost. Medium: a second line of defence is "
        "missing. Low: traces, costs or upkeep suffer.",
        ("rule", "severity", "outcome", "findings", "acknowledged", "about", "remediation"),
        tuple(rows),
    )


def _outcome(assembly: Assembly, rule: str, counts: Counter[tuple[str, str]]) -> str:
    for outcome in (FINDING, ACKNOWLEDGED):
        if counts[rule, outcome]:
            return outcome
    return PASS if is_own(rule) or pack_of(rule) in (assembly.packs or {}) else NOT_CHECKED


def acknowledgments(assembly: Assembly) -> Table:
    """Return the table of what the templates acknowledge, for the packs and for Checkov."""
    rows: list[Row] = []
    for stack, resource in assembly.resources():
        metadata = mapping(resource.body.get("Metadata"))
        for section, field, reason in (("cdk_nag", "rules_to_suppress", "reason"), ("checkov", "skip", "comment")):
            for number, entry in enumerate(objects(mapping(metadata.get(section)).get(field))):
                place = assembly.place(stack, resource.logical_id, f"Metadata/{section}/{field}/{number}")
                finding = str(entry.get("id"))
                reported = _in_the_report(assembly, finding, construct_path(resource))
                cells = (finding, resource.type, resource.logical_id, str(entry.get(reason)), reported)
                rows.append(Row(cells, place))
    return Table(
        "acknowledgments",
        "Acknowledged findings",
        "Findings of the packs and of Checkov that stand, each on the one resource that it is about.",
        ("finding", "type", "resource", "reason", "in the report"),
        tuple(rows),
    )


def _in_the_report(assembly: Assembly, finding: str, construct: str) -> str:
    """Return whether the report that came with the templates has the finding: if not, its reason could go."""
    if finding.startswith("CKV_"):
        return "Checkov's own"
    if assembly.packs is None:
        return "no report"
    known = {(judged.rule, judged.construct) for said in assembly.packs.values() for judged in said}
    return "yes" if (finding, construct) in known else "no"
